from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.repo import open_repo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Program

PROGRAM = (sys.executable, "-m", "aivcs")


def append(here: Program, run: str, kind: str, payload: Any = None) -> None:
    here.good("run", "append", run, "--kind", kind, "--payload", json.dumps(payload))


@pytest.fixture
def three(here: Program, run: str) -> str:
    """A run with three events of two kinds."""
    for n, kind in enumerate(("a", "b", "a"), 1):
        append(here, run, kind, {"n": n, "\u00e9": "\x85"})
    return run


def test_events_of_some_kinds(here: Program, three: str) -> None:
    def seqs(*more: object) -> list[int]:
        return [event["seq"] for event in here.json("run", "events", three, *more)]

    assert seqs() == [1, 2, 3]
    assert seqs("--kind", "a") == [1, 3]
    assert seqs("--kind", "a", "--kind", "b", "--after", 1) == [2, 3]
    assert seqs("--kind", "a", "--limit", 1) == [1]
    assert seqs("--kind", "none") == []
    said = here.good("run", "events", three, "--kind", "a", "--limit", 1)
    assert len(said.text.splitlines()) == 2
    assert said.err == "there are more; --after SEQ and --limit N show more, --json all\n"
    assert here.good("run", "events", three, "--kind", "b", "--limit", 1).err == ""


def test_early_events_are_counted_among_those_left_out(here: Program, three: str) -> None:
    here.good("run", "append", three, "--kind", "early", "--seq", 9)
    assert here.good("run", "events", three, "--limit", 3).err.startswith("1 more;")
    assert here.good("run", "events", three, "--limit", 4).err == ""


def test_following_a_run_that_has_ended(here: Program, three: str) -> None:
    here.good("run", "complete", three)
    for args in (("events", "--follow"), ("watch",)):
        assert here.json("run", *args, three) == here.json("run", "events", three)
        assert [one["seq"] for one in here.json("run", *args, three, "--kind", "b")] == [2]
        assert here.json("run", *args, three, "--after", 3) == []
    lines = here.good("run", "events", three, "--follow", "--limit", 2).text.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("    1  20")
    assert "  a  " in lines[0]
    lines = here.good("run", "watch", three).text.splitlines()
    assert len(lines) == 5
    assert "COMPLETED" in lines[-1]
    assert here.fail("run", "watch", "nobody")[1] == "run_not_found"


@pytest.fixture
def follower(three: str) -> Iterator[subprocess.Popen[str]]:
    """A process that watches the run, and has shown its first event."""
    command = [*PROGRAM, "run", "watch", three, "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        yield process
        process.kill()


def first(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(2)]


def rest(process: subprocess.Popen[str]) -> tuple[str, str]:
    assert process.stdout is not None
    assert process.stderr is not None
    said = process.stdout.read(), process.stderr.read()
    process.wait(timeout=60)
    return said


def test_a_run_is_watched_while_it_goes_on(
    here: Program, three: str, follower: subprocess.Popen[str]
) -> None:
    shown = first(follower)
    append(here, three, "late", "x")
    here.good("run", "fail", three)
    out, err = rest(follower)
    assert (follower.returncode, err) == (0, "")
    assert json.loads("".join(shown) + out) == here.json("run", "events", three)


def test_ctrl_c_ends_the_watching(
    here: Program, three: str, follower: subprocess.Popen[str]
) -> None:
    shown = first(follower)
    follower.send_signal(signal.SIGINT)
    out, err = rest(follower)
    assert follower.returncode == 130
    assert json.loads(err.splitlines()[-1])["error"]["code"] == "interrupted"
    assert len(json.loads("".join(shown) + out)) == 3
    assert here.json("run", "show", three)["status"] == "RUNNING"


def test_an_export_can_be_recorded(here: Program, three: str, spec: str, tmp_path: Path) -> None:
    lines = here.good("run", "export", three).out
    assert [json.loads(line) for line in lines.decode().split("\n")[:-1]] == here.json(
        "run", "events", three
    )
    (tmp_path / "events.jsonl").write_bytes(lines)
    again = here.json("run", "record", "--spec", spec, "--events", tmp_path / "events.jsonl")
    digests = [here.json("run", "replay", one) for one in (three, again["run_id"])]
    assert digests[0]["replay_digest"] == digests[1]["replay_digest"]
    assert here.good("run", "export", "latest").out == lines


def test_an_export_as_one_value(here: Program, three: str, tmp_path: Path) -> None:
    trace = here.json("run", "export", three)
    assert trace["event_count"] == len(trace["events"]) == 3
    assert trace["replay_digest"] == here.json("run", "replay", three)["replay_digest"]
    said = here.json("run", "export", three, "--trace", tmp_path / "traces")
    assert said == {"run_id": three, "folder": str(tmp_path / "traces" / three)}
    assert json.loads((tmp_path / "traces" / three / "trace.json").read_text()) == trace
    text = here.good("run", "export", three, "--trace", tmp_path / "traces").text
    assert text == f"{tmp_path / 'traces' / three}\n"
    (tmp_path / "file").touch()
    assert here.fail("run", "export", three, "--trace", tmp_path / "file") == (7, "storage")


def test_a_replay(here: Program, three: str, spec: str, second: str) -> None:
    found = here.json("run", "replay", three, "--spec", spec)
    assert list(found) == [
        "run_id", "agent_name", "status", "event_count", "replay_digest", "behaviour_digest",
        "spec_digest", "execution", "passed_over",
    ]  # fmt: skip
    assert (found["execution"]["state"], found["execution"]["sequence"]) == ("Running", 3)
    assert here.fail("run", "replay", three, "--spec", second) == (6, "digest_mismatch")
    text = here.good("run", "replay", three).text
    assert found["behaviour_digest"] in text
    assert "step" not in text


def test_a_replay_of_an_execution(here: Program) -> None:
    failure = {"category": "Timeout", "message": "late"}
    with open_repo() as repo:
        repo.events.append_batch(
            "exec_1", "acme",
            [
                {"type": "step_started", "step_id": "s1", "step_type": "ToolNode", "name": "ask"},
                {"type": "step_completed", "step_id": "s1", "duration_ms": 12},
                {"type": "execution_waiting", "reason": "approval"},
            ],
        )  # fmt: skip
        repo.runs.append_event("exec_1", next(repo.runs.iter_events("exec_1", after=1)))
    lines = here.good("run", "replay", "exec_1").text.splitlines()
    assert "Waiting for approval" in lines[1]
    assert lines[-1].split() == ["s1", "Completed", "ToolNode", "ask", "12"]
    assert here.json("run", "replay", "exec_1")["execution"]["state"] == {"Waiting": "approval"}
    for args in (("list",), ("show", "exec_1"), ("events", "exec_1"), ("export", "exec_1")):
        assert here.good("run", *args).text
    assert here.json("run", "show", "exec_1")["spec_digest"] is None
    with open_repo() as repo:
        plain = {"error": failure}
        event = repo.events.load_events("exec_1")[0]
        assert event.tenant_id == "acme"
        repo.events.append("exec_1", "acme", {"type": "execution_failed", **plain})
    assert "Failed" in here.good("run", "replay", "exec_1").text


def test_what_is_passed_over_is_told(here: Program, run: str) -> None:
    append(here, run, "execution_completed", {"duration_ms": 1})
    assert "1 event" in here.good("run", "replay", run).text
    assert here.json("run", "replay", run)["passed_over"] == 1


@pytest.fixture
def other(here: Program, spec: str) -> str:
    """Another run of the same agent."""
    found: str = here.json("run", "start", "--spec", spec)["run_id"]
    return found


def test_two_runs_that_do_the_same(here: Program, three: str, other: str) -> None:
    for event in here.json("run", "events", three):
        append(here, other, event["kind"], event["payload"])
    said = here.good("run", "diff", three, other)
    assert (said.text, said.err) == ("", "the two do the same\n")
    found = here.json("run", "diff", three, other)
    assert found == {
        "a": three, "b": other, "divergence": None, "tool_calls": [], "nodes": None,
        "state": [], "metrics": [],
    }  # fmt: skip


def test_two_runs_that_differ(here: Program, run: str, other: str, tmp_path: Path) -> None:
    calls = {
        run: [("plan", 1), ("search", 1), ("ask", 1), ("gone", 1)],
        other: [("plan", 1), ("ask", 1), ("search", 2), ("new", 1)],
    }
    for number, (run_id, made) in enumerate(calls.items()):
        for tool, q in made:
            append(here, run_id, "tool_called", {"tool_name": tool, "q": q})
        append(here, run_id, "node_entered", {"node_id": "start", "iteration": 1})
        if number:
            append(here, run_id, "node_entered", {"node_id": "more", "iteration": 1})
        state = tmp_path / f"state{number}.json"
        state.write_text(json.dumps({"memory": [number], "same": 1}))
        here.good("run", "complete", run_id, "--state", state)
    lines = here.good("run", "diff", run, other).text.splitlines()
    assert lines[0] == "first difference: event 2"
    assert [line for line in lines if not line.startswith(" ")] == [
        "first difference: event 2", "tool calls:", "nodes:", "state:", "metrics:",
    ]  # fmt: skip
    assert {line.split()[0] for line in lines[lines.index("tool calls:") + 1 :]} >= set("+->~")
    assert "  /memory/0: 0 -> 1" in lines
    assert "  a: -" in lines
    assert "  b: more" in lines
    found = here.json("run", "diff", run, other, "--pointer", "/same", "--pointer", "/memory")
    assert [one["pointer"] for one in found["state"]] == ["/memory"]
    assert found["divergence"]["index"] == 1
    assert here.fail("run", "diff", run, other, "--pointer", "x") == (2, "invalid_input")
    assert here.fail("run", "diff", run, "nobody") == (3, "run_not_found")


def test_a_run_that_stopped_early(here: Program, three: str, other: str) -> None:
    append(here, other, "a", {"n": 1, "\u00e9": "\x85"})
    text = here.good("run", "diff", three, other).text
    assert "first difference: event 2" in text
    assert "  b: no more events" in text
