"""From a ledger's rows of objects in SQL to values."""

from __future__ import annotations

from functools import lru_cache, wraps
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from aivcs.domain.digest import Digest
from aivcs.domain.stored import Block, Codec, Pack, Place, StoredObject
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PACK: Final = "p.digest, p.size, p.objects, p.dictionary_offset, p.dictionary_length"
BLOCK: Final = f'b."offset", b.length, b.size, {PACK}'
PLACE: Final = f"s.start, {BLOCK}"
_PLAIN: Final = 4
_NO_BLOCK: Final = (None,) * 8
# A damaged page can hand out what the tables' own rules would never have let in.
_MISTYPED: Final = "a cell has another type than its column"
_CODECS: Final = {int(codec): codec for codec in Codec}
SEALED: Final = "sealed s LEFT JOIN blocks b ON b.id = s.block LEFT JOIN packs p ON p.id = b.pack"
"""Left joins: an object whose block is not listed is damaged, not absent."""

T = TypeVar("T")
Row: TypeAlias = tuple[Any, ...]


def decoding(make: Callable[[Row], T]) -> Callable[[Row], T]:
    """Raise what a value of a row cannot be as CorruptionError: somebody edited the file."""

    @wraps(make)
    def made(row: Row) -> T:
        try:
            return make(row)
        except (ValueError, TypeError, OverflowError) as error:
            msg = f"a row of the ledger is no {make.__name__}: {error} (it begins {row[:2]})"
            raise CorruptionError(msg, hint="restore the file from a copy") from error

    return made


def _check_numbers(row: Row) -> None:
    if any(type(cell) is not int for cell in row):
        raise TypeError(_MISTYPED)


def _check_content(size: object, data: object) -> None:
    if type(size) is not int or not (data is None or type(data) is bytes):
        raise TypeError(_MISTYPED)


@decoding
def key(row: Row) -> Digest:
    """Return the digest of a row that begins with one."""
    return Digest(row[0])


@decoding
@lru_cache(maxsize=256)
def pack(row: Row) -> Pack:
    """Return the pack of a row of PACK's columns; few packs hold many objects."""
    _check_numbers(row[1:])
    return Pack(Digest(row[0]), *row[1:])


@lru_cache(maxsize=4096)
def _block(row: Row) -> Block:
    _check_numbers(row[:3])
    return Block(pack(row[3:]), *row[:3])


def stored(row: Row) -> StoredObject:
    """Return the object of a row (digest, size, codec, data), with PLACE's columns or without."""
    found, size, codec, data = row[:4]
    try:
        _check_content(size, data)
        if data is not None or len(row) == _PLAIN or row[4] is None:
            return StoredObject(Digest(found), size, _CODECS[codec], data)
        _check_numbers(row[4:5])
        return StoredObject(Digest(found), size, Codec.ZSTD, None, Place(_block(row[5:]), row[4]))
    except (ValueError, LookupError, TypeError, CorruptionError) as error:
        name = found.hex() if isinstance(found, bytes) else repr(found)
        wrong = f"{codec} is not a valid Codec" if isinstance(error, KeyError) else error
        msg = f"the row of object {name} cannot be: {wrong}"
        raise CorruptionError(msg, hint="'aivcs verify' says more") from error


def hot(found: Sequence[Row]) -> list[StoredObject]:
    """Return the objects of rows (digest, size, codec, data), without a step for each."""
    if not found:
        return []
    raws, sizes, codecs, data = zip(*found, strict=True)
    sound = set(map(type, sizes)) == {int} and set(map(type, data)) == {bytes}
    if not sound or set(map(type, codecs)) != {int} or not _CODECS.keys() >= set(codecs):
        return [stored(row) for row in found]
    try:
        named = Digest.of_raw(raws)
    except ValueError:
        return [stored(row) for row in found]
    kinds = map(_CODECS.__getitem__, codecs)
    cells = zip(named, sizes, kinds, data, repeat(None))
    return list(map(tuple.__new__, repeat(StoredObject), cells))


def sealed(found: Sequence[Row], blocks: Mapping[int, Row]) -> list[StoredObject]:
    """Return the objects of rows (digest, size, start, block's number).

    ``blocks`` are rows of BLOCK's columns by number; an object without one is damaged.
    """
    try:
        made = {number: _block(row) for number, row in blocks.items()}
        raws, sizes, starts, numbers = zip(*found, strict=True) if found else ((),) * 4
        if set(map(type, sizes + starts)) <= {int}:
            at = zip(map(made.__getitem__, numbers), starts, strict=True)
            places = map(tuple.__new__, repeat(Place), at)
            named = Digest.of_raw(raws)
            cells = zip(named, sizes, repeat(Codec.ZSTD), repeat(None), places)
            return list(map(tuple.__new__, repeat(StoredObject), cells))
    except (ValueError, LookupError, TypeError, CorruptionError):
        pass  # told of the first row that cannot be
    return [
        stored((raw, size, 1, None, start, *blocks.get(number, _NO_BLOCK)))
        for raw, size, start, number in found
    ]
