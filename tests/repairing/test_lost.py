"""Objects that are needed, but that no row lists any more: their bytes outlive upkeep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.domain.report import Severity
from aivcs.domain.stored import Tier
from aivcs.errors import MissingObject
from aivcs.repo import open_repo
from aivcs.services import merging
from tests.repairing.conftest import flip

if TYPE_CHECKING:
    from tests.repairing.conftest import Scene

_PINNED = "DELETE FROM sealed WHERE digest IN (SELECT digest FROM refs WHERE stream IS NULL)"


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_collection_leaves_the_last_copy(scene: Scene, *, dry_run: bool) -> None:
    scene.sql(_PINNED)
    with open_repo(scene.place) as repo:
        found = repo.gc(dry_run=dry_run)
    assert (found.packs_rewritten, found.packs_dropped) == (0, 0)
    (problem,) = found.problems
    assert problem.severity is Severity.WARNING
    assert "300 objects that are needed, but not listed" in problem.detail
    assert scene.repair().ok
    scene.check_whole()


def test_a_full_collection_takes_what_is_not_listed(scene: Scene) -> None:
    scene.sql(_PINNED)
    with open_repo(scene.place) as repo:
        assert repo.gc(dry_run=True, full=True).packs_rewritten == 1
        found = repo.gc(full=True)
    assert (found.packs_rewritten, found.problems) == (1, ())
    assert len(scene.repair().unhealed) == 300


def test_a_pack_that_says_nothing_stays_while_something_is_lost(scene: Scene) -> None:
    scene.sql(_PINNED)
    flip(scene.pack, -5)
    with open_repo(scene.place) as repo:
        (problem,) = repo.gc().problems
        assert "its dead bytes stay" in problem.detail
    assert scene.repair().ok
    scene.check_whole()


def test_merging_leaves_the_last_copy(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "MANY", 2)
    scene.sql(_PINNED)
    with open_repo(scene.place) as repo:
        repo.seal()
        for number in range(3):
            repo.objects.put(b"one more %d" % number, pin=True)
            repo.seal()
        assert len(repo._ledger.packs()) == 2
    assert scene.repair().ok
    scene.check_whole()


def test_what_is_listed_in_a_pack_that_is_missing_is_stored_anew(scene: Scene) -> None:
    digest, data = next(one for one in scene.contents.items() if one[1].startswith(b'{"document"'))
    scene.pack.unlink()
    with open_repo(scene.place) as repo:
        with pytest.raises(MissingObject):
            repo.objects.get(digest)
        assert repo.objects.put(data) == digest
        assert repo.objects.get(digest) == data
        assert repo.objects.stat(digest).tier is Tier.HOT
    assert scene.repair(scene.copy).ok
    scene.check_whole()


def test_many_that_are_stored_again_heal(scene: Scene) -> None:
    scene.pack.unlink()
    with open_repo(scene.place) as repo:
        assert repo.objects.put_many(scene.contents.values(), pin=True) == list(scene.contents)
        assert dict(repo.objects.get_many(scene.contents)) == scene.contents
