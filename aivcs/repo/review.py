"""The calls that read runs again: replayed, compared, watched, and as traces in a folder."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from aivcs.repo.surroundings import pause

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from aivcs.domain.digest import Digest
    from aivcs.domain.events import RunEvent
    from aivcs.domain.replay import ResumePoint
    from aivcs.domain.run import RunId
    from aivcs.domain.rundiff import RunDiff
    from aivcs.domain.trace import TraceArtifact
    from aivcs.ports import Clock, Ledger, Pause
    from aivcs.services.objects import CasStore
    from aivcs.services.replaying import Replay, Replayer
    from aivcs.services.runs import RunLedger


class Review:
    """Replaying, comparing and following runs, over the parts of a repository."""

    clock: Clock
    objects: CasStore
    _ledger: Ledger

    if TYPE_CHECKING:

        @cached_property
        def runs(self) -> RunLedger:
            """The runs and their events."""

    @cached_property
    def _replayer(self) -> Replayer:
        from aivcs.services.replaying import Replayer

        return Replayer(self._ledger, self.objects, self.runs)

    def replay(self, run_id: RunId | str) -> Replay:
        """Return what a run's events add up to, with their digests; it may be RUNNING.

        Raises RunNotFound, MissingObject, IntegrityError.
        """
        return self._replayer.replay(run_id)

    def replay_digest(self, run_id: RunId | str) -> Digest:
        """Return the SHA-256 of a run's events, times and all. Raises as ``replay``."""
        return self._replayer.replay_digest(run_id)

    def behaviour_digest(self, run_id: RunId | str) -> Digest:
        """Return the SHA-256 of what a run's events say, whenever it happened."""
        return self._replayer.behaviour_digest(run_id)

    def verify_spec_digest(self, run_id: RunId | str, expected: Digest | str) -> None:
        """Raise DigestMismatch unless the run is one of the spec ``expected``."""
        self._replayer.verify_spec_digest(run_id, expected)

    def find_resume_point(self, run_id: RunId | str) -> ResumePoint | None:
        """Return a run's last checkpoint, with the events up to it and since, or None.

        Raises RunNotFound, InvalidEvent for a last checkpoint that names no node.
        """
        return self._replayer.find_resume_point(run_id)

    def diff_runs(
        self, a: RunId | str, b: RunId | str, *, pointers: Sequence[str] | None = None
    ) -> RunDiff:
        """Return in what run ``b`` differs from run ``a``, and where first.

        Compared are tool calls, ways, final states and metrics; ``pointers`` (RFC 6901) say
        which parts of the states. Raises RunNotFound, InvalidInputError for another text.
        """
        return self._replayer.diff(a, b, pointers)

    def watch(
        self,
        run_id: RunId | str,
        after: int = 0,
        *,
        kinds: Collection[str] = (),
        pause: Pause = pause,
    ) -> Iterator[RunEvent]:
        """Yield events with seq > ``after`` as they land, until the run has ended.

        Of ``kinds`` if any are given. Early events come when their gap is closed. Raises
        RunNotFound, InvalidInputError.
        """
        from aivcs.domain.counting import integer
        from aivcs.domain.several import several
        from aivcs.services import following
        from aivcs.services.reading import event_of

        kinds = several(kinds, "kinds")
        first = max(0, integer("after", after))
        parts = self._ledger, self.objects, str(run_id)
        for entry, payload in following.follow(*parts, after=first, pause=pause):
            if not kinds or entry.kind in kinds:
                yield event_of(entry, payload)

    def write_trace(self, run_id: RunId | str, folder: str | os.PathLike[str]) -> Path:
        """Write a run with its events and their digest below ``folder``; return where.

        Raises RunNotFound, StorageError.
        """
        from aivcs.adapters.trace_folder import TraceFolder

        return TraceFolder(folder).write(self._replayer.trace(run_id))

    def read_trace(self, run_id: RunId | str, folder: str | os.PathLike[str]) -> TraceArtifact:
        """Read what ``write_trace`` wrote, and check it.

        Raises NotFoundError, DigestMismatch, InvalidSource, StorageError.
        """
        from aivcs.adapters.trace_folder import TraceFolder

        return TraceFolder(folder).read(str(run_id))

    def prune_traces(
        self,
        folder: str | os.PathLike[str],
        *,
        max_age_days: int | None = None,
        max_runs: int | None = None,
    ) -> int:
        """Remove traces of runs that began too long ago or are too many; return how many.

        A trace that cannot be read stays. Raises StorageError.
        """
        from aivcs.adapters.trace_folder import TraceFolder
        from aivcs.domain.trace import TraceRetention

        return TraceFolder(folder).prune(TraceRetention(max_age_days, max_runs), self.clock())

    def trace(self, run_id: RunId | str) -> TraceArtifact:
        """Return a run with all its events as one value. Raises as ``replay``."""
        return self._replayer.trace(run_id)
