"""What holds after a collection was interrupted. Give a fixture ``open_repo``."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.batch import Batch
from aivcs.domain.blobname import large_name
from aivcs.domain.digest import Digest
from aivcs.domain.retention import Retention
from aivcs.repo import Repo
from aivcs.testing.aftermath import damage, leftovers, unreadable
from aivcs.testing.collecting import LARGE, litter, story, texts
from aivcs.testing.faults import Death, Fuse, dying_blobs, dying_ledger
from aivcs.testing.objects import noise
from aivcs.testing.subject import RepoContract

if TYPE_CHECKING:
    from aivcs.testing.subject import OpenRepo

_RULES = Retention(keep_runs=0, keep_released=False)


def mess(repo: Repo, number: int) -> list[Digest]:
    """Leave something of every sort to collect; return what must stay."""
    kept = story(repo)
    first = 1000 * number
    for start in (first, first + 50):
        some = litter(repo, *texts(12, start))
        repo.objects.pin(some[:9])
        repo.seal()
    repo.objects.unpin(texts_of(first, 5))
    gone = litter(repo, *texts(9, first + 100), noise(LARGE, first + 1))
    repo.seal()
    repo.objects.ledger.commit(Batch(deletions=tuple(gone[:1])))
    with repo.objects.blobs.stage() as staged:
        staged.write(b"nobody's")
        staged.publish(large_name(Digest.of(b"nobody")))
    logs = ("pin", "event", "early event", "spec", "component", "file")
    stay = [kept[what] for what in logs]
    return [*stay, *texts_of(first + 5, 4), *texts_of(first + 50, 9)]


def texts_of(first: int, count: int) -> list[Digest]:
    """Return the digests of some of the texts."""
    return [Digest.of(text) for text in texts(count, first)]


class CollectingCrashContract(RepoContract):
    """A collection that dies before or after any of its writes landed.

    ``every`` is 1 to try each of its writes, 2 to try half of them before they landed and the
    others after.
    """

    every = 1

    @pytest.mark.parametrize("landed", [False, True])
    def test_death_at_any_write(self, open_repo: OpenRepo, landed: bool) -> None:  # noqa: FBT001
        """Nothing that is needed is lost, and the next collection finishes the work."""
        with open_repo() as sound:
            for at in range(1 + landed % self.every, 1000, self.every):
                stay = mess(sound, at)
                fuse = Fuse(at, landed=landed)
                ports = (
                    dying_ledger(sound.objects.ledger, fuse),
                    dying_blobs(sound.objects.blobs, fuse),
                )
                with suppress(Death):
                    Repo(*ports, retention=_RULES).gc(full=True)
                assert list(unreadable(sound, stay)) == []
                assert damage(sound) == []
                parts = sound.objects.ledger, sound.objects.blobs
                Repo(*parts, retention=_RULES).gc(full=True)
                assert list(unreadable(sound, stay)) == []
                assert list(leftovers(sound)) == []
                if not fuse.burnt:
                    break
                sound.objects.unpin(stay[-13:])
            assert at > 10
