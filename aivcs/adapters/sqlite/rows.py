"""From the ledger's rows of objects to values."""

from __future__ import annotations

from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from aivcs.domain.digest import Digest
from aivcs.domain.stored import Block, Codec, Pack, Place, StoredObject
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Callable

PACK: Final = "p.digest, p.size, p.objects, p.dictionary_offset, p.dictionary_length"
PLACE: Final = f"s.start, b.offset, b.length, b.size, {PACK}"
_PLAIN: Final = 4
# A damaged page can hand out what the tables' own rules would never have let in.
_MISTYPED: Final = "a cell has another type than its column"
_CODECS: Final = {int(codec): codec for codec in Codec}
NO_PLACE: Final = "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"
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
