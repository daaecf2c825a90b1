"""A repair that dies loses nothing, and one beside writers neither."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, cast

import pytest

from aivcs.domain.digest import Digest
from aivcs.repo import Repo, open_repo
from aivcs.services import rebuilding
from aivcs.testing.faults import Death, Dying, Fuse
from tests.repairing.conftest import LATER, Scene, flip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aivcs.ports import BlobStore, Ledger

_WRITER = """
import select, sys
from aivcs.repo import open_repo
from aivcs.testing.objects import noise

with open_repo(sys.argv[1]) as repo:
    kept = []
    while not select.select([sys.stdin], [], [], 0)[0]:
        n = len(kept)
        kept += repo.objects.put_many([b"%d" % n * 60, noise(140_000, n)], pin=True)
        if n % 10 == 4:
            repo.seal()
            repo.gc()
        if n == 4:
            print("working", flush=True)
    for digest in kept:
        repo.objects.check(digest)
print(len(kept))
"""


def _block(scene: Scene) -> None:
    flip(scene.pack, scene.pack.stat().st_size // 3)
    flip(scene.large, 70_000)


def _index(scene: Scene) -> None:
    scene.sql("DELETE FROM sealed", f"DELETE FROM hot WHERE digest = x'{Digest.of(LATER)}'")  # noqa: S608


def _footer(scene: Scene) -> None:
    flip(scene.pack, -5)


def _lost(scene: Scene) -> None:
    scene.pack.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("landed", [False, True])
@pytest.mark.parametrize("damage", [_block, _index, _footer, _lost])
def test_death_at_any_write(
    scene: Scene, tmp_path: Path, damage: Callable[[Scene], None], *, landed: bool
) -> None:
    damage(scene)
    for at in range(1, 60):
        place = tmp_path / str(at)
        shutil.copytree(scene.place, place)
        fuse = Fuse(at, landed=landed)
        with open_repo(place) as inner:
            writes = frozenset({"commit", "reset_index"})
            ledger = cast("Ledger", Dying(inner._ledger, fuse, writes))
            files = frozenset({"publish", "delete"})
            blobs = cast("BlobStore", Dying(inner._blobs, fuse, files))
            dying = Repo(ledger, blobs, folder=inner.folder)
            try:
                dying.repair([scene.copy])
            except Death:
                pass
            else:
                assert not fuse.burnt
        other = Scene(place, scene.copy, scene.contents)
        assert other.repair(scene.copy).ok
        other.check_whole()
        shutil.rmtree(place)
        if not fuse.burnt:
            assert at > 2
            return
    pytest.fail("it never came to its end")


def test_beside_a_process_that_writes(scene: Scene) -> None:
    command = [sys.executable, "-c", _WRITER, str(scene.place)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "working\n"
        found = [scene.repair(scene.copy) for _ in range(6)]
        done, _ = writer.communicate("stop\n")
    assert writer.returncode == 0
    assert int(done) > 4
    assert all(one.ok for one in found)
    assert {one.healed + one.quarantined + one.discarded for one in found} == {()}
    scene.check_whole()


def test_a_repair_that_dies_while_it_lists_a_pack_has_listed_nothing_of_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "_FINDS", 50)
    scene.sql("DROP TABLE sealed")

    def die() -> None:
        raise Death

    with open_repo(scene.place) as repo:
        with pytest.raises(Death):
            repo.repair(advance=die)
        assert repo._ledger.packs() == []
    assert scene.repair().ok
    scene.check_whole()


def test_a_whole_file_stays_where_only_its_row_is_damaged(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.sql("UPDATE large SET size = size + 1")

    def die(*_: object) -> None:
        raise Death

    with open_repo(scene.place) as repo, monkeypatch.context() as patch:
        patch.setattr(repo.objects, "prepare", die)
        with pytest.raises(Death):
            repo.repair()
    repaired = scene.repair()
    assert (repaired.ok, repaired.quarantined) == (True, ())
    scene.check_whole()
