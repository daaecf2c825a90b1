"""A log as it is published: which one, how far, and what its checkpoint says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from aivcs.domain.checkpoint import SignedCheckpoint

RELEASES: Final = "releases"
RUNS: Final = "runs"
LOGS: Final = (RELEASES, RUNS)
"""The names of the public logs."""

LOCAL: Final = "aivcs.local"
"""What the name of a log begins with that nobody gave one."""

CHECKPOINT: Final = "checkpoint"
"""The path of a log's checkpoint beside its tiles."""

UNSIGNED: Final = "unsigned: integrity only, nobody vouches for this log"
"""What a checkpoint without signatures says of itself, in a line of its own."""


class Published(NamedTuple):
    """What was published of the log ``log``; ``added`` entries are new."""

    log: str
    checkpoint: SignedCheckpoint
    added: int

    @property
    def signed(self) -> bool:
        """Whether anybody signed it."""
        return bool(self.checkpoint.note.signatures)


def log_origin(base: str, log: str) -> str:
    """Return the origin of a log, which is its name for all the world."""
    return f"{base}/{log}"
