"""The Ledger port over values in memory."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aivcs.adapters.memory_ledger.health import Health
from aivcs.adapters.memory_ledger.journal import Journal
from aivcs.adapters.memory_ledger.needs import every_use, holder
from aivcs.adapters.memory_ledger.run_moves import RunMoves
from aivcs.adapters.memory_ledger.shelf import Shelf
from aivcs.domain.batch import Receipt
from aivcs.domain.log_rows import stored_row
from aivcs.domain.pack_writes import Surveyed
from aivcs.domain.stored import HOT_LIMIT, Tier
from aivcs.domain.stream import Family
from aivcs.domain.usage import UseKind
from aivcs.errors import AivcsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aivcs.domain.batch import Batch, Reference
    from aivcs.domain.digest import Digest
    from aivcs.domain.listing import Listing
    from aivcs.domain.log_writes import NewSpec
    from aivcs.domain.rows import Row
    from aivcs.domain.run import RunRecord, Source
    from aivcs.domain.stored import Pack, StoredObject
    from aivcs.domain.stream import Entry, Released, RunQuery, Sealing, Stream
    from aivcs.domain.usage import Use

_NAMED: Final = 20


class MemoryLedger(Health):
    """Everything in dictionaries under one lock; gone when the process ends.

    What is held is held until it is closed: no other process can see it.
    """

    hot_limit = HOT_LIMIT

    def __init__(self) -> None:
        self._journal = Journal()
        self._logs = RunMoves(self._journal)
        self._shelf = Shelf(self._journal)
        self._upkeep = threading.Lock()

    def commit(self, batch: Batch) -> Receipt:
        """Apply a batch; an error takes back what was applied of it."""
        with self._journal.writing():
            known = self._shelf.apply(batch)
            for spec in batch.specs:
                self._logs.add_spec(spec)
            for run in batch.runs:
                self._logs.create(run)
            epochs = tuple(self._logs.claim(wanted) for wanted in batch.claims)
            done = [(wanted, *self._logs.append(wanted)) for wanted in batch.appends]
            repeated = {wanted.name for wanted, _, again, _ in done if again}
            numbers = [number for *_, found in done for number in found]
            numbers += [self._logs.announce(text) for text in batch.announcements]
            for reference in batch.references:
                if reference.run_id is not None:
                    self._logs.log(Family.RUN, reference.run_id)
                self._shelf.refer(reference)
            for end in batch.ends:
                self._logs.end(end, repeated=end.run_id in repeated)
            for erasure in batch.erasures:
                self._logs.erase(erasure)
            for expiry in batch.expired:
                self._logs.expire(expiry)
            self._shelf.unpin(batch.unpinned)
            self._shelf.delete(batch.deletions)
        return Receipt(tuple(seqs for _, seqs, *_ in done), known, epochs, tuple(numbers))

    def commit_all(self, batches: Sequence[Batch]) -> list[Receipt | AivcsError]:
        """Apply several batches under one lock; one that fails takes back its own part."""
        answers: list[Receipt | AivcsError] = []
        with self._journal.writing():
            for batch in batches:
                try:
                    answers.append(self.commit(batch))
                except AivcsError as error:
                    answers.append(error)
        return answers

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the lock; an error takes back all that was committed inside."""
        with self._journal.writing():
            yield

    def stream(self, family: Family, name: str) -> Stream | None:
        """Return the head of a stream."""
        return self._logs.stream(family, name)

    def streams(self, family: Family) -> list[Stream]:
        """Return the heads of a family, by name."""
        return self._logs.streams(family)

    def names(self, family: Family) -> list[str]:
        """Return the names of a family, in order."""
        return [head.name for head in self._logs.streams(family)]

    def entries(
        self,
        family: Family,
        name: str,
        *,
        after: int = 0,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[Entry]:
        """Yield entries as they were when the iteration began."""
        return self._logs.entries(family, name, after=after, limit=limit, newest_first=newest_first)

    def stored_rows(
        self, family: Family, name: str, *, after: int = 0, limit: int | None = None
    ) -> Iterator[Sequence[Row]]:
        """Yield one page of rows, made of the entries."""
        found = self.entries(family, name, after=after, limit=limit)
        if page := [stored_row(entry) for entry in found]:
            yield page

    def waiting(self, run_id: str) -> Mapping[int, Entry]:
        """Return the early entries of a run."""
        return self._logs.waiting(run_id)

    def run(self, run_id: str) -> RunRecord | None:
        """Return a run."""
        return self._logs.run(run_id)

    def run_from(self, source: Source) -> RunRecord | None:
        """Return the run that was recorded from a source."""
        return self._logs.run_from(source)

    def runs(self, query: RunQuery) -> list[RunRecord]:
        """Return runs, newest first."""
        return self._logs.runs(query)

    def run_ids(self, prefix: str, limit: int) -> list[str]:
        """Return run ids by prefix."""
        return self._logs.run_ids(prefix, limit)

    def seals(self, after: int = 0, limit: int = 1000) -> list[Sealing]:
        """Return seals in the order of ending."""
        return self._logs.seals(after, limit)

    def seals_of(self, run_ids: Sequence[str]) -> Mapping[str, Sealing]:
        """Return the seals of some runs."""
        return self._logs.seals_of(run_ids)

    def release_log(self, after: int = 0, limit: int = 1000) -> list[Released]:
        """Return the log of all releases."""
        return self._logs.release_log(after, limit)

    def specs(self, digest: Digest | None = None) -> list[NewSpec]:
        """Return annotations, newest first."""
        return self._logs.specs(digest)

    def objects(self, digests: Sequence[Digest]) -> Mapping[Digest, StoredObject]:
        """Return stored objects."""
        return self._shelf.objects(digests)

    def sizes(self, digests: Sequence[Digest]) -> Mapping[Digest, int]:
        """Return sizes of stored objects."""
        return {digest: item.size for digest, item in self._shelf.objects(digests).items()}

    def hot(self, *, after: int = 0, limit: int = 500) -> list[tuple[int, StoredObject]]:
        """Return hot objects in the order of storing."""
        return self._shelf.hot(after, limit)

    def hot_rows(self, after: int, until: int) -> list[tuple[bytes, int, int, bytes]]:
        """Return hot objects by their numbers, as they are stored."""
        return [
            (stored.digest.raw, stored.size, int(stored.codec), stored.data or b"")
            for number, stored in self._shelf.hot(after, until - after)
            if number <= until
        ]

    def backlog(self) -> int:
        """Return how many hot objects there are."""
        return len(self._shelf.stored(Tier.HOT))

    def packs(self) -> list[Pack]:
        """Return packs in the order of listing."""
        return self._shelf.packs()

    def listing(self, pack: Digest) -> Listing | None:
        """Return what is listed of a pack."""
        return self._shelf.listing(pack)

    def large(self, *, after: Digest | None = None, limit: int = 1000) -> list[StoredObject]:
        """Return large objects in order of digest."""
        return _page(self._shelf.stored(Tier.LARGE), after, limit)

    def digests(self, *, after: Digest | None = None, limit: int = 1000) -> list[Digest]:
        """Return stored digests in order."""
        return [item.digest for item in _page(self._shelf.stored(), after, limit)]

    def survey(self, *, after: Digest | None = None, limit: int = 1000) -> list[Surveyed]:
        """Return what is stored, by digest."""
        with self._journal.reading():
            named, held = self._needed()
            return [
                Surveyed(
                    item.digest,
                    item.tier,
                    item.size,
                    item.size if item.data is None else len(item.data),
                    item.digest in named,
                    item.digest in held,
                    item.place.block.pack.digest if item.place else None,
                )
                for item in _page(self._shelf.stored(), after, limit)
            ]

    def unnamed(self, digests: Sequence[Digest]) -> set[Digest]:
        """Return what nothing names or holds."""
        named, held = self._needed()
        return set(digests) - named - held

    def _needed(self) -> tuple[set[Digest], set[Digest]]:
        """Return what values name, and what this process holds."""
        named: set[Digest] = set()
        held: set[Digest] = set()
        for use in self._uses():
            if not use.expired:
                (held if use.kind is UseKind.LEASE else named).add(use.digest)
        return named, held

    def references(self, digest: Digest | None = None) -> list[Reference]:
        """Return explicit references."""
        return [
            one
            for one in self._shelf.references()
            if digest in {None, one.digest} and not self._logs.has_expired(one.run_id)
        ]

    def dangling(self) -> list[Reference]:
        """Return explicit references to what is not stored."""
        references = self.references()
        stored = self.sizes([one.digest for one in references])
        return [one for one in references if one.digest not in stored]

    def missing(self) -> list[Digest]:
        """Return what rows name and is not stored."""
        uses = every_use(self._logs, self._shelf)
        elsewhere = {UseKind.LEASE, UseKind.STATE}
        named = {use.digest for use in uses if not use.expired and use.kind not in elsewhere}
        named |= {one.digest for one in self.references()}
        return sorted(named - self.sizes(list(named)).keys())

    def holders(self, digest: Digest) -> list[str]:
        """Say which values name an object."""
        with self._journal.reading():
            found = {holder(use) for use in self._uses() if use.digest == digest}
        return sorted(found - {""})[:_NAMED]

    def uses(self, digests: Sequence[Digest]) -> list[Use]:
        """Return every use of some objects, those of one together."""
        found: dict[Digest, dict[Use, None]] = {digest: {} for digest in digests}
        for use in self._uses():
            if use.digest in found:
                found[use.digest][use] = None
        return [use for of_one in found.values() for use in of_one]

    def _uses(self) -> list[Use]:
        with self._journal.reading():
            return list(every_use(self._logs, self._shelf))

    @contextmanager
    def upkeep(self, *, wait: bool) -> Iterator[bool]:
        """Be the only one at upkeep, among the threads of this process."""
        self._journal.reading()
        held = self._upkeep.acquire(blocking=wait)
        try:
            yield held
        finally:
            if held:
                self._upkeep.release()

    def abandoned(self) -> int:
        """Find none, like ``reap``."""
        return self.reap()

    def reap(self) -> int:
        """Find no dead process: the only one that could hold anything lives."""
        self._journal.reading()
        return 0

    def compact(self, advance: Callable[[], None] = lambda: None) -> bool:
        """Do nothing: what is deleted takes no space."""
        self._journal.reading()
        advance()
        return True

    def footprint(self) -> int:
        """Return the bytes of the encoded hot objects."""
        return sum(len(item.data or b"") for item in self._shelf.stored(Tier.HOT))

    def reset_index(self) -> None:
        """Forget packs and what is in them."""
        with self._journal.writing():
            self._shelf.reset_index()

    def check(self) -> list[str]:
        """Find nothing: there is no structure apart from the values."""
        self._journal.reading()
        return []

    def close(self) -> None:
        """Refuse everything from now on."""
        self._journal.closed = True


def _page(items: list[StoredObject], after: Digest | None, limit: int) -> list[StoredObject]:
    return [item for item in items if after is None or item.digest > after][:limit]
