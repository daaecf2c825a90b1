"""The disk fails, or is full, at any write."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import apsw
import pytest

from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.errors import StorageError
from aivcs.repo import init, open_repo
from aivcs.testing.live import eventually, has_failed
from aivcs.testing.objects import noise
from aivcs.testing.subject import add_spec, by, end, note

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Disk(apsw.VFS):
    """A disk whose ``at``-th write or sync from now on fails once."""

    def __init__(self) -> None:
        self.at = 0
        self.error: type[apsw.Error] = apsw.IOError
        self.fault = ""
        super().__init__("failing-disk", "unix", makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _File(self, name, flags)

    def touch(self, action: str) -> None:
        if self.at and action == self.fault:
            self.at -= 1
            if not self.at:
                raise self.error


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.touch("write")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.touch("sync")
        super().xSync(flags)


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.unregister()


@pytest.mark.parametrize(
    ("fault", "error"),
    [("write", apsw.IOError), ("write", apsw.FullError), ("sync", apsw.IOError)],
)
def test_a_write_that_fails(
    disk: Disk, tmp_path: Path, fault: str, error: type[apsw.Error]
) -> None:
    disk.fault, disk.error = fault, error
    with init(tmp_path) as repo:
        spec = add_spec(repo)
        run_id = repo.runs.create_run(spec, RunMetadata("agent"))
        causes = []
        after = 0
        for at in (1, 2, 3, 5, 8, 13):
            before = after
            disk.at = at
            try:
                repo.runs.append_events(
                    run_id, [note(None, noise(2000, n).hex()) for n in range(9)]
                )
                acknowledged = {before + 9}
            except StorageError as raised:
                causes.append(type(raised.__cause__))
                acknowledged = {before, before + 9}
            disk.at = 0
            after = len(repo.runs.get_events(run_id))
            assert after in acknowledged
        assert error in causes
        assert repo.verify().ok
    with open_repo(tmp_path) as repo:
        assert len(repo.runs.get_events(run_id)) == after
        assert end(repo, run_id, RunStatus.COMPLETED).status is RunStatus.COMPLETED
        assert repo.verify().ok


@pytest.mark.parametrize(("fault", "at"), [("write", 1), ("write", 3), ("sync", 1)])
def test_a_live_run_hears_of_it(disk: Disk, tmp_path: Path, fault: str, at: int) -> None:
    disk.fault = fault
    with init(tmp_path) as repo:
        spec = add_spec(repo)
        with pytest.raises(StorageError, match="the ledger"), repo.run(spec=spec) as lost:  # noqa: PT012
            disk.at = at
            lost.event("note", 1)
            eventually(lambda: has_failed(lost))
        assert repo.runs.get_run(lost.run_id).status is RunStatus.RUNNING
        with repo.run(spec=spec) as run:
            disk.at = at
            run.event("note", 1)
            eventually(lambda: has_failed(run))
            with pytest.raises(StorageError):
                run.event("refused")
            run.event("note", 2)
        payloads = [event.payload for event in repo.runs.get_events(run.run_id)]
        assert payloads == [1, 2]
        assert [event.payload for event in repo.runs.get_events(lost.run_id)] == [1]
        assert repo.verify().ok


@pytest.fixture
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    point = tmp_path_factory.mktemp("small")
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(point)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this process may not mount")
    yield point
    subprocess.run(["umount", str(point)], check=True)  # noqa: S607 - found by PATH


def test_a_full_disk(small_disk: Path) -> None:
    with init(small_disk) as repo:
        spec = add_spec(repo)
        run_id = repo.runs.create_run(spec, RunMetadata("agent"))
        ballast = small_disk / "ballast"
        ballast.write_bytes(bytes(500_000))
        large = 0
        with pytest.raises(StorageError, match="no space left"):  # noqa: PT012
            for large in range(1000):
                repo.objects.put(noise(200_000, large))
        stored = len(repo.objects.list())
        appended = 0
        with pytest.raises(StorageError, match="no space left"):  # noqa: PT012
            for appended in range(1000):
                repo.runs.append_event(run_id, note(None, noise(1900, appended).hex()))
        with pytest.raises(StorageError):
            repo.releases.promote("agent", spec, by(notes=noise(30_000).hex()))
        assert len(repo.runs.get_events(run_id)) == appended
        assert len(repo.objects.list()) == stored
        assert repo.releases.history("agent") == []
        assert repo.verify().problems == ()
        ballast.unlink()
        repo.runs.append_event(run_id, note())
        repo.releases.promote("agent", spec, by())
        repo.objects.put(noise(200_000, large))
        assert repo.verify().problems == ()
    with open_repo(small_disk) as repo:
        assert repo.runs.get_run(run_id).total_events == appended + 1
        assert repo.verify().problems == ()
