"""Why an object is kept: which row of the ledger, or which live process, names it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aivcs.domain.digest import Digest


class UseKind(StrEnum):
    """What an object is for."""

    PIN = "pin"
    LEASE = "lease"
    EVENT = "event"
    RELEASE = "release"
    SOURCE = "source"
    ARTIFACT = "artifact"
    CHECKPOINT = "checkpoint"
    STATE = "state"
    SPEC = "spec"
    MANIFEST = "manifest"


LET_GO: Final = frozenset({UseKind.SOURCE, UseKind.ARTIFACT, UseKind.CHECKPOINT, UseKind.STATE})
"""What of a run is no longer kept once it has expired; its log stays."""


@dataclass(frozen=True, slots=True)
class Use:
    """One reason to keep an object.

    ``owner`` is the id of the run, the name of the released agent, the digest of the spec,
    what is known of the process that holds a lease, or empty for a pin. ``agent`` is the
    name of the agent where there is one, ``seq`` the number of the entry whose body it is.
    An ``expired`` use is one that retention let go: it keeps nothing.
    """

    digest: Digest
    kind: UseKind
    owner: str = ""
    agent: str | None = None
    seq: int | None = None
    expired: bool = False

    @property
    def is_of_run(self) -> bool:
        """Whether it is a run that needs the object."""
        return self.kind is UseKind.EVENT or self.kind in LET_GO

    def __str__(self) -> str:
        """Return the use as a person says it."""
        match self.kind:
            case UseKind.PIN:
                return "pinned"
            case UseKind.LEASE:
                return f"held by {self.owner}"
            case UseKind.EVENT | UseKind.RELEASE:
                family = "run" if self.kind is UseKind.EVENT else "release"
                return f"body of {family} {self.owner} #{self.seq}"
            case UseKind.SPEC:
                return f"document of spec {self.owner[:12]} ({self.agent})"
            case UseKind.MANIFEST:
                return f"manifest of spec {self.owner[:12]} ({self.agent})"
            case _:
                word = "final state" if self.kind is UseKind.STATE else self.kind.value
                return f"{word} of run {self.owner}"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an object is kept: what kind of reason, the id of what keeps it, a sentence."""

    kind: str
    id: str
    detail: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What keeps an object, and which expired runs do so no more.

    ``stored`` tells whether it is there at all.
    """

    digest: Digest
    stored: bool
    reasons: tuple[Reason, ...]
    let_go: tuple[Reason, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether a collection leaves it."""
        return bool(self.reasons)
