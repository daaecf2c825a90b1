"""What cannot be read may be sound: it is named, and nobody calls it damaged."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.adapters.files.blobs import _BlobFile
from aivcs.domain.blobname import large_name, pack_name
from aivcs.domain.digest import Digest
from aivcs.domain.release import ReleaseMetadata
from aivcs.domain.report import UNREADABLE
from aivcs.domain.run import RunMetadata
from aivcs.errors import StorageError, Unreadable
from aivcs.repo import open_repo
from aivcs.testing.subject import note
from tests.verifying.conftest import flip

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.domain.report import Report
    from tests.verifying.conftest import Sealed

DEPTHS: list[dict[str, Any]] = [{}, {"structure": True}, {"sample": 100}]


def refuse(patch: pytest.MonkeyPatch, *places: Path, number: int = errno.EACCES) -> None:
    """Let nobody open some files."""
    real = os.open
    refused = {str(place) for place in places}

    def opened(path: Any, *args: Any, **options: Any) -> int:
        if os.fspath(path) in refused:
            raise OSError(number, os.strerror(number))
        return real(path, *args, **options)

    patch.setattr(os, "open", opened)


def spoil(patch: pytest.MonkeyPatch, at: int, of: Path) -> None:
    """Let the disk not give a byte of a file again."""
    real = os.pread

    def pread(descriptor: int, length: int, start: int) -> bytes:
        there = os.path.samestat(os.fstat(descriptor), of.stat())
        if there and start <= at < start + length:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(descriptor, length, start)

    patch.setattr(os, "pread", pread)


def ids(report: Report) -> set[str]:
    """Return what could not be read; nothing is damaged."""
    assert not report.ok
    assert not report.damaged
    assert {one.kind for one in report.problems} == {UNREADABLE}
    return {one.id for one in report.problems}


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_pack_without_permission(
    packed: Sealed, monkeypatch: pytest.MonkeyPatch, depth: dict[str, Any]
) -> None:
    with open_repo(packed.place) as repo:
        inside = {digest for digest in repo.objects.list() if repo.objects.stat(digest).place}
        refuse(monkeypatch, packed.pack)
        report = repo.verify(**depth)
    name = pack_name(Digest.parse(packed.pack.stem))
    found = {one.id: one for one in report.problems}
    assert {name, *map(str, inside)} <= ids(report)
    assert found[name].detail == f"no permission for {packed.pack}: Permission denied"
    (spec,) = (one for one in report.problems if one.id == str(packed.spec) and one.breaks)
    assert "release agent@1" in spec.breaks
    assert "; for so long this breaks " in spec.detail
    if not depth:
        assert report.checked["objects"] >= len(inside) + 1
        assert {packed.run_id, str(packed.spec)} <= ids(report)
    assert packed.verify().ok is False
    monkeypatch.undo()
    assert packed.verify().problems == ()


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_large_file_without_permission(
    packed: Sealed, monkeypatch: pytest.MonkeyPatch, depth: dict[str, Any]
) -> None:
    refuse(monkeypatch, packed.large)
    with open_repo(packed.place) as repo:
        report = repo.verify(**depth)
    digest = Digest.parse(packed.large.stem)
    assert ids(report) == {large_name(digest), str(digest)}
    (broken,) = [one for one in report.problems if one.id == str(digest)]
    assert broken.breaks == ("a pinned object",)


def test_a_large_file_that_cannot_be_read_to_its_end(
    packed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = _BlobFile.fileno

    def readinto(file: _BlobFile, buffer: Any) -> int:
        if file.tell() > 0 and len(buffer) > 100:
            raise Unreadable(os.strerror(errno.EIO))
        data = os.pread(real(file), len(buffer), file.tell())
        buffer[: len(data)] = data
        file.seek(len(data), os.SEEK_CUR)
        return len(data)

    monkeypatch.setattr(_BlobFile, "readinto", readinto)
    with open_repo(packed.place) as repo:
        report = repo.verify(runs=False, releases=False)
    digest = Digest.parse(packed.large.stem)
    assert ids(report) == {large_name(digest), str(digest)}


def test_a_disk_that_cannot_read_a_place(packed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place is in the middle of a pack: its objects are named, and no others."""
    with open_repo(packed.place) as repo:
        stored = repo._ledger.objects([packed.documents[100]])[packed.documents[100]]
        assert stored.place is not None
        bad = stored.place.block
        spoil(monkeypatch, bad.offset + 10, packed.pack)
        for depth in (DEPTHS[0], DEPTHS[2]):
            report = repo.verify(**depth)
            held = {
                str(digest)
                for digest, one in repo._ledger.objects(packed.documents).items()
                if one.place and one.place.block == bad
            }
            assert ids(report) == {pack_name(Digest.parse(packed.pack.stem)), *held}
            (file,) = [one for one in report.problems if one.id.startswith("packs/")]
            assert file.detail == f"{packed.pack} failed: Input/output error"
        assert repo.verify(structure=True).ok


def test_damage_beside_it_is_told_too(packed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_repo(packed.place) as repo:
        found = repo._ledger.objects([packed.documents[0], packed.documents[399]])
        first, last = (found[packed.documents[n]].place for n in (0, 399))
        assert first is not None
        assert last is not None
        flip(packed.pack, first.block.offset + first.block.length // 2)
        spoil(monkeypatch, last.block.offset + 10, packed.pack)
        report = repo.verify()
    kinds = {one.id: one.kind for one in report.problems}
    assert report.damaged
    assert "object" in kinds.values()
    assert kinds[str(packed.documents[399])] == UNREADABLE


def test_a_footer_that_cannot_be_read(packed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index leads to the objects, which can."""
    spoil(monkeypatch, packed.pack.stat().st_size - 1, packed.pack)
    assert ids(packed.verify()) == {pack_name(Digest.parse(packed.pack.stem))}


def test_a_footer_and_a_block(packed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_repo(packed.place) as repo:
        place = repo._ledger.objects([packed.documents[100]])[packed.documents[100]].place
        assert place is not None
        inside = {
            str(digest)
            for digest, one in repo._ledger.objects(packed.documents).items()
            if one.place and one.place.block == place.block
        }
    spoil(monkeypatch, packed.pack.stat().st_size - 1, packed.pack)
    spoil(monkeypatch, place.block.offset + 10, packed.pack)
    name = pack_name(Digest.parse(packed.pack.stem))
    assert ids(packed.verify()) == {name, *inside}


def test_a_folder_that_cannot_be_listed(packed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def scandir(path: Any) -> Any:
        if os.fspath(path) == str(packed.pack.parent):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    report = packed.verify()
    assert ids(report) == {"objects"}
    assert report.problems[0].detail.startswith(f"no permission for {packed.pack.parent}: ")


def test_logs_whose_long_bodies_cannot_be_read(
    packed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ended, one whose event came early, and a release."""
    with open_repo(packed.place) as repo:
        run_id = repo.runs.create_run(packed.spec, RunMetadata("agent"))
        repo.runs.append_events(run_id, [note(3, "early " * 2000)])
        why = ReleaseMetadata(promoted_by="ada", notes="a long reason " * 1000)
        repo.releases.promote("wordy", packed.spec, why)
        repo.seal()
    with open_repo(packed.place) as repo:
        refuse(monkeypatch, *(packed.place / ".aivcs" / "objects" / "packs").iterdir())
        report = repo.verify(objects=False)
    found = {one.id: one.detail for one in report.problems}
    assert ids(report) == {packed.run_id, run_id, "wordy"}
    assert found[packed.run_id].startswith(f"run {packed.run_id}: at event 2: no permission")
    assert found[run_id].startswith(f"run {run_id}: at early event 3: no permission")
    assert found["wordy"].startswith("release wordy: at seq 1: no permission")
    assert report.checked["runs"] == 2


def test_a_process_without_descriptors_ends(
    packed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is no fault of the file."""
    with open_repo(packed.place) as repo:
        refuse(monkeypatch, packed.large, number=errno.EMFILE)
        with pytest.raises(StorageError, match="Too many open files") as raised:
            repo.verify()
        assert not isinstance(raised.value, Unreadable)
