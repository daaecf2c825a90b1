"""From typed events to what a batch says of them: entries, moves, and the end of the run."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aivcs.domain.batch import Role
from aivcs.domain.commitment import SALT_SIZE
from aivcs.domain.digest import Digest
from aivcs.domain.ending import ENDS
from aivcs.domain.executions import facts, lifecycle
from aivcs.domain.executions.data import ExecutionEventData
from aivcs.domain.executions.parsing import event_from_dict
from aivcs.errors import InvalidDigest, InvalidEvent, InvalidInputError, InvalidRunState
from aivcs.services import bodies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from aivcs.domain.execution import Action
    from aivcs.domain.log_writes import Draft
    from aivcs.domain.run import RunStatus
    from aivcs.domain.stored import StoredObject
    from aivcs.ports import Salts
    from aivcs.services.objects import CasStore

STATUSES: Final[Mapping[Action, RunStatus]] = MappingProxyType(
    {action: status for status, action in ENDS.items()}
)
"""The status that each action of an ending event leads to."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """Events as they go into a batch, and the one that ends the execution, if any.

    ``named`` are the digests that artifacts and checkpoints among them give.
    """

    drafts: tuple[Draft, ...]
    objects: tuple[StoredObject, ...]
    named: tuple[tuple[Digest, Role], ...]
    end: ExecutionEventData | None


def draft_events(
    objects: CasStore,
    events: Iterable[ExecutionEventData | Mapping[str, object]],
    now: datetime,
    salts: Salts,
) -> Drafted:
    """Encode events that happen ``now``, each a typed value or an object tagged ``type``.

    Raises InvalidEvent, naming the field, InvalidInputError when there is none, and
    InvalidRunState for an event behind one that ends the execution.
    """
    drafts: list[Draft] = []
    stored: list[StoredObject] = []
    named: list[tuple[Digest, Role]] = []
    end: ExecutionEventData | None = None
    for given in events:
        event = given if isinstance(given, ExecutionEventData) else event_from_dict(given)
        if end is not None:
            msg = f"an event of kind {event.type} stands behind {end.type}, which ends it all"
            raise InvalidRunState(msg, hint="nothing may follow the end, in one batch neither")
        end = event if event.ACTION in STATUSES else None
        draft, body = _draft(objects, event, now, salts, moves=end is None)
        drafts.append(draft)
        stored.extend(() if body is None else (body,))
        named.extend(_named(event))
    if not drafts:
        msg = "a batch of events is empty"
        raise InvalidInputError(msg, hint="append one event or more")
    return Drafted(tuple(drafts), tuple(stored), tuple(named), end)


def _draft(
    objects: CasStore, event: ExecutionEventData, now: datetime, salts: Salts, *, moves: bool
) -> tuple[Draft, StoredObject | None]:
    """Encode one event; one that ends the execution moves it by the end beside it instead."""
    try:
        return bodies.draft(
            objects,
            event.type,
            event.payload(),
            None,
            now,
            salt=salts(SALT_SIZE),
            action=event.ACTION if moves else None,
            wait=event.reason if isinstance(event, lifecycle.ExecutionWaiting) else None,
        )
    except InvalidEvent as error:
        msg = f"an event of kind {event.type}: {error.message}"
        raise InvalidEvent(msg, hint=error.hint) from error


def _named(event: ExecutionEventData) -> Iterator[tuple[Digest, Role]]:
    """Yield the digest that an artifact or a checkpoint gives, unless its hash is another."""
    if isinstance(event, facts.ArtifactStored):
        text, role = event.content_hash, Role.ARTIFACT
    elif isinstance(event, facts.CheckpointSaved):
        text, role = event.state_hash, Role.CHECKPOINT
    else:
        return
    with suppress(InvalidDigest):
        yield Digest.parse(text), role
