"""What cannot be read may be sound: repair leaves it as it is, and goes on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.blobname import pack_name
from aivcs.domain.digest import Digest
from aivcs.errors import StorageError, Unreadable
from aivcs.repo import open_repo
from tests.repairing.conftest import LARGE, LATER, flip
from tests.verifying.test_unreadable import refuse, spoil

if TYPE_CHECKING:
    from pathlib import Path

    from tests.repairing.conftest import Scene

SIZE = "UPDATE large SET size = size + 1 WHERE digest = x'{}'"
HOT = "UPDATE hot SET data = x'00', codec = 0 WHERE digest = x'{}'"


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("tier", ["pack", "large"])
def test_the_rest_is_healed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tier: str, *, dry_run: bool
) -> None:
    file: Path = getattr(scene, tier)
    later = Digest.of(LATER)
    scene.sql(HOT.format(later))
    with monkeypatch.context() as patch:
        refuse(patch, file)
        found = scene.repair(scene.copy, dry_run=dry_run)
    assert found.healed == (later,)
    assert (found.unhealed, found.discarded, found.ok) == ((), (), False)
    assert found.quarantined
    assert all(name.endswith(".hot") for name in found.quarantined)
    assert any(one.id.endswith(file.name) for one in found.unreadable)
    assert file.exists()
    assert scene.repair(scene.copy).ok
    scene.check_whole()


@pytest.mark.parametrize("tier", ["pack", "large"])
def test_nothing_is_collected(scene: Scene, monkeypatch: pytest.MonkeyPatch, tier: str) -> None:
    with open_repo(scene.place) as repo:
        repo.objects.unpin([Digest.of(LATER)])
        with monkeypatch.context() as patch:
            refuse(patch, getattr(scene, tier))
            try:
                repo.gc(full=True)
            except StorageError:
                assert tier == "pack"  # nobody can tell what the spec in it needs
            repo.repair()
        repo.gc(full=True)
        lost = set(scene.contents) - set(repo.objects.list())
        assert lost == {Digest.of(LATER)}
        assert repo.verify().ok
        assert repo.objects.get(Digest.of(LARGE)) == LARGE


def test_a_damaged_pack_with_an_unreadable_place(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_repo(scene.place) as repo:
        rows = repo.objects.stat_many(scene.contents).values()
        blocks = {row.place.block for row in rows if row.place}
    places = sorted(blocks, key=lambda block: block.offset)
    first, last = places[0], places[-1]
    assert first != last
    data = scene.pack.read_bytes()
    flip(scene.pack, first.offset + first.length // 2)
    flipped = scene.pack.read_bytes()
    assert flipped != data
    with monkeypatch.context() as patch:
        spoil(patch, last.offset + 10, scene.pack)
        found = scene.repair(scene.copy)
    assert found.healed
    assert (found.unhealed, found.quarantined, found.packs_rewritten) == ((), (), 0)
    assert found.unreadable
    assert scene.pack.read_bytes() == flipped
    assert scene.repair().ok
    scene.check_whole()


def test_the_index_is_not_made_anew(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.sql("UPDATE sealed SET start = start + 1 WHERE digest = (SELECT min(digest) FROM sealed)")
    with open_repo(scene.place) as repo:
        found = len(list(repo.objects.list()))
    other = scene.folder / "objects" / pack_name(Digest.of(b"another"))
    other.write_bytes(b"AIVCSPK1")
    for dry_run in (True, False):
        with monkeypatch.context() as patch:
            refuse(patch, other)
            with pytest.raises(Unreadable, match=str(other)):
                scene.repair(dry_run=dry_run)
    with open_repo(scene.place) as repo:
        assert len(list(repo.objects.list())) == found
    assert scene.repair().ok
    scene.check_whole()


def test_a_source_that_cannot_be_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    (source,) = (scene.copy / ".aivcs" / "objects" / "large").rglob("*.zst")
    scene.large.unlink()
    with monkeypatch.context() as patch:
        refuse(patch, source)
        found = scene.repair(scene.copy)
    assert [one.digest for one in found.unhealed] == [Digest.of(LARGE)]
    (named,) = found.unreadable
    assert str(source) in named.detail
    assert scene.repair(scene.copy).ok
    scene.check_whole()


def test_a_row_whose_file_cannot_be_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row is damaged; the file may be sound, and is not replaced."""
    digest = Digest.of(LARGE)
    file = scene.large
    scene.sql(SIZE.format(digest))
    with monkeypatch.context() as patch:
        refuse(patch, file)
        found = scene.repair(scene.copy)
    assert (found.healed, found.unhealed, found.quarantined) == ((), (), ())
    assert str(digest) in {one.id for one in found.unreadable}
    assert file.exists()
    assert scene.repair().healed == (digest,)
    scene.check_whole()


def test_a_stray_pack_that_cannot_be_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    stray = scene.pack.with_name(f"{'4' * 64}.pack")
    stray.write_bytes(b"no pack")
    with monkeypatch.context() as patch:
        refuse(patch, stray)
        found = scene.repair()
    assert [one.id for one in found.unreadable] == [f"packs/{stray.name}"]
    assert found.quarantined == ()
    assert stray.exists()
    assert scene.repair().quarantined


def test_a_folder_that_cannot_be_listed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def scandir(path: str) -> object:
        if os.fspath(path) == str(scene.pack.parent):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", scandir)
        with pytest.raises(Unreadable, match=str(scene.pack.parent)):
            scene.repair(scene.copy)
    scene.check_whole()
