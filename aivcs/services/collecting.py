"""Garbage collection: what nothing needs goes, exactly, beside any number of writers.

Nothing depends on time. What a live process stored is held by its lease; what the ledger
or a spec names is needed; everything else goes. Each deletion is decided again in the
transaction that makes it, so whatever was named or stored meanwhile stays.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from aivcs.domain.collection import Collected
from aivcs.errors import StorageError
from aivcs.services.expiring import expire, expiring
from aivcs.services.marking import Mark
from aivcs.services.missing import missing
from aivcs.services.reachability import Closure
from aivcs.services.removing import sweep
from aivcs.services.repacking import Repacker
from aivcs.services.strays import Strays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aivcs.domain.pack_writes import Surveyed
    from aivcs.domain.retention import Retention
    from aivcs.ports import BlobStore, Clock, Ledger
    from aivcs.services.objects import CasStore

_SLICE: Final = 1000
_FEW: Final = 5


class Collector:
    """Collects a repository's garbage.

    Interrupted or killed at any
    point it loses nothing, and the next collection finishes the work.
    """

    def __init__(
        self,
        ledger: Ledger,
        blobs: BlobStore,
        objects: CasStore,
        clock: Clock,
        retention: Retention,
    ) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._objects = objects
        self._clock = clock
        self._retention = retention

    def collect(
        self, *, dry_run: bool, full: bool, advance: Callable[[], None] = lambda: None
    ) -> Collected:
        """Remove what nothing needs, or with ``dry_run`` say what would go and change nothing.

        A pack is rewritten when a fifth of it is dead, with ``full`` for one dead byte. It
        waits while others seal, collect or repair. ``advance`` is called for each object.
        Raises CorruptionError, before anything is removed, when nobody can tell what a
        spec or a release needs, and StorageError.
        """
        if dry_run:
            from aivcs.services.rehearsing import rehearse

            closure = Closure(self._ledger, self._objects)
            closure.refresh()
            let_go = expiring(self._ledger, self._objects, self._clock, self._retention)
            return rehearse(self._objects, closure, let_go, advance, full=full)
        with self._ledger.upkeep(wait=True):
            return self._collect(full=full, advance=advance)

    def _collect(self, *, full: bool, advance: Callable[[], None]) -> Collected:
        before = self._ledger.footprint()
        left = sum(size for _, size in self._blobs.unfinished())
        unfinished = self._blobs.sweep()
        self._ledger.reap()
        closure = Closure(self._ledger, self._objects)
        closure.refresh()
        expired = expire(self._ledger, self._objects, self._clock, self._retention)
        mark = Mark(self._ledger, closure, advance)
        gone = list(self._sweep(mark, closure))
        packs = Repacker(self._ledger, self._blobs, self._objects.packs)
        # Whoever asks for every dead byte wants those gone, too, that somebody still names.
        lost = frozenset() if full else frozenset(missing(self._ledger, self._objects))
        packs.renew(packs.worn(mark.packs, full=full, lost=lost), advance)
        parts = self._ledger, self._blobs, self._objects.packs
        strays = Strays(*parts, closure, self._objects.check)
        stray = [freed for found in strays.find() if (freed := strays.remove(found))]
        self._ledger.compact(advance)
        files = left + sum(stray) + sum(freed for _, _, freed in gone) + packs.freed
        return Collected(
            checked={"objects": mark.objects},
            problems=(*packs.problems, *strays.problems),
            full=full,
            objects=sum(count for count, _, _ in gone),
            bytes=sum(size for _, size, _ in gone),
            packs_rewritten=packs.rewritten,
            packs_dropped=packs.dropped,
            files=len(stray) + unfinished,
            freed_on_disk=files + max(0, before - self._ledger.footprint()),
            held=mark.held,
            expired=expired,
        )

    def _sweep(self, mark: Mark, closure: Closure) -> Iterator[tuple[int, int, int]]:
        """Sweep in slices; yield of each the objects gone, their bytes, those of files."""
        garbage: Iterator[Surveyed] = chain.from_iterable(mark.pages())
        size = _SLICE
        while some := list(islice(garbage, size)):
            try:
                gone, freed = sweep(self._ledger, self._blobs, closure, some)
            except StorageError:
                # On a full disk there may be room to remove a few, and then for more.
                if size == _FEW:
                    raise
                size, garbage = _FEW, chain(some, garbage)
                continue
            removed = {item.digest for item in gone}
            for item in some:
                if item.digest not in removed:
                    mark.keep(item)
            yield len(gone), sum(item.stored for item in gone), freed
