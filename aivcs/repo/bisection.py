"""The call that bisects releases, over the parts of a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.repo.surroundings import observed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from functools import cached_property
    from pathlib import Path

    from aivcs.domain.bisect import Bisection, BisectTerms, Evaluation
    from aivcs.domain.digest import Digest
    from aivcs.ports import Clock
    from aivcs.services.bisect_checks import Check, EvidenceCheck
    from aivcs.services.evidence import EvidenceStore
    from aivcs.services.objects import CasStore
    from aivcs.services.releases import ReleaseRegistry
    from aivcs.services.runs import RunLedger
    from aivcs.services.specs import SpecStore


class Bisecting:
    """Bisecting, over the parts of a repository."""

    folder: Path | None
    clock: Clock
    objects: CasStore

    if TYPE_CHECKING:

        @cached_property
        def specs(self) -> SpecStore:
            """What agents consist of."""

        @cached_property
        def releases(self) -> ReleaseRegistry:
            """The releases of agents."""

        @cached_property
        def runs(self) -> RunLedger:
            """The runs and their events."""

        @cached_property
        def evidence(self) -> EvidenceStore:
            """The evaluations that were recorded of specs."""

    def bisect(  # noqa: PLR0913 - what there is to say about a bisection
        self,
        name: str,
        check: Callable[[Digest], bool | None] | Sequence[str] | EvidenceCheck,
        *,
        good: int | str | Digest,
        bad: int | str | Digest | None = None,
        terms: BisectTerms | None = None,
        restart: bool = False,
        tell: Callable[[Evaluation], None] = lambda _: None,
    ) -> Bisection:
        """Find the release from which on an agent is bad, and what in it makes it so.

        ``good`` and ``bad`` are a seq, a label or a digest; ``bad`` None is the current
        release. ``check`` is a function of a spec's digest (True good, False bad, None cannot
        tell), a command (exit status 0, 1 to 127, 125) that is run in a folder with the spec's
        files, or ``evidence_check()``. ``terms`` say how far it can be trusted. Each answer is
        recorded in a run before the next question; interrupted and called again, it goes on
        from there, with ``restart`` from the beginning. Raises ReleaseNotFound, AmbiguousId,
        InvalidInputError, CheckAborted, SequenceConflict, StorageError, what ``check`` raises.
        """
        from aivcs.domain.bisect import BisectTerms
        from aivcs.services.bisecting import Bisector

        bisector = Bisector(self.releases, self.specs, self.runs, self.objects, self.clock)
        return bisector.bisect(
            name,
            self._check(check),
            good=good,
            bad=bad,
            terms=BisectTerms() if terms is None else terms,
            environment=observed(),
            restart=restart,
            tell=tell,
        )

    def evidence_check(
        self, suite: str | None = None, min_pass_rate: float | None = None
    ) -> EvidenceCheck:
        """Return the check for ``bisect`` that reads recorded evaluations.

        Of ``suite`` or of all. A spec is good when its pass rate is ``min_pass_rate`` or more,
        without one when every trial passed. Raises InvalidInputError for no pass rate.
        """
        from aivcs.services.bisect_checks import EvidenceCheck

        return EvidenceCheck(self.evidence.of, suite, min_pass_rate)

    def _check(
        self, check: Callable[[Digest], bool | None] | Sequence[str] | EvidenceCheck
    ) -> Check:
        from aivcs.services.bisect_checks import CallCheck, CommandCheck, EvidenceCheck

        if isinstance(check, EvidenceCheck):
            return check
        if callable(check):
            return CallCheck(check)
        from aivcs.adapters.command import checking

        argv = checking.found_here(check)
        here = {} if self.folder is None else {"AIVCS_DIR": str(self.folder)}

        def run(digest: Digest) -> int:
            environment = {**here, "AIVCS_SPEC": str(digest)}
            return checking.exit_status(
                argv, lambda folder: self.specs.checkout(digest, folder), environment
            )

        return CommandCheck(argv, run)
