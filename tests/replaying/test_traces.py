"""Traces in a folder: whatever the run is called, whatever else is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.trace_folder import TraceFolder
from aivcs.domain.events import RunEvent
from aivcs.domain.execution import ExecutionState
from aivcs.domain.run import RunId, RunMetadata, RunRecord, RunStatus
from aivcs.domain.trace import TraceArtifact, TraceRetention
from aivcs.errors import DigestMismatch, InvalidSource, StorageError
from aivcs.repo import open_repo

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def trace(run_id: str, days: float = 0) -> TraceArtifact:
    """Return the trace of a run that began so many days before noon."""
    record = RunRecord(
        run_id=RunId(run_id),
        spec_digest=None,
        metadata=RunMetadata("agent"),
        status=RunStatus.RUNNING,
        state=ExecutionState.RUNNING,
        summary=None,
        created_at=NOON - timedelta(days=days),
        completed_at=None,
        total_events=1,
    )
    return TraceArtifact.of(record, [RunEvent(1, "note", {"n": run_id}, NOON)])


@pytest.mark.parametrize(
    "run_id", ["r1", "..", ".", "../up", "/etc", "a/b", "-x", "x" * 256, "ü\n", "con trol"]
)
def test_any_run_id(tmp_path: Path, run_id: str) -> None:
    place = tmp_path / "deep" / "traces"
    folder = TraceFolder(place)
    written = folder.write(trace(run_id))
    assert written.parent == place
    assert [path.name for path in place.iterdir()] == [written.name]
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert folder.read(run_id) == trace(run_id)


def test_the_trace_of_another_run(tmp_path: Path) -> None:
    folder = TraceFolder(tmp_path)
    folder.write(trace("r1")).rename(tmp_path / "r2")
    with pytest.raises(InvalidSource, match="of run r1, not of r2"):
        folder.read("r2")


def test_a_companion_that_does_not_agree(tmp_path: Path) -> None:
    folder = TraceFolder(tmp_path)
    written = folder.write(trace("r1"))
    (written / "trace.digest").write_bytes(b"\xff" + b"0" * 63)
    with pytest.raises(DigestMismatch, match="r1"):
        folder.read("r1")


def test_an_event_that_was_edited(tmp_path: Path) -> None:
    folder = TraceFolder(tmp_path)
    path = folder.write(trace("r1")) / "trace.json"
    path.write_text(path.read_text().replace('"n": "r1"', '"n": "r9"'))
    with pytest.raises(DigestMismatch, match="r1"):
        folder.read("r1")


def test_where_nothing_can_be_written_or_read(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = TraceFolder(tmp_path / "file")
    with pytest.raises(StorageError, match="r1 cannot be written"):
        folder.write(trace("r1"))
    with pytest.raises(StorageError, match="r1 cannot be read"):
        folder.read("r1")
    (tmp_path / "r1" / "trace.json").mkdir(parents=True)
    with pytest.raises(StorageError, match="r1 cannot be read"):
        TraceFolder(tmp_path).read("r1")
    with pytest.raises(StorageError, match="r1 cannot be written"):
        TraceFolder(tmp_path).write(trace("r1"))
    assert [path.name for path in (tmp_path / "r1").iterdir()] == ["trace.json"]


def test_pruning(tmp_path: Path) -> None:
    folder = TraceFolder(tmp_path)
    assert TraceFolder(tmp_path / "absent").prune(TraceRetention(1, 1), NOON) == 0
    for days in range(6):
        folder.write(trace(f"r{days}", days))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "trace.json").write_text('{"created_at": 3}')
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "trace.json").write_text("[]")
    (tmp_path / "no-trace").mkdir()
    (tmp_path / "r5" / "notes.txt").write_text("mine")
    assert folder.prune(TraceRetention(), NOON) == 0
    assert folder.prune(TraceRetention(max_age_days=3), NOON) == 2
    assert folder.prune(TraceRetention(max_age_days=3, max_runs=2), NOON) == 2
    assert folder.prune(TraceRetention(max_runs=2), NOON) == 0
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["broken", "list", "no-trace", "r0", "r1", "r5"]
    assert [path.name for path in (tmp_path / "r5").iterdir()] == ["notes.txt"]
    assert folder.prune(TraceRetention(max_runs=0), NOON) == 2


def test_pruning_what_cannot_be_removed(tmp_path: Path) -> None:
    written = TraceFolder(tmp_path).write(trace("r1"))
    (written / "trace.digest").unlink()
    (written / "trace.digest").mkdir()
    with pytest.raises(StorageError, match="cannot be pruned"):
        TraceFolder(tmp_path).prune(TraceRetention(max_runs=0), NOON)


def test_a_repository_prunes_by_its_clock(tmp_path: Path) -> None:
    TraceFolder(tmp_path).write(trace("r1", 2))
    with open_repo("memory:", clock=lambda: NOON) as repo:
        assert repo.prune_traces(tmp_path, max_age_days=2) == 0
        assert repo.prune_traces(tmp_path, max_age_days=1, max_runs=9) == 1
