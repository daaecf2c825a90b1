"""What a collection would remove at this moment, by name; nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.blobname import pack_name
from aivcs.domain.collection import Collected, Removal, Removed
from aivcs.errors import CorruptionError
from aivcs.services.marking import Mark
from aivcs.services.missing import missing
from aivcs.services.repacking import Repacker
from aivcs.services.strays import Strays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore
    from aivcs.services.pack_read import PackReader
    from aivcs.services.reachability import Closure
    from aivcs.services.repacking import Worn


def rehearse(
    objects: CasStore,
    closure: Closure,
    let_go: Sequence[str],
    advance: Callable[[], None],
    *,
    full: bool,
) -> Collected:
    """Go through everything as a collection does that lets the runs ``let_go`` expire.

    It waits for nobody and works on a repository that cannot be written.
    """
    ledger, blobs, reader = objects.ledger, objects.blobs, objects.packs
    mark = Mark(ledger, closure, advance, let_go=frozenset(let_go))
    garbage = [
        Removed(str(item.digest), item.stored, Removal.UNNEEDED)
        for page in mark.pages()
        for item in page
    ]
    packs = Repacker(ledger, blobs, reader)
    lost = frozenset() if full else frozenset(missing(ledger, objects))
    worn = packs.worn(mark.packs, full=full, lost=lost)
    strays = Strays(ledger, blobs, reader, closure, objects.check)
    files = [Removed(stray.name, stray.size, Removal.STRAY) for stray in strays.find()]
    files += [Removed(name, size, Removal.UNFINISHED) for name, size in blobs.unfinished()]
    return Collected(
        checked={"objects": mark.objects},
        problems=(*packs.problems, *strays.problems),
        dry_run=True,
        full=full,
        objects=len(garbage),
        bytes=sum(item.bytes for item in garbage),
        packs_rewritten=sum(1 for item in worn if item.living),
        packs_dropped=sum(1 for item in worn if not item.living),
        files=len(files),
        held=mark.held,
        expired=tuple(let_go),
        removed=(*garbage, *_in_packs(ledger, reader, worn), *files),
    )


def _in_packs(ledger: Ledger, reader: PackReader, worn: Sequence[Worn]) -> Iterator[Removed]:
    """Name the packs that go, and the objects in them that are dead already."""
    for item in worn:
        digest = item.pack.digest
        yield Removed(pack_name(digest), item.pack.size, Removal.PACK)
        listing = ledger.listing(digest)
        alive = {row[0] for row in listing.objects} if listing else set()
        try:
            for packed in reader.footer(digest).objects():
                if packed.digest.raw not in alive:
                    yield Removed(str(packed.digest), packed.size, Removal.DEAD)
        except CorruptionError:
            continue  # it goes as a whole, whatever it holds
