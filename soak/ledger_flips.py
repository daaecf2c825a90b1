"""Bits that change in the file of a ledger of 10,000 events whose roots were saved before.

Each time the ledger is verified against what was saved. Then every log is either named, with
the event where a cell of one changed, or the library and an export return what they did
before. Which bytes are changed together is said in ledger_bytes; where several flips are not
told apart they are tried again in halves, at last one by one. The files beside the ledger do
not grow with the events; the sweep ``flips`` changes each byte of those.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from copy import copy
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from aivcs.adapters.forks import spread
from aivcs.domain.report import Severity
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.errors import AivcsError
from aivcs.repo import init, open_repo
from aivcs.testing.subject import add_spec, by, end, note
from soak.anatomy import Part
from soak.ledger_bytes import Chooser
from soak.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.report import Report
    from aivcs.domain.saved import Saved
    from aivcs.repo import Repo
    from soak.ledger_bytes import Flip, Trial

RUNS: Final = 100
EVENTS: Final = 100
_AGENT: Final = "shop-keeper"
_ENDED: Final = (2, 3)
_CHUNK: Final = 20
_KEPT: Final = 20
_SEQ: Final = re.compile(r"(?:event|entry|seq) (\d+)")


def run(seed: int, share: float) -> Result:
    """Make a share of all trials, and see what is named or returned."""
    begun = time.monotonic()
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="aivcs-ledger-flips-") as folder:
        pattern = Path(folder, "pattern")
        make(pattern, RUNS, EVENTS)
        ledger = Flipped(pattern)
        trials = list(Chooser(ledger.file).trials(Random(seed), share))
        chunks = [trials[start : start + _CHUNK] for start in range(0, len(trials), _CHUNK)]

        def work(number: int) -> tuple[Counter[str], list[str]]:
            place = Path(folder, str(number))
            mine = ledger.moved(shutil.copytree(pattern, place))
            tried = [found for trial in chunks[number] for found in mine.tried(trial)]
            shutil.rmtree(place)
            return (
                Counter(outcome.partition(":")[0] for _, outcome in tried),
                [f"{flip}: {what}" for flip, what in tried if what.startswith("wrong")],
            )

        with spread(work, len(chunks)) as done:
            for _, (found, bad) in done:
                counts += found
                wrong += bad
    told = {"bytes changed": counts.total(), "trials": len(trials), **counts}
    return Result("ledger-flips", seed, time.monotonic() - begun, told, tuple(wrong[:_KEPT]))


def make(place: Path, runs: int, events: int) -> None:
    """Make a repository of runs that ended, go on, wait for an event, and were purged."""
    with init(place) as repo:
        spec = add_spec(repo, name=_AGENT)
        for number in range(runs):
            run_id = repo.runs.create_run(spec, RunMetadata(_AGENT, tags={"number": number}))
            said = [note(seq, {"n": seq, "said": f"by {number}"}) for seq in range(1, events)]
            long = note(events, {"long": [number + 100] * 2000})
            repo.runs.append_events(run_id, [*said, long])
            if number % 5 == 1:
                repo.runs.append_event(run_id, note(events + 3))
            if number % 5 in _ENDED:
                end(repo, run_id, RunStatus.FAILED if number % 2 else RunStatus.COMPLETED)
            if number % 10 == _ENDED[0]:
                repo.runs.purge(run_id, [1, 2])
        for number in range(2):
            repo.events.append(
                f"execution {number}", "tenant", {"type": "execution_started"}, idempotency_key="k"
            )
        repo.releases.promote(_AGENT, spec, by())


class _Said(NamedTuple):
    """What the program said of a ledger: which events of which logs it named.

    ``other`` are the logs that are not named, and of which something else is returned;
    ``unread`` those that are not named, and of which nothing is returned but an error.
    """

    ok: bool
    named: dict[str, set[int]]
    other: frozenset[str]
    unread: frozenset[str]
    listed: bool

    @property
    def noticed(self) -> set[str]:
        return {*self.named, *self.other, *self.unread}


class Flipped:
    """A repository in whose ledger bits are changed, and changed back."""

    def __init__(self, place: Path) -> None:
        self._place = place
        with open_repo(place) as repo:
            saved = repo.verify(objects=False, keep=True).saved
            if saved is None:
                msg = "a whole verification says what there is"
                raise RuntimeError(msg)
            self._saved: Saved = saved
            self._names = [str(run.run_id) for run in repo.runs.list_runs()] + [_AGENT]
            self._truth = {name: _answer(repo, name) for name in self._names}
            self._list = _listing(repo)
        self._data = self.file.read_bytes()

    @property
    def file(self) -> Path:
        """The file of the ledger."""
        return self._place / ".aivcs" / "aivcs.db"

    def moved(self, place: Path) -> Flipped:
        """Return the same over a copy at another place."""
        other = copy(self)
        other._place = place  # noqa: SLF001 - it is one of these too
        return other

    def tried(self, trial: Trial) -> Iterator[tuple[Flip, str]]:
        """Yield each change with what became of it."""
        self._write(trial.flips)
        found = self._outcomes(trial)
        if found is not None:
            yield from zip(trial.flips, found, strict=True)
            return
        middle = len(trial.flips) // 2
        for half in (trial.flips[:middle], trial.flips[middle:]):
            yield from self.tried(trial._replace(flips=half))

    def _write(self, flips: tuple[Flip, ...]) -> None:
        data = bytearray(self._data)
        for flip in flips:
            data[flip.at] ^= flip.mask
        for beside in ("-wal", "-shm"):
            self.file.with_name(self.file.name + beside).unlink(missing_ok=True)
        self.file.write_bytes(data)

    def _outcomes(self, trial: Trial) -> list[str] | None:
        """Return what became of each change; None where changes cannot be told apart."""
        alone = len(trial.flips) == 1
        try:
            said = self._said()
        except AivcsError as error:
            return [f"refused at opening: {error.message}"] if alone else None
        except Exception as error:  # noqa: BLE001 - whatever else is raised is a finding
            return [f"wrong: {type(error).__name__}: {error}"] if alone else None
        if not alone and self._is_mixed(trial, said):
            return None
        found = [self._outcome(flip, said, alone=alone) for flip in trial.flips]
        if not alone and any(outcome.startswith("wrong") for outcome in found):
            return None
        return found

    def _is_mixed(self, trial: Trial, said: _Said) -> bool:
        """Tell whether something is said that is not of one of the changes alone."""
        if trial.events:
            changed: dict[str, set[int]] = defaultdict(set)
            for flip in trial.flips:
                if flip.event:
                    changed[flip.event[0]].add(flip.event[1])
            return changed != said.named or bool(said.other or said.unread)
        return not said.noticed <= {name for flip in trial.flips for name in flip.logs}

    def _outcome(self, flip: Flip, said: _Said, *, alone: bool) -> str:
        logs = frozenset(self._names) if alone else flip.logs
        if other := logs & said.other:
            return f"wrong: something else is returned of {sorted(other)}, which are not named"
        if unread := logs & said.unread:
            return f"wrong: nobody can read {sorted(unread)}, which are not named"
        if named := logs & said.named.keys():
            return _said_of(flip, named, set().union(*(said.named[name] for name in named)))
        if alone and not said.listed and said.ok:
            return "wrong: other runs are listed, unnoticed"
        return "without effect" if said.ok or not alone else "reported, without effect on logs"

    def _said(self) -> _Said:
        with open_repo(self._place) as repo:
            report = repo.verify(objects=False, against=self._saved)
            named = self._named(report)
            answers = {name: _answer(repo, name) for name in self._names if name not in named}
            listed = bool(named) or _listing(repo) == self._list
        unread = frozenset(name for name, answer in answers.items() if answer is None)
        other = {name for name, answer in answers.items() if answer != self._truth[name]} - unread
        return _Said(report.ok, named, frozenset(other), unread, listed)

    def _named(self, report: Report) -> dict[str, set[int]]:
        named: dict[str, set[int]] = defaultdict(set)
        for problem in report.problems:
            if problem.severity is Severity.ERROR:
                whole = f"{problem.id} {problem.detail}"
                known = problem.id in self._truth
                names = [problem.id] if known else [n for n in self._names if n in whole]
                seqs = [int(seq) for seq in _SEQ.findall(problem.detail)]
                for name in names:
                    named[name].update(seqs)
        return dict(named)


def _said_of(flip: Flip, logs: frozenset[str], seqs: set[int]) -> str:
    """Say how well a change was named, with the events of the logs that it concerns."""
    exactly = flip.part is Part.COLUMN
    if flip.event and flip.event[0] in logs and not (flip.event[1] in seqs if exactly else seqs):
        return f"wrong: of {sorted(logs)} only {sorted(seqs)} are named"
    return "named, with run and event" if seqs else "named, with the run"


def _answer(repo: Repo, name: str) -> object:
    """Return all that is said of a log; None where it is an error of this program."""
    try:
        if name == _AGENT:
            return repo.releases.history(name)
        # An export writes what these two return.
        return repo.runs.get_run(name), list(repo.runs.iter_events(name))
    except AivcsError:
        return None


def _listing(repo: Repo) -> object:
    try:
        return [repo.runs.list_runs(status=status) for status in (None, *RunStatus)]
    except AivcsError:
        return None
