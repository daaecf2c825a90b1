"""What holds while processes store, name, seal and collect at once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.digest import Digest
from aivcs.testing.aftermath import damage, leftovers, unreadable
from aivcs.testing.collecting import LARGE, texts
from aivcs.testing.crew import processes
from aivcs.testing.objects import noise
from aivcs.testing.subject import RepoContract, add_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.repo import Repo
    from aivcs.testing.crew import Crew, Hire, Meet

_ROUNDS = 8
_WORKERS = 10
"""A collector, one that seals now and then, and eight writers."""

_HOLDER = """
import sys, aivcs
repo = aivcs.open(sys.argv[1])
for data in (b"held", b"h" * 200_000):
    print(repo.objects.put(data), flush=True)
sys.stdin.read()
"""


def contents(seed: int) -> list[bytes]:
    """Return what all workers store in this round, so that they meet in the same objects."""
    return [*texts(12, 12 * (seed % 3)), noise(LARGE, seed % 3)]


def work(repo: Repo, number: int, meet: Meet) -> set[Digest]:
    """Store, name and delete, or collect; return what must be there at the end."""
    chance = random.Random(number)  # noqa: S311 - no secret
    needed: set[Digest] = set()
    held: set[Digest] = set()
    for turn in range(_ROUNDS):
        meet()
        if number == 0:
            repo.gc(full=turn % 2 == 0)
            repo.gc(dry_run=True)
        elif number == 1 and turn % 2:
            repo.seal()
        else:
            data = chance.sample(contents(turn), 6)
            held |= set(repo.objects.put_many(data[:4]))
            repo.objects.put(data[4], pin=True)
            needed.add(Digest.of(data[4]))
            with repo.run(spec=add_spec(repo, f"spec {turn % 3}"), agent="agent") as run:
                needed.add(run.artifact("shared", data[5]))
        assert list(unreadable(repo, needed | held)) == []
    return needed


class CollectingCrewContract(RepoContract):
    """Processes of their own; the fixture ``place`` is what ``aivcs.open`` takes there."""

    @pytest.fixture(scope="class")
    @classmethod
    def hire(cls) -> Iterator[Hire]:
        """Start the workers once for all tests."""
        with processes(_WORKERS) as hired:
            yield hired

    @pytest.fixture
    def crew(self, hire: Hire, place: str) -> Crew:
        """Return the workers, for this repository."""
        return hire(place)

    def test_a_collector_among_writers(self, crew: Crew, repo: Repo) -> None:
        """Nothing that is held or named is lost, and in the end nothing else is left."""
        results = crew(work)
        assert len(results) == _WORKERS
        needed = set().union(*results)
        assert list(unreadable(repo, needed)) == []
        assert damage(repo) == []
        repo.gc(full=True)
        assert list(unreadable(repo, needed)) == []
        assert list(leftovers(repo)) == []
        assert damage(repo) == []

    @pytest.mark.parametrize("killed", [False, True])
    def test_who_dies_holds_nothing(self, repo: Repo, place: str, killed: bool) -> None:  # noqa: FBT001
        """At once, however it ends; while it lives, nobody takes what it stored."""
        command = [sys.executable, "-c", _HOLDER, place]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe) as holder:  # noqa: S603
            assert holder.stdin
            assert holder.stdout
            digests = [Digest.parse(holder.stdout.readline().strip()) for _ in range(2)]
            found = repo.gc(full=True)
            assert (found.objects, found.held.objects) == (0, 2)
            assert all(f"process {holder.pid} " in who for who in found.held.by)
            (reason,) = repo.why(digests[0]).reasons
            assert f"process {holder.pid} " in reason.detail
            assert list(unreadable(repo, digests)) == []
            if killed:
                holder.send_signal(signal.SIGKILL)
            holder.stdin.close()
            assert holder.wait(60) == (-signal.SIGKILL if killed else 0)
        found = repo.gc()
        assert (found.objects, found.held.objects) == (2, 0)
        assert not any(map(repo.objects.contains, digests))
        assert list(leftovers(repo)) == []
