"""What cannot be read may be sound: repair leaves it as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.domain.blobname import pack_name
from aivcs.domain.digest import Digest
from aivcs.errors import StorageError
from aivcs.repo import open_repo
from tests.verifying.test_unreadable import refuse

if TYPE_CHECKING:
    from pathlib import Path

    from tests.repairing.conftest import Scene


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("tier", ["pack", "large"])
def test_nothing_is_healed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tier: str, *, dry_run: bool
) -> None:
    file: Path = getattr(scene, tier)
    with monkeypatch.context() as patch:
        refuse(patch, file)
        with pytest.raises(StorageError, match=str(file)):
            scene.repair(scene.copy, dry_run=dry_run)
    assert not (scene.folder / "quarantine").exists()
    with open_repo(scene.place) as repo:
        repo.gc()
    assert file.exists()
    scene.check_whole()


def test_the_index_is_not_made_anew(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.sql("UPDATE sealed SET start = start + 1 WHERE digest = (SELECT min(digest) FROM sealed)")
    with open_repo(scene.place) as repo:
        found = len(list(repo.objects.list()))
    other = scene.folder / "objects" / pack_name(Digest.of(b"another"))
    other.write_bytes(b"AIVCSPK1")
    with monkeypatch.context() as patch:
        refuse(patch, other)
        with pytest.raises(StorageError, match=str(other)):
            scene.repair()
    with open_repo(scene.place) as repo:
        assert len(list(repo.objects.list())) == found
    assert scene.repair().ok
    scene.check_whole()


def test_a_source_that_cannot_be_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    (source,) = (scene.copy / ".aivcs" / "objects" / "large").rglob("*.zst")
    scene.large.unlink()
    with monkeypatch.context() as patch:
        refuse(patch, source)
        with pytest.raises(StorageError, match=str(source)):
            scene.repair(scene.copy)
    assert scene.repair(scene.copy).ok
    scene.check_whole()
