"""Bodies of entries: short ones stay in the row, long ones become objects."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from aivcs.domain import jsontext
from aivcs.domain.commitment import SALT_SIZE
from aivcs.domain.log_writes import Draft
from aivcs.domain.moment import as_utc
from aivcs.errors import InvalidEvent, InvalidInputError, MissingObject, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from aivcs.domain.canonical import Json
    from aivcs.domain.events import RunEvent
    from aivcs.domain.execution import Action, WaitReason
    from aivcs.domain.stored import StoredObject
    from aivcs.domain.stream import Entry
    from aivcs.ports import Salts
    from aivcs.services.objects import CasStore

INLINE_LIMIT: Final = 4096
"""The longest body, in bytes, that is kept in the row itself."""
_SURELY_INLINE: Final = INLINE_LIMIT // 4
_PAGE: Final = 500
_MANY: Final = 20


def encoder(count: int = _MANY) -> Callable[[object], str]:
    """Return what encodes the payloads of so many events soonest."""
    if count < _MANY:
        return jsontext.encode
    from aivcs.domain.quickjson import encode

    return encode


def drawn(salts: Salts, count: int) -> list[bytes]:
    """Return salts for some entries, all drawn at once."""
    found = salts(SALT_SIZE * count) if count else b""
    return [found[start : start + SALT_SIZE] for start in range(0, SALT_SIZE * count, SALT_SIZE)]


def drafts(
    objects: CasStore, events: Sequence[RunEvent], now: datetime, salts: Sequence[bytes]
) -> tuple[tuple[Draft, ...], list[StoredObject]]:
    """Encode events of kinds that were checked, as ``draft`` does each, with a salt for each."""
    made: list[Draft] = []
    stored: list[StoredObject] = []
    encode = encoder(len(events))
    for event, salt in zip(events, salts, strict=True):
        body = encode(event.payload)
        moment = now if event.timestamp is None else _moment(event.timestamp)
        # What Draft does with as many arguments, at a third of the price: each event has one.
        cells = (event.kind, body, None, moment, now, salt, event.seq, None, None)
        if len(body) <= _SURELY_INLINE or (long := _long(objects, body)) is None:
            made.append(tuple.__new__(Draft, cells))
        else:
            made.append(Draft(event.kind, None, long.digest, *cells[3:]))
            stored.append(long)
    return tuple(made), stored


def draft(  # noqa: PLR0913, PLR0917 - one argument a cell
    objects: CasStore,
    kind: str,
    payload: object,
    timestamp: datetime | None,
    now: datetime,
    salt: bytes,
    seq: int | None = None,
    action: Action | None = None,
    wait: WaitReason | None = None,
    encode: Callable[[object], str] = jsontext.encode,
) -> tuple[Draft, StoredObject | None]:
    """Encode an entry; a long body comes back as the object that must land with it.

    Without a timestamp the entry bears ``now``. ``salt`` is of SALT_SIZE bytes. Raises
    InvalidEvent for what JSON or the calendar cannot hold.
    """
    body = encode(payload)
    moment = now if timestamp is None else _moment(timestamp)
    if len(body) <= _SURELY_INLINE or (long := _long(objects, body)) is None:
        cells = (kind, body, None, moment, now, salt, seq, action, wait)
        return tuple.__new__(Draft, cells), None
    return Draft(kind, None, long.digest, moment, now, salt, seq, action, wait), long


def _moment(timestamp: datetime) -> datetime:
    try:
        return as_utc(timestamp)
    except InvalidInputError as error:
        raise InvalidEvent(error.message, hint=error.hint) from error


def _long(objects: CasStore, body: str) -> StoredObject | None:
    """Return the object that a body becomes which is too long for its row."""
    data = body.encode()
    return None if len(data) <= INLINE_LIMIT else objects.prepare(data)


def payloads(objects: CasStore, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Json]]:
    """Yield each entry with its decoded body, fetching long bodies in bulk.

    Raises MissingObject naming the entry whose body is gone, IntegrityError for a body
    whose bytes changed.
    """
    source = iter(entries)
    while page := list(islice(source, _PAGE)):
        wanted = list(dict.fromkeys(entry.object for entry in page if entry.object))
        try:
            long = dict(objects.get_many(wanted))
        except NotFound as error:
            msg = f"the body of an entry is gone: {error.message}"
            raise MissingObject(msg, hint="'aivcs verify' names what is affected") from error
        for entry in page:
            text = long[entry.object] if entry.object else entry.body
            yield entry, jsontext.decode(text if text is not None else "null")
