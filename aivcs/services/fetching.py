"""Reading many objects: looked up by windows, read from packs in the order of their places."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Final

from aivcs.domain.digest import Digest
from aivcs.domain.stored import Codec, Tier
from aivcs.errors import CorruptionError
from aivcs.services import frames
from aivcs.services.damage import absent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aivcs.domain.stored import StoredObject
    from aivcs.services.objects import CasStore

_LEAST: Final = 100
_MOST: Final = 1000
_BYTES: Final = 4 * 2**20


def fetch(objects: CasStore, digests: Iterable[Digest | str]) -> Iterator[tuple[Digest, bytes]]:
    """Yield (digest, bytes) in the order asked; raises like ``CasStore.get``.

    A window has 100 to 1000 objects: the more, the shorter those before were. About 4 MiB
    from packs are in memory, and one large object.
    """
    wanted = map(Digest.parse, digests)
    size = _LEAST
    while window := list(islice(wanted, size)):
        found = objects.ledger.objects(window)
        yield from _ordered(objects, window, found)
        small = sum(row.size for row in found.values() if row.tier is not Tier.LARGE)
        size = min(_MOST, 2 * size) if small <= _BYTES else _LEAST


def _ordered(
    objects: CasStore, window: Sequence[Digest], found: Mapping[Digest, StoredObject]
) -> Iterator[tuple[Digest, bytes]]:
    hot = _unpack_hot(found.values())
    ahead: dict[Digest, bytes] = {}
    for number, digest in enumerate(window):
        stored = found.get(digest)
        if stored is None:
            raise absent(digest, objects.ledger)
        if stored.place is None:
            content = hot.get(digest)
            yield digest, objects.read(stored) if content is None else content
            continue
        if digest not in ahead:
            ahead = _read_ahead(objects, [found[d] for d in window[number:] if d in found])
        content = ahead.get(digest)
        yield digest, objects.read(stored) if content is None else content


def _unpack_hot(rows: Iterable[StoredObject]) -> dict[Digest, bytes]:
    """Return the content of hot objects that are packed, those that are not damaged."""
    packed = [row for row in rows if row.data and row.codec is Codec.ZSTD and row.size]
    frames_of = [row.data or b"" for row in packed]
    contents = frames.unpack_all(frames_of, [row.size for row in packed]) if packed else None
    if contents is None:
        return {}
    pairs = zip(packed, contents, strict=True)
    return {
        row.digest: content for row, content in pairs if sha256(content).digest() == row.digest.raw
    }


def _read_ahead(objects: CasStore, rows: Iterable[StoredObject]) -> dict[Digest, bytes]:
    """Return the content of the next sealed objects, about 4 MiB."""
    placed = []
    weight = 0
    for row in rows:
        if row.place is None:
            continue
        block = row.place.block
        placed.append((block.pack.digest, block.offset, row.place.start, row))
        weight += row.size
        if weight >= _BYTES:
            break
    contents: dict[Digest, bytes] = {}
    for *_, row in sorted(placed, key=lambda item: item[:3]):
        # One that cannot be read is told when it is its turn.
        with suppress(CorruptionError):
            contents[row.digest] = objects.read(row)
    return contents
