"""Reading the content of packs and large files: pieces of work that need no ledger."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Final

from aivcs.domain.blobname import large_name, pack_name
from aivcs.domain.stored import StoredObject
from aivcs.errors import CorruptionError, MissingObject, Unreadable
from aivcs.services import frames, pack_format
from aivcs.services.damage import damaged, gone, gone_pack
from aivcs.services.pack_dictionaries import Unpackers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aivcs.errors import AivcsError
    from aivcs.ports import BlobStore
    from aivcs.services.large_read import LargeReader
    from aivcs.services.pack_format import BlockRow, Footer

_SPAN: Final = 2**20


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring blocks of a pack, and the number of the first object in them."""

    pack: int
    first: int
    last: int
    object: int


@dataclass(frozen=True, slots=True)
class Whole:
    """All bytes of a pack, as its name has them."""

    pack: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong in a piece.

    ``objects`` are numbers of objects of the pack, in the order of its footer; none of
    them, when the pack as a whole or a large file is meant. What is ``unread`` may be sound.
    """

    detail: str
    objects: range | tuple[int, ...] = ()
    missing: bool = False
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a piece: how many objects were read, what was found, all of it read."""

    objects: int
    findings: tuple[Finding, ...] = ()
    complete: bool = True


class Content:
    """Pieces of packs (by their footers) and large files; ``check`` reads one.

    ``spent`` says when to stop in the middle of a large file. Damage is a finding, and so
    is what cannot be read.
    """

    def __init__(
        self,
        blobs: BlobStore,
        footers: Sequence[Footer],
        pieces: Sequence[Span | Whole | StoredObject],
        spent: Callable[[], bool] = lambda: False,
    ) -> None:
        self._blobs = blobs
        self._footers = footers
        self._spent = spent
        self._unpackers = Unpackers(blobs)
        self.pieces = pieces

    @property
    def weight(self) -> int:
        """About how many bytes are to be read."""
        return sum(self._weight(piece) for piece in self.pieces)

    def _weight(self, piece: Span | Whole | StoredObject) -> int:
        if isinstance(piece, StoredObject):
            return piece.size
        if isinstance(piece, Whole):
            return 0
        last = self._footers[piece.pack].blocks[piece.last - 1]
        return last.offset + last.length - self._footers[piece.pack].blocks[piece.first].offset

    def check(self, number: int) -> Outcome:
        """Read a piece, unless time is spent."""
        piece = self.pieces[number]
        if self._spent():
            return Outcome(0, complete=False)
        if isinstance(piece, Span):
            return self._check_span(piece)
        try:
            if isinstance(piece, Whole):
                return self._check_name(self._footers[piece.pack])
            return self._check_large(piece)
        except (CorruptionError, Unreadable) as error:
            return Outcome(0, (_finding(error),))

    def _check_name(self, footer: Footer) -> Outcome:
        pack = footer.pack
        total = sha256()
        try:
            for start in range(0, pack.size, _SPAN):
                total.update(self._blobs.read(pack_name(pack.digest), start, _SPAN))
        except MissingObject as error:
            raise gone_pack(pack.digest) from error
        if total.digest() == pack.digest.raw:
            return Outcome(0)
        return Outcome(0, (Finding("its bytes have another SHA-256 than its name says"),))

    def _check_large(self, stored: StoredObject) -> Outcome:
        with open_large(self._blobs, stored) as file:
            for _ in file.chunks():
                if self._spent():
                    return Outcome(0, complete=False)
        return Outcome(1)

    def _check_span(self, span: Span) -> Outcome:
        footer = self._footers[span.pack]
        blocks = footer.blocks[span.first : span.last]
        rows = footer.sums(span.object)
        found: list[Finding] = []
        number = span.object
        try:
            for block, frame in self._frames(footer, blocks):
                wanted = list(islice(rows, block.objects))
                found += self._check_block(footer, block, frame, wanted, number)
                number += block.objects
        except (MissingObject, Unreadable) as error:
            if len(blocks) > 1 and isinstance(error, Unreadable):
                return self._one_by_one(span)
            left = range(number, span.object + sum(block.objects for block in blocks))
            found.append(_finding(error, left))
        return Outcome(number - span.object, tuple(found))

    def _one_by_one(self, span: Span) -> Outcome:
        """Read blocks that cannot be read in one piece each by itself."""
        number = span.object
        outcomes: list[Outcome] = []
        for block in range(span.first, span.last):
            outcomes.append(self._check_span(Span(span.pack, block, block + 1, number)))
            number += self._footers[span.pack].blocks[block].objects
        findings = tuple(finding for outcome in outcomes for finding in outcome.findings)
        return Outcome(sum(outcome.objects for outcome in outcomes), findings)

    def _frames(
        self, footer: Footer, blocks: Sequence[BlockRow]
    ) -> Iterator[tuple[BlockRow, bytes]]:
        start = blocks[0].offset
        name = pack_name(footer.pack.digest)
        try:
            data = self._blobs.read(name, start, blocks[-1].offset + blocks[-1].length - start)
        except MissingObject as error:
            raise gone_pack(footer.pack.digest) from error
        for block in blocks:
            begin = block.offset - start
            yield block, data[begin : begin + block.length]

    def _check_block(
        self,
        footer: Footer,
        block: BlockRow,
        frame: bytes,
        wanted: list[tuple[bytes, int]],
        number: int,
    ) -> list[Finding]:
        try:
            unpacker = self._unpackers.of(footer.pack)
            content = frames.unpack_by(unpacker, frame, block.size)
        except CorruptionError as error:
            detail = f"the block at {block.offset}: {error.message}"
            return [Finding(detail, range(number, number + block.objects))]
        found: list[tuple[bytes, int]] = []
        start = pack_format.header_length(block.objects)
        with memoryview(content) as view:
            for _, size in wanted:
                found.append((sha256(view[start : start + size]).digest(), size))
                start += size
        if found == wanted:
            return []
        pairs = enumerate(zip(found, wanted, strict=True), number)
        wrong = tuple(n for n, (is_there, expected) in pairs if is_there != expected)
        return [Finding(f"the block at {block.offset} has other bytes", wrong)]


def spans(pack: int, footer: Footer, stored: int = 2**18) -> Iterator[Span]:
    """Yield a pack's blocks in spans of about ``stored`` bytes, at least a block each."""
    first = size = begin = number = 0
    for last, block in enumerate(footer.blocks, 1):
        size += block.length
        number += block.objects
        if size >= stored or last == len(footer.blocks):
            yield Span(pack, first, last, begin)
            first, size, begin = last, 0, number


def open_large(blobs: BlobStore, stored: StoredObject) -> LargeReader:
    """Open a large file, held to the size that is recorded; MissingObject, IntegrityError."""
    from aivcs.services.large_read import LargeReader

    name = large_name(stored.digest)
    try:
        reader = LargeReader(blobs.open(name), stored.digest)
    except MissingObject as error:
        raise gone(stored.digest, name) from error
    if reader.size != stored.size:
        reader.close()
        raise damaged(stored.digest, name, f"{reader.size} bytes, {stored.size} recorded")
    return reader


def _finding(error: AivcsError, objects: range = range(0)) -> Finding:
    missing, unread = isinstance(error, MissingObject), isinstance(error, Unreadable)
    return Finding(error.message, objects, missing, unread)
