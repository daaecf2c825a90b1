from __future__ import annotations

import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.adapters.command import EventsFile
from aivcs.errors import InvalidRunState, StorageError
from aivcs.services.wrapping import Wrapped, record_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.batch import Batch, Receipt
    from aivcs.domain.observation import EventLine
    from tests.recording.conftest import Bench


def full_after(bench: Bench, monkeypatch: pytest.MonkeyPatch, commits: int) -> None:
    """Let the ledger take so many commits more, and then none."""
    real = bench.repo._ledger.commit
    left = iter(range(commits))

    def commit(batch: Batch) -> Receipt:
        if next(left, None) is None:
            msg = "no space left for the ledger"
            raise StorageError(msg)
        return real(batch)

    monkeypatch.setattr(bench.repo._ledger, "commit", commit)


def test_a_full_disk_does_not_stop_the_command(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_after(bench, monkeypatch, 3)
    script = """
import os, sys, time, aivcs
print("first", flush=True)
deadline = time.monotonic() + 30
with aivcs.open() as repo:
    while len(repo.runs.get_events(os.environ["AIVCS_RUN_ID"])) < 2:
        assert time.monotonic() < deadline
for _ in range(10_000):
    print(os.urandom(50).hex())
sys.stdout.flush()
open("ended", "w").close()
"""
    with pytest.raises(StorageError, match="no space left"):
        bench.python(script)
    monkeypatch.undo()
    assert (bench.folder / "out").read_bytes().count(b"\n") == 10_001
    assert (bench.folder / "ended").exists()
    run = bench.only_run()
    assert run.status == "RUNNING"
    assert run.total_events == 2
    assert bench.warnings == [
        "recording stopped, the command goes on: no space left for the ledger"
    ]
    assert len(bench.kept_files()) == 1
    assert bench.repo.verify().ok


def test_a_disk_that_is_full_at_the_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    full_after(bench, monkeypatch, 2)
    with pytest.raises(StorageError, match="no space left"):
        bench.shell("exit 0")
    monkeypatch.undo()
    assert bench.only_run().status == "RUNNING"
    assert len(bench.kept_files()) == 1


def test_a_disk_that_is_full_at_the_start_starts_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_after(bench, monkeypatch, 1)
    with pytest.raises(StorageError, match="no space left"):
        bench.shell("touch began")
    assert not (bench.folder / "began").exists()


def test_without_an_events_file_the_run_fails_before_the_command(bench: Bench) -> None:
    place = bench.folder / ".aivcs" / "tmp"
    shutil.rmtree(place, ignore_errors=True)
    place.write_bytes(b"in the way")
    with pytest.raises(StorageError, match="events file"):
        bench.shell("touch began")
    run = bench.only_run()
    assert run.status == "FAILED"
    assert "events file" in str(run.reason)
    assert not (bench.folder / "began").exists()


def test_somebody_else_may_end_the_run(bench: Bench) -> None:
    script = """
import os, aivcs
from aivcs import RunSummary
with aivcs.open() as repo:
    summary = RunSummary(0, None, 1, success=False)
    repo.runs.cancel_run(os.environ["AIVCS_RUN_ID"], summary)
print("went on")
"""
    with pytest.raises(InvalidRunState, match="CANCELLED"):
        bench.python(script)
    assert (bench.folder / "out").read_bytes() == b"went on\n"
    assert bench.only_run().status == "CANCELLED"


def test_a_gap_that_the_command_left_loses_nothing(bench: Bench) -> None:
    script = """
import os, aivcs
from aivcs import RunEvent
with open(os.environ["AIVCS_EVENTS"], "a") as file:
    file.write('{"kind": "noted"}\\n')
with aivcs.open() as repo:
    repo.runs.append_event(os.environ["AIVCS_RUN_ID"], RunEvent(50, "early"))
print("printed")
"""
    with pytest.raises(InvalidRunState) as caught:
        bench.python(script)
    run = bench.only_run()
    assert run.status == "RUNNING"
    kinds = [event.kind for event in bench.repo.runs.get_events(run.run_id)]
    assert kinds == ["command_started", "noted", "output", "command_exited", "early"]
    (kept,) = bench.kept_files()
    assert str(kept) in str(caught.value.hint)


def test_a_final_state_that_finds_no_room(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        msg = "no space left for a large object"
        raise StorageError(msg)

    monkeypatch.setattr(bench.repo.objects.blobs, "stage", full)
    state = bench.folder / "state"
    with pytest.raises(StorageError, match=r"final state .* no space left") as caught:
        bench.shell("echo hello; head -c 1000000 /dev/zero >state", state=state)
    run = bench.only_run()
    assert f"{run.run_id} --state {state}" in str(caught.value.hint)
    assert "kept" not in str(caught.value.hint)
    kinds = [event.kind for event in bench.repo.runs.get_events(run.run_id)]
    assert (run.status, kinds) == ("RUNNING", ["command_started", "output", "command_exited"])


def test_an_event_that_finds_no_room_leaves_those_before(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        msg = "no space left for a large object"
        raise StorageError(msg)

    monkeypatch.setattr(bench.repo.objects.blobs, "stage", full)
    (bench.folder / "lines").write_bytes(
        b'{"kind": "before"}\n{"kind": "a", "payload": "%s"}\n' % (b"x" * 1_000_000)
    )
    with pytest.raises(StorageError, match="no space left"):
        bench.shell('cat lines >>"$AIVCS_EVENTS"')
    events = bench.repo.runs.get_events(bench.only_run().run_id)
    assert [event.kind for event in events] == ["command_started", "before"]


def test_an_events_file_that_fails_leaves_what_was_seen(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = EventsFile.lines

    def lines(self: EventsFile, *, ended: bool = False) -> Iterator[EventLine]:
        if ended:
            msg = "the events file failed"
            raise StorageError(msg)
        return real(self)

    monkeypatch.setattr(EventsFile, "lines", lines)
    with pytest.raises(StorageError, match="events file failed"):
        bench.shell("echo hello")
    events = bench.repo.runs.get_events(bench.only_run().run_id)
    assert [event.kind for event in events] == ["command_started", "output"]


def test_a_command_is_not_left_alone_by_a_failing_watcher(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def start(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        seen.append(real(*args, **options))
        return seen[-1]

    def broken(*_: object, **__: object) -> None:
        msg = "a mistake"
        raise RuntimeError(msg)

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr("aivcs.services.gathering.Gathering.add", broken)
    with pytest.raises(RuntimeError, match="a mistake"):
        bench.record("yes")
    assert -(seen[-1].returncode or 0) in {signal.SIGKILL, signal.SIGPIPE}


def test_a_command_without_an_end_is_a_mistake(bench: Bench) -> None:
    live = bench.repo.run(spec=bench.spec, agent="helper")
    with pytest.raises(RuntimeError, match="before its end"):
        record_command(Wrapped(("true",), None), [], live, print)
