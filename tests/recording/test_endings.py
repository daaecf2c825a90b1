from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import aivcs
from aivcs.domain.run import RunStatus
from aivcs.errors import InvalidInputError, SpecNotFound

if TYPE_CHECKING:
    from tests.recording.conftest import Bench


@pytest.mark.parametrize(
    ("script", "status", "exit_status", "reason", "signal"),
    [
        ("exit 0", "COMPLETED", 0, None, None),
        ("exit 3", "FAILED", 3, "exit status 3", None),
        ("exit 255", "FAILED", 255, "exit status 255", None),
        ("kill -KILL $$", "FAILED", 137, "killed by SIGKILL", "SIGKILL"),
        ("kill -TERM $$", "FAILED", 143, "killed by SIGTERM", "SIGTERM"),
        ("kill -40 $$", "FAILED", 168, "killed by SIG40", "SIG40"),
    ],
)
def test_the_end_of_the_command_is_the_end_of_the_run(
    bench: Bench, script: str, status: str, exit_status: int, reason: str | None, signal: str | None
) -> None:
    seen = bench.shell(script)
    assert (seen.run.status, seen.exit_status, seen.run.reason) == (status, exit_status, reason)
    end = seen.events[-1]
    assert end.kind == "command_exited"
    assert isinstance(end.payload, dict)
    assert end.payload["exit_status"] == exit_status
    assert end.payload.get("signal") == signal
    assert end.payload["duration_ms"] >= 0
    assert seen.run.total_events == len(seen.events)


def test_the_command_is_told_where_it_runs(bench: Bench) -> None:
    seen = bench.shell('echo "$AIVCS_RUN_ID $AIVCS_DIR $AIVCS_EVENTS"; ls -l "$AIVCS_EVENTS"')
    run_id, folder, events, *listing = seen.out.decode().split()
    assert run_id == seen.run.run_id
    assert folder == str(bench.repo.folder)
    assert Path(events) == Path(folder, "tmp", f"events-{run_id}.jsonl")
    assert listing[0].startswith("-rw-------")
    assert bench.kept_files() == []


def test_the_first_event_says_what_runs_where(bench: Bench) -> None:
    seen = bench.shell("exit 0")
    assert seen.events[0].kind == "command_started"
    assert seen.events[0].payload == {
        "argv": ["/bin/sh", "-c", "exit 0"],
        "cwd": str(bench.folder),
    }


def test_a_folder_that_was_removed_is_no_obstacle(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = bench.folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    seen = bench.shell("exit 0")
    assert seen.payloads("command_started")[0]["cwd"] is None


def test_a_command_that_is_not_there(bench: Bench) -> None:
    seen = bench.record("no-such-command", "x")
    assert (seen.run.status, seen.exit_status) == ("FAILED", 127)
    assert seen.run.reason == "command not found: no-such-command"
    assert seen.kinds() == ["command_started"]
    assert seen.not_started == seen.run.reason
    assert bench.kept_files() == []


@pytest.mark.parametrize(("mode", "reason"), [(0o644, "Permission denied"), (0o755, "format")])
def test_a_file_that_cannot_be_executed(bench: Bench, mode: int, reason: str) -> None:
    program = bench.folder / "program"
    program.write_bytes(b"\0\1\2\3")
    program.chmod(mode)
    seen = bench.record(str(program), status=RunStatus.COMPLETED)
    assert (seen.run.status, seen.exit_status) == ("FAILED", 126)
    assert str(seen.run.reason).startswith(f"cannot execute {program}: ")
    assert reason in str(seen.run.reason)


@pytest.mark.parametrize("wanted", [RunStatus.COMPLETED, RunStatus.CANCELLED, RunStatus.FAILED])
@pytest.mark.parametrize(("script", "reason"), [("exit 0", None), ("exit 4", "exit status 4")])
def test_the_caller_may_say_how_it_ended(
    bench: Bench, wanted: RunStatus, script: str, reason: str | None
) -> None:
    seen = bench.shell(script, status=wanted)
    assert (seen.run.status, seen.run.reason) == (wanted, reason)


def test_the_final_state_is_read_at_the_end(bench: Bench) -> None:
    state = bench.folder / "state.json"
    seen = bench.shell("echo '{\"n\": 1}' > state.json", state=state)
    assert seen.run.summary is not None
    digest = seen.run.summary.final_state_digest
    assert digest is not None
    assert json.loads(bench.repo.objects.get(digest)) == {"n": 1}
    with pytest.raises(aivcs.errors.StillReferenced):
        bench.repo.objects.delete(digest)


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_state_that_cannot_be_read_is_a_warning(bench: Bench, name: str) -> None:
    seen = bench.shell("exit 0", state=bench.folder / name)
    assert seen.run.status == "COMPLETED"
    assert seen.run.summary is not None
    assert seen.run.summary.final_state_digest is None
    assert seen.warnings[0].startswith("no final state: ")


def test_a_process_that_stays_behind_is_not_waited_for(bench: Bench) -> None:
    # The one that stays behind holds both pipes until it can read its own input.
    script = "mkfifo held; (read x < held) & echo started"
    seen = bench.shell(script)
    assert (seen.exit_status, seen.out) == (0, b"started\n")
    with (bench.folder / "held").open("w"):
        pass


def test_a_process_that_stays_behind_and_floods_is_left(bench: Bench) -> None:
    seen = bench.shell("yes & echo started")
    assert seen.exit_status == 0
    assert len(seen.out) < 64 * 2**20


def test_a_command_may_close_its_output_and_go_on(bench: Bench) -> None:
    script = """
import os, time, aivcs
os.close(1)
os.close(2)
with open(os.environ["AIVCS_EVENTS"], "a") as file:
    file.write('{"kind": "late"}\\n')
deadline = time.monotonic() + 30
with aivcs.open() as repo:
    while len(repo.runs.get_events(os.environ["AIVCS_RUN_ID"])) < 2:
        assert time.monotonic() < deadline
os._exit(5)
"""
    seen = bench.python(script)
    assert (seen.exit_status, len(seen.payloads("late"))) == (5, 1)


@pytest.mark.parametrize("argv", [(), ("",), ("echo", "a\0b")])
def test_what_is_no_command_is_refused(bench: Bench, argv: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInputError):
        bench.record(*argv)
    assert bench.repo.runs.list_runs() == []


def test_other_wrong_wishes_are_refused(bench: Bench) -> None:
    with pytest.raises(InvalidInputError, match="RUNNING"):
        bench.shell("exit 0", status=RunStatus.RUNNING)
    missing = aivcs.Digest.of(b"no spec")
    with pytest.raises(SpecNotFound):
        bench.repo.command(["true"], spec=missing, agent="helper", tags={}, warn=print)
    with aivcs.open("memory:") as memory, pytest.raises(InvalidInputError, match="memory"):
        memory.command(["true"], spec=missing, agent="helper", tags={}, warn=print)
    assert bench.repo.runs.list_runs() == []
