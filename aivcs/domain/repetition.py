"""An append that bears a key happens once; repeated, it answers as it did the first time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.errors import ConflictError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aivcs.domain.log_writes import Append
    from aivcs.domain.stream import Entry

MAX_KEY: Final = 256


def check_key(append: Append) -> None:
    """Refuse a key that cannot be kept, and drafts that it cannot stand for.

    Raises InvalidInputError.
    """
    if append.key is None:
        return
    if not 0 < len(append.key) <= MAX_KEY or "\0" in append.key:
        msg = f"not an idempotency key: {append.key!r:.80}"
        raise InvalidInputError(msg, hint=f"a text of 1 to {MAX_KEY} characters")
    if not append.drafts or any(draft.seq is not None for draft in append.drafts):
        msg = f"the key {append.key!r:.80} stands for events that take the next seqs"
        raise InvalidInputError(msg, hint="leave the seqs out, or the key")


def repeated(append: Append, stored: Iterable[Entry]) -> tuple[int, ...]:
    """Return the seqs of the entries that were stored under the append's key.

    ConflictError unless they are of the same kinds and bodies; an erased one never is.
    """
    first = list(stored)
    before = [(entry.kind, entry.body, entry.object) for entry in first]
    if before != [(draft.kind, draft.body, draft.object) for draft in append.drafts]:
        log = f"{append.family.value} {append.name}"
        msg = f"the key {append.key!r:.80} was used for other events of {log}"
        raise ConflictError(msg, hint="use a new key for new events")
    return tuple(entry.seq for entry in first)
