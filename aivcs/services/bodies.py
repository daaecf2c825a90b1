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
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from aivcs.domain.canonical import Json
    from aivcs.domain.execution import Action, WaitReason
    from aivcs.domain.stored import StoredObject
    from aivcs.domain.stream import Entry
    from aivcs.ports import Salts
    from aivcs.services.objects import CasStore

INLINE_LIMIT: Final = 4096
"""The longest body, in bytes, that is kept in the row itself."""
_SURELY_INLINE: Final = INLINE_LIMIT // 4
_PAGE: Final = 500


def drawn(salts: Salts, count: int) -> list[bytes]:
    """Return salts for some entries, all drawn at once."""
    found = salts(SALT_SIZE * count) if count else b""
    return [found[start : start + SALT_SIZE] for start in range(0, SALT_SIZE * count, SALT_SIZE)]


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
) -> tuple[Draft, StoredObject | None]:
    """Encode an entry; a long body comes back as the object that must land with it.

    Without a timestamp the entry bears ``now``. ``salt`` is of SALT_SIZE bytes. Raises
    InvalidEvent for what JSON or the calendar cannot hold.
    """
    body = jsontext.encode(payload)
    try:
        moment = now if timestamp is None else as_utc(timestamp)
    except InvalidInputError as error:
        raise InvalidEvent(error.message, hint=error.hint) from error
    if len(body) <= _SURELY_INLINE or len(data := body.encode()) <= INLINE_LIMIT:
        # What Draft does with as many arguments, at a third of the price: each event has one.
        cells = (kind, body, None, moment, now, salt, seq, action, wait)
        return tuple.__new__(Draft, cells), None
    stored = objects.prepare(data)
    named = stored.digest
    return Draft(kind, None, named, moment, now, salt, seq, action, wait), stored


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
