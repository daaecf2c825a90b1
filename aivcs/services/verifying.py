"""Verification: what is stored is read, hashed and checked against itself."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from aivcs.domain.published import RELEASES, RUNS
from aivcs.domain.report import UNREADABLE, Depth, Problem, Report
from aivcs.domain.trust import Trusted
from aivcs.errors import CorruptionError, Unreadable
from aivcs.services.breakage import Breakage
from aivcs.services.check_content import ContentChecks
from aivcs.services.check_logs import LogChecks
from aivcs.services.check_names import NameChecks
from aivcs.services.check_new import NewChecks
from aivcs.services.marks import Marks
from aivcs.services.sampling import Portion
from aivcs.services.tally import Tally
from aivcs.services.trusting import Trust

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aivcs.domain.verification import Scope
    from aivcs.ports import BlobStore, Bookmarks, Ledger, Spread
    from aivcs.services.check_published import PublishedChecks
    from aivcs.services.objects import CasStore


class Verifier:
    """Checks a repository and names what is damaged and what that breaks.

    Others may write, seal and collect meanwhile: what seems to be missing is looked up
    once more. ``now`` tells seconds that only grow. ``reader`` gives a ledger to the
    process that calls it, also to a copy of this one that ``spread`` made. ``published``
    compares the public logs by their names.
    """

    def __init__(  # noqa: PLR0913 - one argument a part
        self,
        ledger: Ledger,
        blobs: BlobStore,
        objects: CasStore,
        spread: Spread,
        bookmarks: Bookmarks | None = None,
        now: Callable[[], float] = monotonic,
        *,
        trust: Bookmarks | None = None,
        published: Mapping[str, PublishedChecks] | None = None,
        reader: Callable[[], Ledger] | None = None,
    ) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._objects = objects
        self._spread = spread
        self._now = now
        self._bookmarks = bookmarks
        self._trust = Trust(trust)
        self._reader = reader
        self._published = published or {}

    def verify(self, scope: Scope, advance: Callable[[], None]) -> Report:
        """Check what is asked for; damage and unreadable files are reported, never raised.

        ``advance`` is called for each object, run, event and release. Raises StorageError
        where the ledger's disk fails. What was read before an interruption is remembered.
        """
        tally = Tally(advance)
        portion = Portion(scope.percent, scope.seed, self._spent(scope.seconds))
        marks = Marks(self._bookmarks, self._now)
        if scope.resume:
            marks.resume()
        elif scope.depth is Depth.BYTES and scope.objects:
            marks.clear()
        resumed = marks.resumed
        problems: list[Problem] = []
        logs = LogChecks(
            self._ledger, self._objects, tally, portion, scope.against, keep=scope.keep
        )
        trusted = self._trust.read() if scope.incremental else None
        try:
            for part in self._parts(scope, tally, portion, marks, logs, trusted):
                try:
                    # What a part found before it met something unreadable counts too.
                    for problem in part():
                        problems.append(problem)  # noqa: PERF402 - an error must not lose them
                except (CorruptionError, Unreadable) as error:
                    problems.append(_unreadable(error))
        except BaseException:
            marks.write()
            raise
        if not scope.incremental:
            marks.clear()
        found = tuple(dict.fromkeys(problems))
        report = Report(tally.checked, found, scope.depth, portion.whole, resumed=resumed)
        if not (scope.runs and scope.releases and scope.depth is Depth.BYTES):
            return report
        if report.ok:
            self._trust.write(logs.past.trusted(logs.seals, trusted))
        return report if scope.incremental else replace(report, saved=logs.past.now(logs.seals))

    def _parts(
        self,
        scope: Scope,
        tally: Tally,
        portion: Portion,
        marks: Marks,
        logs: LogChecks,
        trusted: Trusted | None,
    ) -> list[Callable[[], Iterable[Problem]]]:
        breakage = Breakage(self._ledger, self._objects)
        content = ContentChecks(
            self._ledger,
            self._blobs,
            self._objects,
            self._spread,
            breakage,
            tally,
            reader=self._reader,
        )
        if scope.incremental:
            new = NewChecks(self._ledger, logs, trusted or Trusted())
            return [new.problems, logs.releases]
        names = NameChecks(self._ledger, self._objects)
        beside = [check_ledger, *([self._references] if scope.runs else [])]
        depth = scope.depth
        every_byte = scope.objects and depth is Depth.BYTES
        parts: list[tuple[bool, Callable[[], Iterable[Problem]]]] = [
            (not every_byte, lambda: check_ledger(self._ledger)),
            (every_byte, lambda: content.every_byte(marks, beside)),
            (scope.objects and depth is Depth.STRUCTURE, content.structure),
            (scope.releases and depth is Depth.SAMPLE, logs.releases),
            (scope.objects and depth is Depth.SAMPLE, lambda: content.sample(portion)),
            (scope.objects and depth is Depth.BYTES, names.specs),
            (scope.runs and depth is not Depth.STRUCTURE, logs.runs),
            (scope.runs and not every_byte, names.references),
            (scope.releases and depth is Depth.BYTES, logs.releases),
            (scope.against is not None, lambda: logs.past.gone(logs.seals)),
        ]
        asked = {RELEASES: scope.releases, RUNS: scope.runs}
        parts += [
            (asked[name] and depth is Depth.BYTES, checks.problems)
            for name, checks in self._published.items()
        ]
        return [part for wanted, part in parts if wanted]

    def _spent(self, seconds: float | None) -> Callable[[], bool]:
        if seconds is None:
            return lambda: False
        end = self._now() + seconds
        return lambda: self._now() >= end

    def _references(self, ledger: Ledger) -> list[Problem]:
        try:
            return list(NameChecks(ledger, self._objects).references())
        except CorruptionError as error:
            return [_unreadable(error)]


def check_ledger(ledger: Ledger) -> list[Problem]:
    """Return what is wrong with a ledger's own structure."""
    try:
        return [Problem("ledger", "aivcs.db", text) for text in ledger.check()]
    except CorruptionError as error:
        return [_unreadable(error)]


def _unreadable(error: CorruptionError | Unreadable) -> Problem:
    if isinstance(error, Unreadable):
        return Problem(UNREADABLE, "objects", error.message)
    return Problem("ledger", "aivcs.db", error.message)
