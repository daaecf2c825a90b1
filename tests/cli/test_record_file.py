from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aivcs.trajectories import MAX_SOURCE
from tests.cli.fields import OUTCOME

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Program

LINES = b'{"kind": "one"}\n{"kind": "two", "payload": {"a": 1}}\n'


def test_a_file_of_events_is_a_run(here: Program, tmp_path: Path, spec: str) -> None:
    (tmp_path / "events.jsonl").write_bytes(LINES)
    (tmp_path / "state").write_bytes(b"hello")
    answer = here.json(
        "run", "record", "--spec", spec, "--agent", "me", "--tag", "a=1", "--status", "failed",
        "--state", "state", "--events", "events.jsonl",
    )  # fmt: skip
    assert list(answer) == OUTCOME
    assert (answer["agent"], answer["status"], answer["total_events"]) == ("me", "FAILED", 2)
    assert here.good("object", "get", answer["final_state_digest"]).out == b"hello"
    shown = here.json("run", "show", answer["run_id"])
    assert shown["tags"] == {"a": "1"}
    assert shown["source"]["format"] == "jsonl"
    assert here.good("object", "get", shown["source"]["digest"]).out == LINES


def test_stdin_is_a_file_too(here: Program, spec: str) -> None:
    said = here.good("run", "record", "--spec", spec, "--events", "-", stdin=LINES)
    assert "total_events:  2" in said.text
    both = ("--spec", spec, "--events", "-", "--state", "-")
    assert here.fail("run", "record", *both, stdin=LINES) == (2, "usage")


def test_a_gap_in_a_file_is_named(here: Program, spec: str) -> None:
    lines = b'{"kind": "one", "seq": 1}\n{"kind": "two", "seq": 3}\n'
    said = here("run", "record", "--spec", spec, "--events", "-", stdin=lines)
    assert said.status == 5
    assert "no event has seq 2" in said.err
    assert "nothing was recorded" in said.err
    assert here.json("run", "list") == []


def test_recording_a_file_again_says_so(here: Program, spec: str) -> None:
    args = ("run", "record", "--spec", spec, "--events", "-")
    first = here.json(*args, stdin=LINES)
    said = here.good(*args, "--json", stdin=LINES)
    assert said.json == {**first, "already_recorded": True}
    assert said.err == "already recorded; nothing was changed\n"
    assert len(here.json("run", "list")) == 1


def test_what_is_said_otherwise_the_second_time_is_told(
    here: Program, tmp_path: Path, spec: str, second: str
) -> None:
    (tmp_path / "state").write_bytes(b"hello")
    args = ("run", "record", "--events", "-")
    here.good(*args, "--spec", spec, "--agent", "me", "--tag", "a=1", stdin=LINES)
    same = ("--agent", "me", "--tag", "a=1", "--status", "completed")
    assert "warning" not in here.good(*args, *same, stdin=LINES).err
    other = ("--agent", "you", "--tag", "a=2", "--status", "failed", "--state", "state")
    said = here.good(*args, *other, "--spec", second, stdin=LINES)
    assert said.err.splitlines() == [
        "warning: it was recorded as runs of me, not of you",
        f"warning: it was recorded against spec {spec[:12]}, not {second[:12]}",
        "warning: the tag a=2 was not added",
        "warning: it was recorded as COMPLETED",
        "warning: the final state was not added",
        "already recorded; nothing was changed",
    ]


def test_a_file_of_many_runs(here: Program, data: Callable[[str], Path]) -> None:
    folder = data("tau-bench")
    path = min(folder.rglob("*.json"))
    count = len(json.loads(path.read_bytes()))
    answer = here.json("run", "record", "--events", path)
    assert list(answer) == ["runs"]
    assert len(answer["runs"]) == count
    assert all(list(run) == OUTCOME for run in answer["runs"])
    assert here.json("run", "record", "--events", path) == {**answer, "already_recorded": True}
    said = here.good("run", "record", "--events", path)
    assert len(said.text.splitlines()) == count + 1
    assert len(here.json("run", "list")) == count
    assert here.json("verify")["ok"]


def test_the_spec_is_the_current_release_of_the_agent(here: Program, spec: str) -> None:
    here.good("promote", "helper", spec)
    said = here.good("run", "record", "--agent", "helper", "--events", "-", "--json", stdin=LINES)
    assert said.json["spec_digest"] == spec
    assert said.err == ""


def test_the_spec_is_made_from_the_folder_one_stands_in(
    here: Program, agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(agent)
    args = ("run", "record", "--agent", "new", "--events", "-", "--json")
    said = here.good(*args, stdin=LINES)
    (stored,) = here.json("spec", "list")
    assert said.json["spec_digest"] == stored["digest"]
    assert said.json["agent"] == "new"
    short = stored["digest"][:12]
    assert said.err == f"recording against spec {short} (helper), made from here\n"


def test_without_any_spec_nothing_is_recorded(here: Program, tmp_path: Path) -> None:
    bare = ("run", "record", "--events", "-")
    assert here.fail(*bare, stdin=LINES) == (2, "invalid_input")
    said = here(*bare, "--agent", "who", stdin=LINES)
    assert said.status == 2
    assert "who has no release" in said.err
    assert "hint: give --spec" in said.err
    (tmp_path / "aivcs.toml").write_text("nonsense = 1\n")
    assert here.fail(*bare, stdin=LINES) == (2, "invalid_spec")
    assert here.json("run", "list") == []
    assert here.json("object", "list") == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"  \n",
        b'{"kind": "one"}\n{"kind": "tw',
        b'{"kind": "one"}\nnonsense\n',
        b"\x00\x01\x02\xff",
        b'{"kind": "caf\xe9"}\n',
        b'{"kind": "one"}\n{"payload": 1}\n',
        b'{"unknown": "format"}',
    ],
    ids=["empty", "blank", "truncated", "not-json", "binary", "latin-1", "no-kind", "unknown"],
)
def test_a_bad_file_leaves_nothing(
    here: Program, tmp_path: Path, spec: str, content: bytes
) -> None:
    (tmp_path / "bad").write_bytes(content)
    before = here.json("object", "list")
    args = ("run", "record", "--spec", spec, "--events", "bad")
    assert here.fail(*args) == (2, "invalid_source")
    message = here(*args, "--json").error["message"]
    assert "bad" in message
    if b"\n{" in content or b"nonsense" in content:
        assert "line 2" in message
    assert here.json("run", "list") == []
    assert here.json("object", "list") == before


def test_wrong_arguments_leave_nothing(here: Program, tmp_path: Path, spec: str) -> None:
    (tmp_path / "events").write_bytes(LINES)
    args = ("run", "record", "--events", "events")
    assert here.fail(*args, "--spec", spec, "--format", "odd") == (2, "invalid_source")
    assert here.fail(*args, "--spec", "f" * 64) == (3, "spec_not_found")
    assert here.fail(*args, "--spec", spec, "--state", "missing") == (2, "invalid_input")
    assert here.fail(*args, "--spec", spec, "--status", "odd") == (2, "usage")
    assert here.fail(*args, "--spec", spec, "--tag", "=v") == (2, "invalid_input")
    assert here.fail(*args, "--spec", spec, "--", "true") == (2, "usage")
    assert here.fail("run", "record", "--spec", spec) == (2, "usage")
    assert here.fail("run", "record", "--events", "missing") == (2, "invalid_input")
    assert here.fail("run", "record", "--events", ".") == (2, "invalid_input")
    assert here.json("run", "list") == []


def test_a_huge_file_is_refused_unread(here: Program, tmp_path: Path, spec: str) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(max(2**30, MAX_SOURCE + 1))
    assert here.fail("run", "record", "--spec", spec, "--events", "huge") == (2, "invalid_source")


def test_huge_input_is_read_only_so_far(
    here: Program, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aivcs.trajectories.MAX_SOURCE", 10)
    args = ("run", "record", "--spec", spec, "--events", "-")
    assert here.fail(*args, stdin=LINES) == (2, "invalid_source")


def test_a_file_that_cannot_be_read(here: Program) -> None:
    broken = "/proc/self/mem"  # its beginning is not mapped
    assert here.fail("run", "record", "--events", broken) == (2, "invalid_input")


def test_warnings_of_a_format_are_told(here: Program, spec: str) -> None:
    session = (
        b'{"type": "user", "sessionId": "s", "uuid": "1", "timestamp": "2026-01-01T00:00:00Z",'
        b' "message": {"role": "user", "content": "hi"}}\n[1, 2]\n'
    )
    said = here.good(
        "run", "record", "--spec", spec, "--format", "claude-code", "--events", "-", stdin=session
    )
    assert said.err.startswith("warning: ")
