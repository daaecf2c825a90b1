"""What a ledger may be compared with: what was saved of it, or a checkpoint of a public log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.saved import Saved

if TYPE_CHECKING:
    from aivcs.domain.checkpoint import Checkpoint, SignedCheckpoint


def read_past(
    against: Saved | SignedCheckpoint | str | None,
) -> tuple[Saved | None, Checkpoint | None]:
    """Return what was saved, or the checkpoint; a text is told by its form.

    A proof stands for the checkpoint in it, whoever signed that. Raises InvalidInputError, and
    ProofInvalid for a text of several lines that is none of these.
    """
    if against is None or isinstance(against, Saved):
        return against, None
    if not isinstance(against, str):
        return None, against.checkpoint
    text = against.strip()
    if "\n" not in text or text.startswith("{"):
        return Saved.parse(against), None
    from aivcs.domain import log_proof
    from aivcs.domain.checkpoint import SignedCheckpoint

    if against.startswith(log_proof.HEADER):
        return None, log_proof.verify(against.encode(), None).checkpoint
    return None, SignedCheckpoint.parse(against.encode()).checkpoint
