"""Reading many objects: looked up by windows, read from packs in the order of their places."""

from __future__ import annotations

from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Final

from aivcs.domain.digest import Digest
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
    wanted = iter(digests)
    size = _LEAST
    while texts := list(islice(wanted, size)):
        window = Digest.parse_all(texts)
        found = objects.ledger.objects(window)
        yield from _ordered(objects, window, found)
        small = sum([row.size for row in found.values() if row.data is not None or row.place])
        size = min(_MOST, 4 * size) if small <= _BYTES else _LEAST


def _ordered(
    objects: CasStore, window: Sequence[Digest], found: Mapping[Digest, StoredObject]
) -> Iterator[tuple[Digest, bytes]]:
    # What is in neither cannot be read so, and is told when it is its turn.
    hot = _unpack_hot(found.values())
    ahead: dict[Digest, bytes] = {}
    for number, digest in enumerate(window):
        content = hot.get(digest)
        if content is None:
            content = ahead.get(digest)
        if content is None:
            stored = found.get(digest)
            if stored is None:
                raise absent(digest, objects.ledger)
            if stored.place is not None:
                ahead = _read_ahead(objects, [found[d] for d in window[number:] if d in found])
                content = ahead.get(digest)
            if content is None:
                content = objects.read(stored)
        yield digest, content


def _unpack_hot(rows: Iterable[StoredObject]) -> dict[Digest, bytes]:
    """Return the content of hot objects that are packed, those that are not damaged."""
    packed = [row for row in rows if row.data and row.codec and row.size]
    data = [row.data or b"" for row in packed]
    contents = frames.unpack_all(data, [row.size for row in packed]) if packed else None
    if contents is None:
        return {}
    found = [sha256(content).digest() for content in contents]
    names = [row.digest for row in packed]
    if found == [name.raw for name in names]:
        return dict(zip(names, contents, strict=True))
    triples = zip(names, found, contents, strict=True)
    return {name: content for name, raw, content in triples if raw == name.raw}


def _read_ahead(objects: CasStore, rows: Iterable[StoredObject]) -> dict[Digest, bytes]:
    """Return the content of the next sealed objects, about 4 MiB."""
    placed = []
    weight = 0
    for row in rows:
        if row.place is not None:
            placed.append(row)
            weight += row.size
            if weight >= _BYTES:
                break
    return objects.packs.read_all(placed)
