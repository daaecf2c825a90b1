"""What is left of an entry whose body is erased: enough for the tree, nothing of the body."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from aivcs.domain.commitment import commitment
from aivcs.domain.run import RunStatus
from aivcs.errors import InvalidInputError, InvalidRunState

if TYPE_CHECKING:
    from aivcs.domain.stream import Entry, Stream


def check_erasable(stream: Stream) -> None:
    """Raise InvalidRunState for a run that has not ended."""
    if stream.status is RunStatus.RUNNING:
        msg = f"run {stream.name} is RUNNING and needs its events"
        raise InvalidRunState(msg, hint="bodies are erased when the run has ended")


def erased(entry: Entry) -> Entry:
    """Return the entry without body, object and salt; one that is erased comes back as it is."""
    if entry.commitment is not None or entry.salt is None:
        return entry
    digest = entry.object.raw if entry.object else sha256((entry.body or "").encode()).digest()
    kept = commitment(entry.salt, digest)
    return replace(entry, body=None, object=None, salt=None, commitment=kept)


def no_event(stream: Stream, seq: int) -> InvalidInputError:
    """Return the error for a seq that the run does not have."""
    msg = f"run {stream.name} has no event {seq}"
    return InvalidInputError(msg, hint=f"its log goes up to {stream.size}")
