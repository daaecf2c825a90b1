"""The lease of a run: who may write to it, and from which epoch on.

An epoch is a number that grows with each taking. A write names the epoch under which it
was meant; one of an epoch that is over is fenced off, however late it arrives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from aivcs.domain.moment import text
from aivcs.domain.names import check_text
from aivcs.domain.run import invalid_state
from aivcs.domain.shown import shown
from aivcs.errors import Fenced, InvalidInputError

if TYPE_CHECKING:
    from aivcs.domain.log_writes import Claim
    from aivcs.domain.stream import Stream

MAX_HOLDER: Final = 256
MAX_SECONDS: Final = 366 * 86400
_DIGITS: Final = 20


@dataclass(frozen=True, slots=True)
class LeaseToken:
    """What a process hands to its children so that they write under its lease."""

    run_id: str
    epoch: int

    def __str__(self) -> str:
        """Return the text that ``parse`` reads: the epoch, a colon, the run."""
        return f"{self.epoch}:{self.run_id}"

    @classmethod
    def parse(cls, text: str) -> LeaseToken:
        """Read a token; InvalidInputError for what is none."""
        epoch, colon, run_id = text.partition(":")
        if colon and run_id and len(epoch) <= _DIGITS and epoch.isascii() and epoch.isdecimal():
            return cls(run_id, int(epoch))
        msg = f"not the token of a lease: {text!r:.80}"
        raise InvalidInputError(msg, hint="it is an epoch, a colon and a run: 1:RUN")


def check_seconds(seconds: object) -> float:
    """Return how long a lease is taken for; InvalidInputError unless above 0, up to a year."""
    # An integer of any size is compared, a float that is no number is not below anything.
    if (
        isinstance(seconds, int | float)
        and not isinstance(seconds, bool)
        and 0 < seconds <= MAX_SECONDS
    ):
        return seconds
    msg = f"no lease lasts {shown(seconds)} seconds"
    raise InvalidInputError(msg, hint=f"more than 0, up to {MAX_SECONDS}")


def check_epoch(stream: Stream, epoch: int | None) -> None:
    """Raise Fenced unless a write under ``epoch`` may change the stream.

    While somebody holds it, only his epoch; else a write without one, or under the last.
    A deadline that has passed changes nothing until somebody takes the lease or lets go.
    """
    if epoch is None:
        if stream.holder is not None:
            raise _held(stream)
    elif epoch != stream.epoch:
        raise _over(stream, epoch)


def claimed(stream: Stream, claim: Claim) -> Stream:
    """Return the head of a run after ``claim``.

    Raises InvalidRunState for a run that has ended, Fenced, InvalidInputError for a holder
    without a name or a taking without a deadline.
    """
    if stream.status is not None and stream.status.terminal:
        raise invalid_state(stream.name, stream.status)
    if not 0 < len(check_text("the holder", claim.holder) or "") <= MAX_HOLDER:
        msg = f"not the name of a holder: {shown(claim.holder)}"
        raise InvalidInputError(msg, hint=f"a text of 1 to {MAX_HOLDER} characters")
    if claim.epoch is None:
        return _taken(stream, claim)
    if claim.epoch != stream.epoch or claim.holder != stream.holder:
        raise _over(stream, claim.epoch)
    holder = None if claim.deadline is None else claim.holder
    return replace(stream, holder=holder, deadline=claim.deadline)


def _taken(stream: Stream, claim: Claim) -> Stream:
    if claim.deadline is None:
        msg = f"the lease of run {stream.name} is taken until some time"
        raise InvalidInputError(msg, hint="give a deadline")
    held = stream.deadline is not None and stream.deadline > claim.now
    if held and stream.holder != claim.holder:
        raise _held(stream)
    return replace(stream, epoch=stream.epoch + 1, holder=claim.holder, deadline=claim.deadline)


def _held(stream: Stream) -> Fenced:
    until = "" if stream.deadline is None else f" until {text(stream.deadline)}"
    msg = f"run {stream.name} is held by {stream.holder}{until} (epoch {stream.epoch})"
    return Fenced(
        msg,
        hint="its holder writes with epoch= or AIVCS_RUN_LEASE set; when that has passed, "
        "'aivcs run resume' takes it over",
    )


def _over(stream: Stream, epoch: int) -> Fenced:
    who = "nobody holds it now" if stream.holder is None else f"{stream.holder} holds it now"
    msg = f"run {stream.name} is at epoch {stream.epoch}, not {shown(epoch)}: {who}"
    return Fenced(msg, hint="'aivcs run resume' takes it, when nobody holds it any more")
