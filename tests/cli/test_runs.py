from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.run import RunMetadata
from aivcs.repo import open_repo
from tests.cli.fields import OUTCOME

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program

WHOLE = [
    *OUTCOME,
    "created_at",
    "completed_at",
    "tags",
    "git_sha",
    "reason",
    "expired_at",
    "source",
    "environment",
    "tenant",
    "state",
    "wait",
    "lease",
]
ROW = [
    "run_id",
    "agent",
    "spec_digest",
    "status",
    "created_at",
    "completed_at",
    "total_events",
    "tags",
]


def test_start_begins_a_run(here: Program, spec: str) -> None:
    answer = here.json("run", "start", "--spec", spec[:8], "--tag", "a=1", "--tag", "b=x=y")
    assert list(answer) == WHOLE
    assert answer["agent"] == "helper"
    assert answer["spec_digest"] == spec
    assert answer["status"] == "RUNNING"
    assert answer["tags"] == {"a": "1", "b": "x=y"}
    assert answer["duration_ms"] is answer["completed_at"] is answer["root"] is None
    text = here.good("run", "start", "--agent", "else", "--spec", spec).text
    assert here.json("run", "show", "latest")["run_id"] == text.strip()


def test_start_without_a_spec_takes_the_current_release(here: Program, spec: str) -> None:
    assert here.fail("run", "start", "--agent", "helper") == (3, "release_not_found")
    assert here.fail("run", "start") == (2, "invalid_input")
    assert here.fail("run", "start", "--spec", spec, "--tag", "a") == (2, "invalid_input")
    assert here.fail("run", "start", "--spec", spec, "--agent", "a b") == (2, "invalid_name")
    assert here.json("run", "list") == []
    here.good("promote", "helper", spec)
    assert here.json("run", "start", "--agent", "helper")["spec_digest"] == spec


def test_append_numbers_the_events(here: Program, run: str) -> None:
    assert here.json("run", "append", run, "--kind", "one") == {"run_id": run, "seq": 1}
    payload = '{"a": [1.5, null], "\\u00e9": "\\ud800"}'
    said = here.good("run", "append", run[:6], "--kind", "two", "--payload", payload)
    assert said.text == "2\n"
    when = "2026-01-31T12:00:00+02:00"
    here.good(
        "run", "append", "latest", "--kind", "three", "--payload", "-", "--seq", 3,
        "--timestamp", when, stdin=b"[1]",
    )  # fmt: skip
    events = here.json("run", "events", run)
    assert [list(event) for event in events] == [["seq", "kind", "payload", "timestamp"]] * 3
    assert [event["payload"] for event in events] == [{}, {"a": [1.5, None], "é": "\ud800"}, [1]]
    assert events[2]["timestamp"] == "2026-01-31T10:00:00Z"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (("--kind", "k", "--payload", "{"), (2, "invalid_event")),
        (("--kind", "k", "--payload", "NaN"), (2, "invalid_event")),
        (("--kind", ""), (2, "invalid_event")),
        (("--kind", "k", "--seq", 0), (2, "invalid_event")),
        (("--kind", "k", "--seq", "x"), (2, "usage")),
        (("--kind", "k", "--timestamp", "noon"), (2, "invalid_input")),
        ((), (2, "usage")),
        (("--kind", "other", "--seq", 1), (4, "sequence_conflict")),
    ],
)
def test_append_refuses(
    here: Program, run: str, more: tuple[object, ...], expected: tuple[int, str]
) -> None:
    here.good("run", "append", run, "--kind", "first")
    assert here.fail("run", "append", run, *more) == expected
    assert here.json("run", "show", run)["total_events"] == 1


def test_append_reads_only_so_much_of_stdin(
    here: Program, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aivcs.domain.jsontext.MAX_BODY", 3)
    args = ("run", "append", run, "--kind", "k", "--payload", "-")
    assert here.fail(*args, stdin=b'"abc"') == (2, "invalid_source")
    assert here.fail(*args, stdin=b"\xff") == (2, "invalid_event")


@pytest.mark.parametrize(
    ("verb", "status"), [("complete", "COMPLETED"), ("fail", "FAILED"), ("cancel", "CANCELLED")]
)
def test_the_ends_of_a_run(here: Program, run: str, tmp_path: Path, verb: str, status: str) -> None:
    (tmp_path / "state").write_bytes(b"hello")
    answer = here.json("run", verb, run[:8], "--state", "state", "--reason", "enough")
    assert list(answer) == WHOLE
    assert answer["status"] == status
    assert answer["reason"] == "enough"
    assert answer["duration_ms"] >= 0
    assert here.good("object", "get", answer["final_state_digest"]).out == b"hello"
    assert here.json("run", "show", run) == answer
    for again in ("complete", "fail", "cancel"):
        assert here.fail("run", again, run) == (5, "invalid_run_state")
    assert here.fail("run", "append", run, "--kind", "late") == (5, "invalid_run_state")
    assert here.json("run", "show", run) == answer


def test_an_end_that_is_refused_stores_nothing(here: Program, run: str, tmp_path: Path) -> None:
    assert here.fail("run", "complete", run, "--state", "missing") == (2, "invalid_input")
    here.good("run", "complete", run)
    before = here.json("object", "list")
    (tmp_path / "state").write_bytes(b"hello")
    assert here.fail("run", "complete", run, "--state", "state") == (5, "invalid_run_state")
    assert here.json("object", "list") == before


def test_a_gap_keeps_a_run_from_completing(here: Program, run: str) -> None:
    here.good("run", "append", run, "--kind", "k", "--seq", 2)
    said = here("run", "complete", run, "--json")
    assert (said.status, said.error["code"]) == (5, "invalid_run_state")
    assert "1" in said.error["message"]
    assert here.json("run", "fail", run)["status"] == "FAILED"


def test_list_filters_and_pages(here: Program, spec: str, second: str) -> None:
    ids = [
        here.json("run", "start", "--agent", agent, "--spec", against)["run_id"]
        for agent, against in (("a", spec), ("b", spec), ("a", second))
    ]
    here.good("run", "fail", ids[0])
    newest = ids[::-1]

    def listed(*args: object) -> list[str]:
        return [row["run_id"] for row in here.json("run", "list", *args)]

    assert listed() == newest
    assert listed("--agent", "a") == [ids[2], ids[0]]
    assert listed("--spec", spec[:9]) == [ids[1], ids[0]]
    assert listed("--status", "FAILED") == listed("--status", "failed") == [ids[0]]
    assert listed("--limit", 1) == [ids[2]]
    assert listed("--limit", 1, "--after", ids[2]) == [ids[1]]
    assert listed("--agent", "nobody") == []
    assert list(here.json("run", "list")[0]) == ROW
    assert here.fail("run", "list", "--after", "nothing") == (3, "run_not_found")
    assert here.fail("run", "list", "--status", "odd") == (2, "usage")
    assert here.fail("run", "list", "--limit", -1) == (2, "usage")
    said = here.good("run", "list", "--limit", 2)
    assert len(said.text.splitlines()) == 3
    assert said.err == "1 more; --limit N shows more, --json all\n"


def test_show_is_read_by_people_too(here: Program, run: str) -> None:
    text = here.good("run", "show", run).text
    assert f"run_id:        {run}\n" in text
    assert "completed_at" not in text
    assert here.fail("run", "show", "none") == (3, "run_not_found")


def test_latest_needs_a_run(here: Program) -> None:
    assert here.fail("run", "show", "latest") == (3, "run_not_found")


def test_an_ambiguous_run_lists_its_candidates(here: Program, tmp_path: Path) -> None:
    with open_repo(tmp_path, ids=iter(["same-1", "same-2"]).__next__) as repo:
        digest = repo.specs.add({"components": {"prompts": {"a.md": "x"}}}).digest
        for _ in range(2):
            repo.runs.create_run(digest, RunMetadata("a"))
    said = here("run", "show", "same", "--json")
    assert (said.status, said.error["code"]) == (3, "ambiguous_id")
    assert "same-1, same-2" in said.error["message"]
    assert here.json("run", "show", "same-2")["run_id"] == "same-2"


def test_events_are_bounded_for_people(here: Program, tmp_path: Path, spec: str) -> None:
    lines = [json.dumps({"kind": "k", "payload": {"n": n, "long": "x" * 200}}) for n in range(60)]
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    run = here.json("run", "record", "--spec", spec, "--events", "events.jsonl")["run_id"]
    assert len(here.json("run", "events", run)) == 60
    said = here.good("run", "events", run)
    rows = said.text.splitlines()[1:]
    assert len(rows) == 50
    assert rows[-1].startswith("50 ")
    assert rows[-1].endswith("…")
    assert said.err == "10 more; --after SEQ and --limit N show more, --json all\n"
    assert here.good("run", "events", run, "--after", 50).err == ""
    assert [e["seq"] for e in here.json("run", "events", run, "--after", 58)] == [59, 60]
    assert [e["seq"] for e in here.json("run", "events", run, "--after", 5, "--limit", 1)] == [6]
    assert here.json("run", "events", run, "--limit", 0) == []
    assert here.fail("run", "events", "nothing") == (3, "run_not_found")


def test_a_listing_without_a_row_says_so(here: Program, spec: str) -> None:
    assert here.good("run", "list").err.startswith("there is no run yet")
    run_id = here.json("run", "start", "--spec", spec)["run_id"]
    assert here.good("run", "list").err == ""
    assert here.good("run", "list", "--agent", "nobody").err.startswith("no run is like that")
    assert here.good("run", "list", "--agent", "nobody", "--json").err == ""
    here.good("run", "append", run_id, "--kind", "tool_called")
    said = here.good("run", "events", run_id, "--kind", "tool_cal")
    assert said.err == "no event of this kind behind seq 0; without --kind all are shown\n"
    assert here.good("run", "events", run_id, "--kind", "tool_cal", "--json").err == ""
