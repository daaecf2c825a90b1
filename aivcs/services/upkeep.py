"""Verification: everything that is stored is read, hashed and checked against itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.report import Problem, Report
from aivcs.errors import CorruptionError
from aivcs.services.check_logs import LogChecks
from aivcs.services.check_objects import ObjectChecks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aivcs.ports import BlobStore, Ledger
    from aivcs.services.objects import CasStore


class Verifier:
    """Checks a repository and names what is damaged and what that breaks.

    Others may write meanwhile: what seems to be missing is looked up once more.
    """

    def __init__(self, ledger: Ledger, blobs: BlobStore, objects: CasStore) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._objects = objects

    def verify(
        self, *, objects: bool, runs: bool, releases: bool, advance: Callable[[], None]
    ) -> Report:
        """Check the parts asked for; damage is reported, never raised.

        ``advance`` is called for each object, run, event and release. Raises StorageError
        where the disk fails.
        """
        checked = {"objects": 0, "runs": 0, "events": 0, "releases": 0}

        def count(what: str) -> None:
            checked[what] += 1
            advance()

        content = ObjectChecks(self._ledger, self._blobs, self._objects, count)
        logs = LogChecks(self._ledger, self._objects, count)
        parts: list[tuple[bool, Callable[[], Iterable[Problem]]]] = [
            (True, self._check_ledger),
            (objects, content.objects),
            (objects, content.specs),
            (runs, logs.runs),
            (runs, content.references),
            (releases, logs.releases),
        ]
        problems: list[Problem] = []
        for wanted, check in parts:
            if not wanted:
                continue
            try:
                # What a part found before it met something unreadable counts too.
                for problem in check():
                    problems.append(problem)  # noqa: PERF402 - an error must not lose them
            except CorruptionError as error:
                problems.append(Problem("ledger", "aivcs.db", error.message))
        return Report(checked, tuple(dict.fromkeys(problems)))

    def _check_ledger(self) -> Iterable[Problem]:
        return [Problem("ledger", "aivcs.db", text) for text in self._ledger.check()]
