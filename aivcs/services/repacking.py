"""Packs with dead bytes: rewritten without them, or dropped when nothing else is left."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from aivcs.domain.batch import Batch
from aivcs.domain.blobname import pack_name
from aivcs.domain.report import Problem, Severity
from aivcs.errors import ConflictError, CorruptionError, MissingObject
from aivcs.services.pack_format import header_length
from aivcs.services.pack_write import write_pack
from aivcs.services.training import SAMPLE_BYTES, trained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from aivcs.domain.digest import Digest
    from aivcs.domain.pack_writes import NewPack
    from aivcs.domain.stored import Pack
    from aivcs.ports import BlobStore, Ledger
    from aivcs.services.marking import Living
    from aivcs.services.pack_read import PackReader

_WORN: Final = 0.2
_TARGET: Final = 64 * 2**20
_MOVES: Final = 2000


@dataclass(frozen=True, slots=True)
class Worn:
    """A pack that holds dead bytes: so many of its ``bytes`` unpacked, and what lives."""

    pack: Pack
    dead: int
    bytes: int
    living: int

    @property
    def pays(self) -> bool:
        """Whether so much is dead that rewriting pays at any time."""
        return self.dead >= _WORN * self.bytes


class Repacker:
    """Rewrites packs; whoever calls is the only one at upkeep.

    ``problems`` are the packs that could not be read and stayed as they are. ``freed`` is
    by how many bytes the packs' files became fewer.
    """

    def __init__(self, ledger: Ledger, blobs: BlobStore, reader: PackReader) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._reader = reader
        self.problems: list[Problem] = []
        self.rewritten = 0
        self.dropped = 0
        self.freed = 0

    def worn(
        self,
        living: Mapping[Digest, Living],
        *,
        full: bool,
        lost: AbstractSet[Digest] = frozenset(),
    ) -> list[Worn]:
        """Return the packs to be rewritten or dropped: at least a fifth of each is dead.

        ``living`` says what is needed of each pack. With ``full`` one dead byte is enough.
        A pack that may have the bytes of a ``lost`` object stays as it is.
        """
        found: list[Worn] = []
        for pack in self._ledger.packs():
            alive = living.get(pack.digest)
            if (alive is None or alive.objects < pack.objects) and self.has(pack, lost):
                continue
            if alive is None:
                found.append(Worn(pack, pack.size, pack.size, 0))
            elif alive.objects < pack.objects:
                try:
                    whole = self._content(pack)
                except CorruptionError as error:
                    self._cannot(pack, error)
                    continue
                worn = Worn(pack, whole - alive.bytes, whole, alive.objects)
                if full or worn.pays:
                    found.append(worn)
        return found

    def has(self, pack: Pack, lost: AbstractSet[Digest]) -> bool:
        """Tell whether a pack has bytes of ``lost`` objects, or nobody can tell."""
        if not lost:
            return False
        try:
            found = sum(one.digest in lost for one in self._reader.footer(pack.digest).objects())
        except MissingObject:
            return False
        except CorruptionError as error:
            self._cannot(pack, error)
            return True
        if found:
            detail = (
                f"it has {found} objects that are needed, but not listed;"
                " 'aivcs repair' brings them back, 'aivcs gc --full' removes them"
            )
            self.problems.append(Problem("pack", str(pack.digest), detail, Severity.WARNING))
        return bool(found)

    def _content(self, pack: Pack) -> int:
        blocks = self._reader.footer(pack.digest).blocks
        return sum(block.size - header_length(block.objects) for block in blocks)

    def _cannot(self, pack: Pack, error: CorruptionError) -> None:
        detail = f"its dead bytes stay: {error.message}"
        self.problems.append(Problem("pack", str(pack.digest), detail, Severity.WARNING))

    def renew(self, worn: Sequence[Worn], advance: Callable[[], None]) -> None:
        """Rewrite packs, several small ones into one, and remove the old ones.

        Wherever it is interrupted, each object is in one pack that is listed.
        """
        for group in _groups(worn):
            packs = [item.pack for item in group]
            if any(item.living for item in group):
                try:
                    self._rewrite(packs, advance)
                except CorruptionError as error:
                    # Alone each other pack of the group can be rewritten.
                    if len(packs) > 1:
                        for item in group:
                            self.renew([item], advance)
                    else:
                        self._cannot(packs[0], error)
                    continue
            self._drop(group)

    def _rewrite(self, packs: Sequence[Pack], advance: Callable[[], None]) -> None:
        with self._blobs.stage() as staged:
            dictionary = self._dictionary(packs)
            items = self._living(packs, advance)
            first = next(items, None)
            if first is None:
                return
            written = write_pack(_chain(first, items), staged, dictionary=dictionary)
            staged.publish(pack_name(written.new.pack.digest))
        self._check(written.new)
        self._ledger.commit(Batch(packs=(written.new,)))
        moves = iter(written.items)
        while some := tuple(islice(moves, _MOVES)):
            self._ledger.commit(Batch(moves=some))
        self.freed -= written.new.pack.size

    def _dictionary(self, packs: Sequence[Pack]) -> bytes | None:
        """Return the largest pack's; what paid for no pack alone may pay for all together."""
        largest = max(packs, key=lambda pack: (pack.dictionary_length > 0, pack.size))
        if largest.dictionary_length or len(packs) == 1:
            return self._reader.dictionary(largest)
        sample: list[bytes] = []
        content = 0
        for _, data in self._living(packs, lambda: None):
            if content < SAMPLE_BYTES:
                sample.append(data)
            content += len(data)
        return trained(sample, content)

    def _living(
        self, packs: Sequence[Pack], advance: Callable[[], None]
    ) -> Iterator[tuple[Digest, bytes]]:
        for pack in packs:
            listing = self._ledger.listing(pack.digest)
            alive = {row[0] for row in listing.objects} if listing else set()
            for digest, data in self._reader.objects(pack.digest) if alive else ():
                if digest.raw not in alive:
                    continue
                if isinstance(data, CorruptionError):
                    raise data
                advance()
                yield digest, data

    def _check(self, new: NewPack) -> None:
        """Read back what was published before anything depends on it."""
        for _, data in self._reader.objects(new.pack.digest):
            if isinstance(data, CorruptionError):
                raise data

    def _drop(self, group: Sequence[Worn]) -> None:
        for item in group:
            pack = item.pack.digest
            try:
                self._ledger.commit(Batch(dropped_packs=(pack,)))
            except ConflictError:
                continue  # an object is found in it again
            self.freed += drop_pack_file(self._ledger, self._blobs, pack)
            self.rewritten += bool(item.living)
            self.dropped += not item.living


def drop_pack_file(ledger: Ledger, blobs: BlobStore, pack: Digest) -> int:
    """Remove a pack's file unless the pack is listed; return its bytes."""
    name = pack_name(pack)
    with ledger.exclusive():
        if any(listed.digest == pack for listed in ledger.packs()) or not blobs.exists(name):
            return 0
        size = blobs.size(name)
        blobs.delete(name)
        return size


def _groups(worn: Sequence[Worn]) -> Iterator[list[Worn]]:
    """Yield packs that make one new one together."""
    group: list[Worn] = []
    size = 0.0
    for item in worn:
        left = item.pack.size * (1 - item.dead / item.bytes)
        if group and size + left > _TARGET:
            yield group
            group, size = [], 0.0
        group.append(item)
        size += left
    if group:
        yield group


def _chain(
    first: tuple[Digest, bytes], others: Iterator[tuple[Digest, bytes]]
) -> Iterator[tuple[Digest, bytes]]:
    yield first
    yield from others
