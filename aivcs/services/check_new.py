"""Verifying what came since the last time; what was seen then is trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.report import Problem
from aivcs.domain.run import RunStatus
from aivcs.domain.stream import Family, RunQuery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.trust import Trusted
    from aivcs.ports import Ledger
    from aivcs.services.check_logs import LogChecks

_PAGE: Final = 500


class NewChecks:
    """Reads the runs that ended since, and what the others have got since.

    A log must begin with what was seen of it: its tree is grown on from the one that was
    seen, and must become the one that its head has.
    """

    def __init__(self, ledger: Ledger, logs: LogChecks, trusted: Trusted) -> None:
        self._ledger = ledger
        self._logs = logs
        self._trusted = trusted

    def problems(self) -> Iterator[Problem]:
        """Read what is new of the runs."""
        trusted, seals = self._trusted, self._logs.seals
        yield from self._last_seal()
        yield from seals.read(trusted.seals)
        done: set[str] = set()
        for run_id in [*seals.sealed, *self._running()]:
            if run_id not in done:
                done.add(run_id)
                start = trusted.logs.get((Family.RUN, run_id))
                yield from self._logs.run(run_id, start)
        for family, name in trusted.logs:
            if family is Family.RUN and name not in done:
                yield from self._left(name)

    def _last_seal(self) -> Iterator[Problem]:
        """Compare the last seal that was seen with the one that has its number now."""
        number = self._trusted.seals
        if not number:
            return
        found = self._ledger.seals(after=number - 1, limit=1)
        if not found:
            detail = f"{number} ended runs were seen before; the last of them is missing"
            yield Problem("ledger", "aivcs.db", detail)
        elif found[0].hash != self._trusted.last:
            detail = f"seal {number} is not the one that was seen before"
            yield Problem("run", found[0].run_id, detail)

    def _running(self) -> Iterator[str]:
        query = RunQuery(status=RunStatus.RUNNING, limit=_PAGE)
        while page := self._ledger.runs(query):
            for run in page:
                yield run.run_id
            query = RunQuery(status=RunStatus.RUNNING, limit=_PAGE, after=page[-1].run_id)

    def _left(self, name: str) -> Iterator[Problem]:
        """Say what became of a run that was RUNNING, if that cannot be."""
        if self._ledger.stream(Family.RUN, name) is None:
            yield Problem("run", name, "it was seen before, and is missing")
            return
        # One that ended a moment ago is read the next time.
        later = self._ledger.seals(after=self._logs.seals.number)
        if all(sealed.run_id != name for sealed in later):
            yield Problem("run", name, "it has ended, but is not sealed")
