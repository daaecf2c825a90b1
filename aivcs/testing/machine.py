"""Agreement: several repositories take the same steps and must give the same answers.

A small pure model says what runs and releases ought to become.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from aivcs.domain.digest import Digest
from aivcs.domain.events import RunEvent
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.errors import (
    AivcsError,
    InvalidRunState,
    NoPreviousRelease,
    ReleaseNotFound,
    SequenceConflict,
    StaleCurrent,
)
from aivcs.testing.subject import ENDED, NOON, add_spec, by, end, note

if TYPE_CHECKING:
    from aivcs.ports import Clock, Ids
    from aivcs.repo import Repo

Opener: TypeAlias = Callable[["Clock", "Ids"], "Repo"]
"""Opens one of the repositories, always the same storage; it may have been closed before."""

_NAMES: Final = st.sampled_from(["adam", "zoe"])
_TEXTS: Final = st.sampled_from(["one", "two", "three"])
_SEQS: Final = st.none() | st.integers(1, 4)
_LENGTHS: Final = st.sampled_from([0, 1, 9000])
_SIZES: Final = st.sampled_from([0, 5, 200_000])


@dataclass
class ModelRun:
    """A run as a dictionary of events and a status."""

    status: RunStatus = RunStatus.RUNNING
    events: dict[int, RunEvent] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many events there are before the first gap."""
        return next(seq for seq in count(1) if seq not in self.events) - 1

    def append(self, events: list[RunEvent]) -> type[AivcsError] | None:
        """Take events, all or none; return the error that is due."""
        if self.status.terminal:
            return InvalidRunState
        before = dict(self.events)
        for event in events:
            seq = self.size + 1 if event.seq is None else event.seq
            wanted = RunEvent(seq, event.kind, event.payload, event.timestamp)
            if self.events.setdefault(seq, wanted) != wanted:
                self.events = before
                return SequenceConflict
        return None

    def end(self, status: RunStatus) -> type[AivcsError] | None:
        """Make a terminal move; return the error that is due."""
        gap = len(self.events) > self.size and status is RunStatus.COMPLETED
        if self.status.terminal or gap:
            return InvalidRunState
        self.status = status
        return None


@dataclass(frozen=True)
class Version:
    """A release in its lineage: what a promote made, and what was current before it."""

    spec: Digest
    parent: Version | None


Log: TypeAlias = list[Version]


def promote(log: Log, spec: Digest) -> None:
    """Append a new version."""
    log.append(Version(spec, log[-1] if log else None))


def rollback(log: Log, to: int | None) -> type[AivcsError] | None:
    """Append an earlier version again; return the error that is due."""
    if not log or (to is not None and not 1 <= to < len(log)):
        return ReleaseNotFound
    back = log[-1].parent if to is None else log[to - 1]
    if back is None:
        return NoPreviousRelease
    log.append(back)
    return None


def _ancestors(log: Log) -> list[Version]:
    """Return what came before the current version, the nearest first."""
    found = []
    version = log[-1].parent if log else None
    while version is not None:
        found.append(version)
        version = version.parent
    return found


class AgreementMachine(RuleBasedStateMachine):
    """Subclasses say what to compare: ``openers`` returns one Opener a repository."""

    specs: Bundle[Digest] = Bundle("specs")
    runs: Bundle[str] = Bundle("runs")

    def openers(self) -> list[Opener]:
        """Return how to open each of the repositories, all of them empty."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self._openers = self.openers()
        self._times = [_ticking() for _ in self._openers]
        self._ids = [_counting() for _ in self._openers]
        self._repos: list[Repo] = []
        self._runs: dict[str, ModelRun] = {}
        self._logs: dict[str, Log] = {}
        self._open()

    def _open(self) -> None:
        parts = zip(self._openers, self._times, self._ids, strict=True)
        self._repos = [open_one(clock, ids) for open_one, clock, ids in parts]

    def all(self, step: Callable[[Repo], Any], due: type[AivcsError] | None = None) -> Any:  # noqa: ANN401
        """Take a step in every repository; return the one answer they all give.

        An error is an answer too, with its class and text; ``due`` is the class it must have.
        """
        answers = [_answer(step, repo) for repo in self._repos]
        assert answers[1:] == answers[:-1], answers
        value, error = answers[0]
        assert error is None or due is None or issubclass(error[0], due), error
        assert (error is None) == (due is None), (error, due)
        return value

    @initialize(target=specs, texts=st.just(("one", "two")))
    def begin(self, texts: tuple[str, ...]) -> Any:  # noqa: ANN401 - hypothesis' own type
        """Give every sequence of steps something to run and release."""
        return multiple(*map(self.add_a_spec_of, texts))

    def add_a_spec_of(self, text: str) -> Digest:
        """Store a spec everywhere and return its digest."""
        return Digest.parse(self.all(lambda repo: add_spec(repo, text)))

    @rule(target=specs, text=_TEXTS)
    def add_a_spec(self, text: str) -> Digest:
        """Store a spec, known or not."""
        return self.add_a_spec_of(text)

    @rule(target=runs, spec=specs, agent=_NAMES)
    def create(self, spec: Digest, agent: str) -> str:
        """Begin a run."""
        run_id = str(self.all(lambda repo: repo.runs.create_run(spec, RunMetadata(agent))))
        self._runs[run_id] = ModelRun()
        return run_id

    @rule(run=runs, seqs=st.lists(_SEQS, max_size=3), length=_LENGTHS)
    def append(self, run: str, seqs: list[int | None], length: int) -> None:
        """Append events, with seqs and without."""
        events = [note(seq, "x" * length) for seq in seqs]
        due = self._runs[run].append(events)
        self.all(lambda repo: repo.runs.append_events(run, events), due)

    @rule(run=runs, status=st.sampled_from(ENDED))
    def finish(self, run: str, status: RunStatus) -> None:
        """End a run."""
        due = self._runs[run].end(status)
        self.all(lambda repo: end(repo, run, status), due)

    @rule(name=_NAMES, spec=specs, expected=st.none() | st.integers(0, 4))
    def promote(self, name: str, spec: Digest, expected: int | None) -> None:
        """Promote a spec, sometimes only if so many entries are there."""
        log = self._logs.setdefault(name, [])
        due = StaleCurrent if expected not in {None, len(log)} else None
        self.all(
            lambda repo: repo.releases.promote(name, spec, by(), expected_current=expected), due
        )
        if due is None:
            promote(log, spec)

    @rule(name=_NAMES, to=st.none() | st.integers(0, 5))
    def roll_back(self, name: str, to: int | None) -> None:
        """Roll back one step, or to an entry."""
        due = rollback(self._logs.setdefault(name, []), to)
        self.all(lambda repo: repo.releases.rollback(name, to=to, actor="eve"), due)

    @rule(name=_NAMES, several=st.lists(specs, min_size=2, max_size=5))
    def promote_several(self, name: str, several: list[Digest]) -> None:
        """Make a lineage that is worth going back in."""
        for spec in several:
            self.promote(name, spec, None)

    @rule(name=_NAMES, steps=st.integers(0, 9))
    def roll_back_further(self, name: str, steps: int) -> None:
        """Roll back k times: the k-th ancestor is current."""
        log = self._logs.setdefault(name, [])
        ancestors = _ancestors(log)
        for back, ancestor in enumerate(ancestors[: 1 + steps % 5]):
            record = self.all(lambda repo: repo.releases.rollback(name, actor="eve"))
            rollback(log, None)
            assert record.spec_digest == ancestor.spec
            assert _ancestors(log) == ancestors[back + 1 :]

    @rule(size=_SIZES)
    def put(self, size: int) -> None:
        """Store an object."""
        data = bytes(size)
        assert self.all(lambda repo: repo.objects.put(data)) == Digest.of(data)

    @rule(text=_TEXTS)
    def delete_the_file_of_a_spec(self, text: str) -> None:
        """Remove an object unless a spec needs it."""
        self._delete(text.encode())

    @rule(size=_SIZES)
    def delete(self, size: int) -> None:
        """Remove an object that nothing needs."""
        self._delete(bytes(size))

    def _delete(self, data: bytes) -> None:
        digest = Digest.of(data)
        needed = self._refused(lambda repo: repo.objects.delete(digest))
        assert self.all(lambda repo: repo.objects.contains(digest)) == needed

    def _refused(self, step: Callable[[Repo], Any]) -> bool:
        answers = [_answer(step, repo) for repo in self._repos]
        assert answers[1:] == answers[:-1], answers
        return answers[0][1] is not None

    @rule(limit=st.none() | st.integers(0, 3), agent=st.none() | _NAMES)
    def list_runs(self, limit: int | None, agent: str | None) -> None:
        """Page through the runs, by agent or all."""
        pages = self.all(lambda repo: repo.runs.list_runs(agent=agent, limit=limit))
        if pages:
            last = pages[-1].run_id
            self.all(lambda repo: repo.runs.list_runs(agent=agent, limit=limit, after=last))

    @precondition(lambda self: self._runs or self._logs)
    @rule()
    def reopen(self) -> None:
        """Close every repository and open it again."""
        for repo in self._repos:
            repo.close()
        self._open()

    @invariant()
    def runs_are_as_they_ought_to_be(self) -> None:
        """Every run has the model's status and events."""
        for run_id, model in self._runs.items():
            self._compare_run(run_id, model)

    def _compare_run(self, run_id: str, model: ModelRun) -> None:
        run = self.all(lambda repo: repo.runs.get_run(run_id))
        assert (run.status, run.total_events) == (model.status, model.size)
        events = self.all(lambda repo: repo.runs.get_events(run_id))
        assert events == [event for _, event in sorted(model.events.items())]

    @invariant()
    def releases_are_as_they_ought_to_be(self) -> None:
        """Every log is the model's."""
        for name, log in self._logs.items():
            self._compare_log(name, log)

    def _compare_log(self, name: str, log: Log) -> None:
        history = self.all(lambda repo: repo.releases.history(name))
        assert [record.spec_digest for record in history] == [v.spec for v in reversed(log)]
        assert [record.seq for record in history] == list(range(len(log), 0, -1))

    def teardown(self) -> None:
        """Verify everything, then close."""
        self.all(lambda repo: (repo.verify().ok, repo.verify().checked))
        for repo in self._repos:
            assert repo.verify().ok
            repo.close()


def _answer(
    step: Callable[[Repo], Any], repo: Repo
) -> tuple[Any, tuple[type[AivcsError], str] | None]:
    try:
        return step(repo), None
    except AivcsError as error:
        return None, (type(error), str(error))


def _ticking() -> Clock:
    ticks = count()
    return lambda: NOON + timedelta(milliseconds=next(ticks))


def _counting() -> Ids:
    numbers = count(1)
    return lambda: f"run-{next(numbers)}"
