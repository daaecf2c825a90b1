"""Sealing: hot objects move from the ledger's rows into packs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from aivcs.domain.batch import Batch
from aivcs.domain.blobname import pack_name
from aivcs.domain.sealed import Sealed
from aivcs.errors import CorruptionError
from aivcs.services.damage import damaged_pack
from aivcs.services.grouping import look
from aivcs.services.merging import merge_small
from aivcs.services.pack_read import PackReader
from aivcs.services.pack_write import write_pack
from aivcs.services.resuming import Resumer, move
from aivcs.services.training import SAMPLE_BYTES, trained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aivcs.domain.digest import Digest
    from aivcs.domain.stored import StoredObject
    from aivcs.ports import BlobStore, Ledger
    from aivcs.services.objects import CasStore
    from aivcs.services.pack_write import WrittenPack

PACK_BYTES: Final = 64 * 2**20
"""So many bytes of rows go into one pack."""

PACK_OBJECTS: Final = 100_000
"""No pack holds more objects."""

_PAGE: Final = 500
_RUN: Final = 64


@dataclass(slots=True)
class _Gathered:
    """Rows for one pack, their bytes, and the number of the last; whether no more follow."""

    last: int
    rows: list[StoredObject] = field(default_factory=list)
    stored: int = 0
    at_end: bool = False


class Sealer:
    """Packs what is hot. Safe beside writers, readers, collectors and other sealers.

    Each object is in one tier at every instant: it is moved by one transaction, after the
    pack was published and read back. Whatever interrupts a seal, the next one goes on.
    Many small packs are merged at its end. Memory: the rows of one pack, at most 64 MiB, and
    about 1 KiB for each of its objects, at most 100,000.
    """

    def __init__(
        self,
        ledger: Ledger,
        blobs: BlobStore,
        objects: CasStore,
        *,
        pack_bytes: int = PACK_BYTES,
        pack_objects: int = PACK_OBJECTS,
    ) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._objects = objects
        self._pack_bytes = pack_bytes
        self._pack_objects = pack_objects

    def seal(self, advance: Callable[[], None] = lambda: None, *, wait: bool = True) -> Sealed:
        """Seal every hot object; ``advance`` is called for each that has moved.

        Without ``wait`` nothing is done when somebody else is at upkeep. A hot object that
        is damaged stays where it is. Raises StorageError, and IntegrityError when the pack
        that was written is not what can be read again; nothing depends on it then.
        """
        with self._ledger.upkeep(wait=wait) as alone:
            if not alone:
                return Sealed(busy=True)
            sealed = Resumer(self._ledger, self._blobs).resume(advance)
            after = 0
            while True:
                gathered = self._gather(after)
                if not gathered.rows:
                    break
                after = gathered.last
                sealed = self._seal(gathered, sealed, advance)
                if gathered.at_end:
                    break
            merge_small(self._ledger, self._blobs, self._objects)
            self._ledger.compact()
        return sealed

    def _gather(self, after: int) -> _Gathered:
        """Return the rows of about one pack, from behind the number ``after`` on."""
        gathered = _Gathered(after)
        while gathered.stored < self._pack_bytes and len(gathered.rows) < self._pack_objects:
            page = self._ledger.hot(after=gathered.last, limit=_PAGE)
            if not page:
                gathered.at_end = True
                break
            gathered.last = page[-1][0]
            gathered.rows += [row for _, row in page]
            gathered.stored += sum(len(row.data or b"") for _, row in page)
        return gathered

    def _seal(self, gathered: _Gathered, sealed: Sealed, advance: Callable[[], None]) -> Sealed:
        readable = self._in_order(gathered.rows)
        sealed = replace(sealed, damaged=sealed.damaged + len(gathered.rows) - len(readable))
        if not readable:
            return sealed
        before = sum(len(row.data or b"") for row in readable)
        dictionary = trained(*self._sample(readable))
        with self._blobs.stage() as staged:
            written = write_pack(self._contents(readable), staged, dictionary=dictionary)
            staged.publish(pack_name(written.new.pack.digest))
        self._check(written)
        self._ledger.commit(Batch(packs=(written.new,)))
        move(self._ledger, written.items, advance)
        return replace(
            sealed,
            objects=sealed.objects + len(written.items),
            packs=sealed.packs + 1,
            bytes_before=sealed.bytes_before + before,
            bytes_after=sealed.bytes_after + written.new.pack.size,
        )

    def _in_order(self, rows: Sequence[StoredObject]) -> list[StoredObject]:
        """Return the rows that can be read, grouped; within a group in order of storing."""
        found: list[tuple[int, int]] = []
        for number, row in enumerate(rows):
            try:
                content = self._objects.read(row)
            except CorruptionError:
                continue
            found.append((look(content), number))
        return [rows[number] for _, number in sorted(found)]

    def _sample(self, rows: Sequence[StoredObject]) -> tuple[list[bytes], int]:
        """Return runs of neighbours from all over the rows, and the bytes of all content."""
        content = sum(row.size for row in rows)
        runs = [rows[start : start + _RUN] for start in range(0, len(rows), _RUN)]
        share = -(-content // SAMPLE_BYTES)
        sample = [self._objects.read(row) for run in runs[::share] for row in run]
        return sample, content

    def _contents(self, rows: Sequence[StoredObject]) -> Iterator[tuple[Digest, bytes]]:
        for row in rows:
            yield row.digest, self._objects.read(row)

    def _check(self, written: WrittenPack) -> None:
        """Read back what was published; what is not right is removed again."""
        pack = written.new.pack.digest
        try:
            reader = PackReader(self._blobs)
            items = iter(written.items)
            for digest, data in reader.objects(pack):
                if isinstance(data, CorruptionError):
                    raise data
                item = next(items, None)
                if item is None or item.digest != digest:
                    raise damaged_pack(pack, "it holds other objects than were written")
            if next(items, None) is not None:
                raise damaged_pack(pack, "it holds fewer objects than were written")
        except CorruptionError:
            self._blobs.delete(pack_name(pack))
            raise
