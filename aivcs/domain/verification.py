"""What a verification is asked to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aivcs.domain.report import Depth
from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from aivcs.domain.checkpoint import Checkpoint
    from aivcs.domain.saved import Saved

_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Scope:
    """Which parts, and how much of them.

    ``percent`` of the content is read in a sample, chosen by ``seed``; ``seconds`` end it
    early. ``resume`` leaves out what an interrupted verification has read. ``incremental``
    reads what the logs got since the last time. ``against`` is what the logs must still hold;
    ``keep`` asks for what they hold now. ``checkpoint`` is one of a public log that it must have
    grown out of.
    """

    objects: bool = True
    runs: bool = True
    releases: bool = True
    depth: Depth = Depth.BYTES
    percent: float = 100.0
    seconds: float | None = None
    seed: int = 0
    resume: bool = False
    incremental: bool = False
    against: Saved | None = None
    keep: bool = False
    checkpoint: Checkpoint | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself, with InvalidInputError."""
        if not 0 < self.percent <= _PERCENT:
            msg = f"not a share to sample: {self.percent:g} %"
            raise InvalidInputError(msg, hint="more than 0, at most 100")
        if self.seconds is not None and not self.seconds > 0:
            msg = f"not a time to spend: {self.seconds:g} seconds"
            raise InvalidInputError(msg, hint="a number of seconds above 0")
        if self.resume and self.depth is not Depth.BYTES:
            msg = "only a verification of every byte can be resumed"
            raise InvalidInputError(msg, hint="leave out the other options")
        past = self.against is not None or self.keep or self.checkpoint is not None
        all_logs = self.runs and self.releases and self.depth is Depth.BYTES
        if (past or self.incremental) and not (all_logs and not (past and self.incremental)):
            msg = "what is new, or was saved, is asked of all logs, each by itself"
            raise InvalidInputError(msg, hint="leave out the other options")


def scope(  # noqa: PLR0913 - what may be asked
    *,
    objects: bool,
    runs: bool,
    releases: bool,
    structure: bool,
    sample: float | None,
    within: float | None,
    seed: int,
    resume: bool,
    incremental: bool = False,
    against: Saved | None = None,
    keep: bool = False,
    checkpoint: Checkpoint | None = None,
) -> Scope:
    """Return the scope of what somebody asked for; InvalidInputError.

    ``sample`` is in percent, ``within`` in seconds.
    """
    sampled = sample is not None or within is not None
    if structure and sampled:
        msg = "the structure has no content to sample"
        raise InvalidInputError(msg, hint="ask for one of them")
    depth = Depth.STRUCTURE if structure else Depth.SAMPLE if sampled else Depth.BYTES
    percent = 100.0 if sample is None else sample
    return Scope(
        objects=objects and not incremental,
        runs=runs,
        releases=releases,
        depth=depth,
        percent=percent,
        seconds=within,
        seed=seed,
        resume=resume,
        incremental=incremental,
        against=against,
        keep=keep,
        checkpoint=checkpoint,
    )
