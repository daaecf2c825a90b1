"""Whatever is damaged is mended when there is a second copy, and named when there is none."""
# ruff: noqa: S608 - the statements are made of constants of this file

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.digest import Digest
from aivcs.errors import NoRepository
from aivcs.repo import open_repo
from tests.repairing.conftest import LARGE, LATER, flip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.repairing.conftest import Scene


def test_nothing_to_repair(scene: Scene) -> None:
    found = scene.repair()
    assert found.ok
    assert (found.healed, found.quarantined, found.discarded, found.rebuilt) == ((), (), (), 0)
    assert not (scene.folder / "quarantine").exists()
    scene.check_whole()


@pytest.mark.parametrize("table", ["sealed", "blocks", "packs"])
@pytest.mark.parametrize("what", ["DELETE FROM {}", "DROP TABLE {}"])
def test_an_index_that_is_lost(scene: Scene, table: str, what: str) -> None:
    scene.sql(what.format(table))
    assert not scene.verify().ok
    assert scene.repair(dry_run=True).rebuilt
    assert not scene.verify().ok
    found = scene.repair()
    assert found.ok
    assert found.rebuilt == 300 + len(scene.contents) - 302
    assert found.quarantined == ()
    scene.check_whole()


def test_an_index_that_is_empty(scene: Scene) -> None:
    scene.sql("DELETE FROM sealed", "DELETE FROM blocks", "DELETE FROM packs")
    assert not scene.verify().ok
    assert scene.repair().rebuilt
    scene.check_whole()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sealed SET start = start + 1",
        "UPDATE sealed SET size = size + 1 WHERE digest = (SELECT max(digest) FROM sealed)",
        "UPDATE sealed SET block = block + 1 WHERE digest = (SELECT max(digest) FROM sealed)",
        "UPDATE blocks SET offset = offset + 1",
        "UPDATE blocks SET id = id + 1 WHERE id = (SELECT max(id) FROM blocks)",
        "UPDATE packs SET size = size + 1",
        "UPDATE packs SET digest = zeroblob(32)",
    ],
)
def test_an_index_that_is_wrong(scene: Scene, statement: str) -> None:
    scene.sql(statement)
    assert not scene.verify().ok
    assert scene.repair().ok
    scene.check_whole()


def _truncate(path: Path) -> None:
    path.chmod(0o644)
    os.truncate(path, path.stat().st_size // 2)


def _zero(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(bytes(path.stat().st_size))


def _other(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"other bytes")


_DAMAGES = [_truncate, _zero, _other, os.unlink, lambda path: flip(path, path.stat().st_size // 3)]


@pytest.mark.parametrize("damage", _DAMAGES)
@pytest.mark.parametrize("kind", ["pack", "large"])
def test_a_damaged_file_is_healed_from_a_copy(
    scene: Scene, damage: Callable[[Path], None], kind: str
) -> None:
    path: Path = getattr(scene, kind)
    damage(path)
    left = path.read_bytes() if path.exists() else None
    assert not scene.verify().ok
    assert not scene.repair(dry_run=True).ok
    would = scene.repair(scene.copy, dry_run=True)
    assert would.ok
    found = scene.repair(scene.copy)
    assert found.ok
    assert set(found.healed) == set(would.healed)
    assert found.healed
    assert found.packs_rewritten == would.packs_rewritten
    assert [name.partition("-")[2] for name in found.quarantined] == list(would.quarantined)
    if left is not None:
        (kept,) = scene.quarantined()
        assert kept.read_bytes() == left
        assert kept.name.endswith(path.name)
        assert found.quarantined == (kept.name,)
    scene.check_whole()
    assert scene.repair().healed == ()


def test_without_a_copy_the_damage_is_named_and_the_rest_is_saved(scene: Scene) -> None:
    flip(scene.pack, scene.pack.stat().st_size // 3)
    damaged = {Digest.parse(one.id) for one in scene.verify().problems if one.kind == "object"}
    assert 0 < len(damaged) < 300
    would = scene.repair(dry_run=True)
    found = scene.repair()
    assert not found.ok
    assert would.packs_rewritten == found.packs_rewritten == 1
    assert would.quarantined == found.quarantined == ()
    assert {one.digest for one in found.unhealed} == damaged
    assert all(one.breaks for one in found.unhealed)
    assert found.healed == ()
    with open_repo(scene.place) as repo:
        for digest, data in scene.contents.items():
            if digest not in damaged:
                assert repo.objects.get(digest) == data
    again = scene.repair(scene.copy)
    assert again.ok
    assert set(again.healed) == damaged
    scene.check_whole()


def test_a_damaged_footer_loses_nothing(scene: Scene) -> None:
    flip(scene.pack, -5)
    assert not scene.verify().ok
    would = scene.repair(dry_run=True)
    assert (would.quarantined, would.packs_rewritten) == ((scene.pack.name,), 1)
    found = scene.repair()
    assert found.ok
    assert found.healed == ()
    assert (len(found.quarantined), found.packs_rewritten) == (1, 1)
    scene.check_whole()


def test_a_pack_without_footer_and_index(scene: Scene) -> None:
    flip(scene.pack, -5)
    scene.sql("DELETE FROM sealed", "DELETE FROM blocks", "DELETE FROM packs")
    assert scene.repair().ok
    scene.check_whole()


def test_a_pack_without_footer_whose_listing_is_damaged(scene: Scene) -> None:
    flip(scene.pack, -5)
    scene.sql("UPDATE blocks SET id = id + 9 WHERE id = (SELECT max(id) FROM blocks)")
    would = scene.repair(dry_run=True)
    found = scene.repair()
    assert found.ok
    assert would.packs_rewritten == found.packs_rewritten == 1
    assert [name.partition("-")[2] for name in found.quarantined] == list(would.quarantined)
    scene.check_whole()


def test_a_damaged_row(scene: Scene) -> None:
    digest = Digest.of(LATER)
    scene.sql(f"UPDATE hot SET data = x'00', codec = 0 WHERE digest = x'{digest}'")
    assert not scene.repair().ok
    found = scene.repair(scene.copy)
    assert found.healed == (digest,)
    (kept,) = scene.quarantined()
    assert kept.read_bytes() == b"\0"
    assert str(digest) in kept.name
    scene.check_whole()


@pytest.mark.parametrize("tier", ["hot", "sealed", "large"])
def test_a_row_that_is_gone(scene: Scene, tier: str) -> None:
    scene.sql(f"DELETE FROM {tier}")
    assert not scene.verify().ok
    assert scene.repair(scene.copy, dry_run=True).ok
    assert scene.repair(scene.copy).ok
    scene.check_whole()


def test_a_large_row_that_is_gone_is_healed_from_its_file(scene: Scene) -> None:
    scene.sql("DELETE FROM large")
    found = scene.repair()
    assert found.healed == (Digest.of(LARGE),)
    assert found.quarantined == ()
    scene.check_whole()


def test_the_bytes_of_a_row_in_a_pack_that_nothing_listed(scene: Scene) -> None:
    """A stray pack is a second copy."""
    digest = Digest.of(LATER)
    with open_repo(scene.copy) as repo:
        repo.seal()
        packs = repo._ledger.objects([digest])[digest].place
        assert packs is not None
        name = f"{packs.block.pack.digest}.pack"
    shutil.copy(scene.copy / ".aivcs/objects/packs" / name, scene.pack.parent)
    scene.sql(f"UPDATE hot SET data = x'00', codec = 0 WHERE digest = x'{digest}'")
    assert scene.repair().healed == (digest,)
    scene.check_whole()


@pytest.mark.parametrize("data", [b"", bytes(100_000)])
def test_a_pack_that_nobody_lists_and_nobody_can_read_is_set_aside(
    scene: Scene, data: bytes
) -> None:
    stray = scene.pack.with_name(f"{'4' * 64}.pack")
    stray.write_bytes(data)
    assert scene.repair(dry_run=True).quarantined == (stray.name,)
    assert stray.exists()
    (kept,) = scene.repair().quarantined
    assert (scene.folder / "quarantine" / kept).read_bytes() == data
    assert not stray.exists()
    with open_repo(scene.place) as repo:
        assert repo.gc().problems == ()
    scene.check_whole()


def test_a_pack_that_nobody_can_read_stays_while_something_is_not_healed(scene: Scene) -> None:
    stray = scene.pack.with_name(f"{'4' * 64}.pack")
    stray.write_bytes(b"perhaps of use with a better copy")
    scene.large.unlink()
    assert scene.repair().quarantined == ()
    assert scene.repair(scene.copy).ok
    assert not stray.exists()


def test_what_nothing_needs_is_discarded(scene: Scene) -> None:
    with open_repo(scene.place) as repo:
        digest = repo.objects.put(b"nothing names this")
    scene.sql(f"UPDATE hot SET data = x'00', codec = 0 WHERE digest = x'{digest}'")
    assert scene.repair(dry_run=True).discarded == (digest,)
    found = scene.repair()
    assert found.ok
    assert found.discarded == (digest,)
    assert scene.quarantined()
    scene.check_whole()


def test_the_documents_of_a_spec_are_followed_when_they_are_healed(scene: Scene) -> None:
    scene.pack.unlink()
    with open_repo(scene.copy) as repo:
        spec = repo.specs.list()[0].digest
        repo.specs.get(spec)
    scene.sql("DELETE FROM sealed", "DELETE FROM blocks", "DELETE FROM packs")
    found = scene.repair(scene.copy)
    assert spec in found.healed
    with open_repo(scene.place) as repo, open_repo(scene.copy) as other:
        assert repo.specs.get(spec) == other.specs.get(spec)
    scene.check_whole()


def test_a_source_that_is_damaged_too_is_of_no_use(scene: Scene) -> None:
    for place in (scene.place, scene.copy):
        (path,) = (place / ".aivcs/objects/large").rglob("*.zst")
        flip(path, 70_000)
    found = scene.repair(scene.copy)
    assert [one.digest for one in found.unhealed] == [Digest.of(LARGE)]
    assert scene.large.exists()


def test_a_source_that_is_none(scene: Scene, tmp_path: Path) -> None:
    with open_repo(scene.place) as repo, pytest.raises(NoRepository):
        repo.repair([tmp_path / "nothing"])


def test_damage_of_the_ledger_itself_is_left(scene: Scene) -> None:
    scene.sql("UPDATE streams SET size = size + 1 WHERE family = 'release'")
    found = scene.repair()
    assert [one.digest for one in found.unhealed] == [None]
    assert "counts 2 entries" in found.unhealed[0].detail


def test_in_memory() -> None:
    with open_repo("memory:") as repo:
        digest = repo.objects.put(b"data", pin=True)
        assert repo.repair().ok
        assert repo.objects.get(digest) == b"data"
