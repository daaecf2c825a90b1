"""What the gates say of a candidate for a release, before and while it is promoted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aivcs.errors import GateFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.domain.release import ReleaseMetadata, ReleaseRecord
    from aivcs.domain.spec import AgentSpec
    from aivcs.domain.verdict import Verdict


class Candidacy(NamedTuple):
    """A spec that somebody wants to promote; ``judged`` asks its gates, None without any."""

    name: str
    spec: AgentSpec
    metadata: ReleaseMetadata
    judged: Callable[[ReleaseRecord | None], Verdict | None]


class Rehearsal(NamedTuple):
    """What a promotion would do: to follow ``current``, if the ``verdict`` lets it."""

    name: str
    spec: AgentSpec
    metadata: ReleaseMetadata
    current: ReleaseRecord | None
    verdict: Verdict | None

    def check(self) -> None:
        """Raise GateFailed, with every violation, where promoting would."""
        check_passed(self.name, self.verdict)


def check_passed(name: str, verdict: Verdict | None) -> None:
    """Raise GateFailed, with every violation, unless all gates passed."""
    if verdict is None or verdict.passed:
        return
    msg = f"{name} was not promoted: {verdict.violations()}"
    raise GateFailed(msg, hint="mend what the gates found, then promote again")
