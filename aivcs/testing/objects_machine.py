"""Objects through all that may happen to them: stored, named, dropped, sealed, collected.

A model of sets says what must be readable after each step, and what a collection may leave.
Some steps are taken by a process that dies at one of its writes.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aivcs.domain.batch import Batch, Role
from aivcs.domain.digest import Digest
from aivcs.domain.log_writes import Expiry
from aivcs.errors import StillReferenced
from aivcs.repo import Repo
from aivcs.testing.aftermath import damage, leftovers
from aivcs.testing.faults import Death, Fuse, dying_blobs, dying_ledger
from aivcs.testing.objects import noise
from aivcs.testing.subject import NOON

if TYPE_CHECKING:
    from collections.abc import Callable

_LARGE: Final = 140_000
_NUMBERS: Final = st.integers(0, 24)
_FIRST: Final = "Be helpful."


def content(number: int) -> bytes:
    """Return one of the contents: every sixth is large, the others are small texts."""
    if number % 6 == 5:
        return noise(_LARGE, number)
    return b'{"number": %d, "text": "%s"}' % (number, b"say it again " * number)


class ObjectsMachine(RuleBasedStateMachine):
    """Subclasses open the storage under test in ``open_one``.

    Where a storage outlives ``close()`` they say ``reopens = True``; then ``open_one`` is
    called again and again, also while it is open elsewhere.
    """

    reopens: ClassVar[bool] = False
    steps: ClassVar[int] = 0

    def open_one(self) -> Repo:
        """Return a repository over the storage, which the first call finds empty."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self._repo = self.open_one()
        self._reader = self.open_one() if self.reopens else self._repo
        self._contents: dict[Digest, bytes] = {}
        self._pinned: set[Digest] = set()
        self._of_specs: set[Digest] = set()
        self._of_runs: dict[str, set[Digest]] = {}
        self._held: set[Digest] = set()
        self._perhaps: set[Digest] = set()
        self._gone: set[Digest] = set()
        self._spec = Digest.of(b"")

    @property
    def _named(self) -> set[Digest]:
        return self._of_specs.union(*self._of_runs.values())

    @property
    def _wanted(self) -> set[Digest]:
        return self._pinned | self._held | self._named

    def _expect(self, data: bytes) -> Digest:
        digest = Digest.of(data)
        self._contents[digest] = data
        self._gone.discard(digest)
        return digest

    def _forget(self, digest: Digest) -> None:
        for group in (self._pinned, self._held, self._perhaps):
            group.discard(digest)
        self._gone.add(digest)

    @initialize()
    def begin(self) -> None:
        """Give runs a spec."""
        self._spec = self._add_spec(_FIRST)

    @rule(numbers=st.lists(_NUMBERS, min_size=1, max_size=6))
    def put(self, numbers: list[int]) -> None:
        """Store objects, new or known; this process holds them."""
        items = [content(number) for number in numbers]
        digests = self._repo.objects.put_many(items)
        assert digests == [self._expect(data) for data in items]
        self._held |= set(digests)

    @rule(number=_NUMBERS)
    def put_pinned(self, number: int) -> None:
        """Store an object and pin it."""
        digest = self._expect(content(number))
        assert self._repo.objects.put(content(number), pin=True) == digest
        self._pinned.add(digest)
        self._hold_large({digest})

    @precondition(lambda self: self._held)
    @rule(number=_NUMBERS)
    def pin(self, number: int) -> None:
        """Pin what is held."""
        digest = self._pick(self._held, number)
        self._repo.objects.pin([digest])
        self._pinned.add(digest)

    @precondition(lambda self: self._pinned)
    @rule(number=_NUMBERS)
    def unpin(self, number: int) -> None:
        """Take a pin back."""
        digest = self._pick(self._pinned, number)
        self._repo.objects.unpin([digest])
        self._pinned.discard(digest)

    @rule(artifact=_NUMBERS, state=_NUMBERS)
    def record(self, artifact: int, state: int) -> None:
        """Let a run name two contents."""
        contents = [content(artifact), content(state)]
        with self._repo.run(spec=self._spec, agent="agent") as run:
            run.artifact("artifact", contents[0])
            run.final_state(contents[1])
        self._of_runs[run.run_id] = set(map(self._expect, contents))
        self._hold_large(self._of_runs[run.run_id])

    @precondition(lambda self: self._of_runs)
    @rule(number=_NUMBERS)
    def expire(self, number: int) -> None:
        """Let a run keep nothing but its log."""
        run_id = sorted(self._of_runs)[number % len(self._of_runs)]
        self._repo.objects.ledger.commit(Batch(expired=(Expiry(run_id, NOON),)))
        del self._of_runs[run_id]

    @rule(number=_NUMBERS.filter(lambda number: number % 6 != 5))
    def add_spec(self, number: int) -> None:
        """Let a spec name a content by way of its documents."""
        self._add_spec(content(number).decode())

    def _add_spec(self, text: str) -> Digest:
        components = {"prompts": {"system.md": text}}
        spec = self._repo.specs.add({"name": "agent", "components": components})
        named = {spec.digest, *filter(None, spec.components.values()), self._expect(text.encode())}
        for digest in named:
            self._expect(self._repo.objects.get(digest))
        self._of_specs |= named
        return spec.digest

    @rule(number=_NUMBERS)
    def delete(self, number: int) -> None:
        """Remove an object, unless somebody names it."""
        digest = Digest.of(content(number))
        refused = False
        try:
            self._repo.objects.delete(digest)
        except StillReferenced:
            refused = True
        assert refused == (digest in self._named)
        if not refused:
            self._forget(digest)

    @rule(elsewhere=st.booleans())
    def seal(self, elsewhere: bool) -> None:  # noqa: FBT001 - drawn
        """Move everything small into packs."""
        (self._reader if elsewhere else self._repo).seal()
        assert self._repo.objects.ledger.hot() == []

    @rule(full=st.booleans(), elsewhere=st.booleans())
    def collect(self, full: bool, elsewhere: bool) -> None:  # noqa: FBT001 - drawn
        """Collect: what nobody names or holds is no more."""
        (self._reader if elsewhere else self._repo).gc(full=full)
        self._perhaps &= self._stored()
        assert self._stored() <= self._wanted | self._perhaps

    @precondition(lambda self: self.reopens)
    @rule()
    def reopen(self) -> None:
        """Close, so that nothing is held any more, and open again."""
        self._repo.close()
        self._held.clear()
        self._perhaps.clear()
        self._repo = self.open_one()

    @rule(
        number=_NUMBERS,
        what=st.sampled_from(["put", "put_pinned", "delete", "seal", "gc", "gc_full"]),
        at=st.integers(1, 12),
        landed=st.booleans(),
    )
    def die(self, number: int, what: str, at: int, landed: bool) -> None:  # noqa: FBT001 - drawn
        """Let a process die of one of its writes, or get through."""
        fuse = Fuse(at, landed=landed)
        objects = self._repo.objects
        dying = Repo(dying_ledger(objects.ledger, fuse), dying_blobs(objects.blobs, fuse))
        digest = Digest.of(content(number))
        steps: dict[str, Callable[[], object]] = {
            "put": lambda: dying.objects.put(content(number)),
            "put_pinned": lambda: dying.objects.put(content(number), pin=True),
            "delete": lambda: dying.objects.delete(digest),
            "seal": dying.seal,
            "gc": dying.gc,
            "gc_full": lambda: dying.gc(full=True),
        }
        with suppress(Death, StillReferenced):
            steps[what]()
        if digest in self._stored():
            self._take_stock(digest)
        else:
            assert digest not in (self._named if what == "delete" else self._wanted)
            self._forget(digest)

    def _take_stock(self, digest: Digest) -> None:
        """Learn what the process that died has done for the object it was at."""
        self._expect(self._repo.objects.get(digest))
        self._perhaps.add(digest)
        roles = [one.role for one in self._repo.objects.ledger.references(digest)]
        if Role.PIN in roles:
            self._pinned.add(digest)
        else:
            assert digest not in self._pinned

    @invariant()
    def what_must_be_there_is_there(self) -> None:
        """All of it comes back, for this process and for one that had opened it long ago."""
        type(self).steps += 1
        wanted = sorted(self._wanted)
        for repo in {id(one): one for one in (self._repo, self._reader)}.values():
            for digest, data in repo.objects.get_many(wanted):
                assert data == self._contents[digest]

    @invariant()
    def what_was_deleted_is_not_there(self) -> None:
        """Until somebody stores it again."""
        assert not self._gone & self._stored()

    def teardown(self) -> None:
        """Collect everything, and find what is named, and nothing else."""
        if self.reopens:
            self.reopen()
        self._repo.gc(full=True)
        wanted = self._pinned | self._named
        self._perhaps &= self._stored()
        assert wanted <= self._stored() <= wanted | self._held | self._perhaps
        assert damage(self._repo) == []
        if self.reopens:
            assert list(leftovers(self._repo)) == []
            self._reader.close()
        self._repo.close()

    def _stored(self) -> set[Digest]:
        return set(self._repo.objects.list(limit=10_000))

    def _hold_large(self, digests: set[Digest]) -> None:
        """Count on it that a large one may be held, by who wrote its file before its row."""
        self._perhaps |= {one for one in digests if len(self._contents[one]) >= _LARGE}

    def _pick(self, digests: set[Digest], number: int) -> Digest:
        return sorted(digests)[number % len(digests)]
