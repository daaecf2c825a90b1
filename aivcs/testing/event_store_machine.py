"""Event stores against a model: several take the same steps and must do as it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aivcs.domain.execution import MOVES, Action, ExecutionState
from aivcs.errors import (
    AivcsError,
    ConflictError,
    InvalidInputError,
    InvalidRunState,
    WrongExpectedSequence,
)
from aivcs.testing.event_store_moves import EVENTS
from aivcs.testing.subject import NOON

if TYPE_CHECKING:
    from aivcs.ports import Clock
    from aivcs.repo import Repo

Opener: TypeAlias = Callable[["Clock"], "Repo"]
"""Opens one of the repositories, always the same storage; it may have been closed before."""

_IDS: Final = st.sampled_from(["one", "two", "three"])
_TENANTS: Final = st.sampled_from(["ann", "ann", "ann", "bob"])
_KEYS: Final = st.none() | st.sampled_from(["k1", "k2"])
_STEP_KINDS: Final = {Action.STEP}
_ACTIONS: Final = st.sampled_from([one for one in EVENTS if one not in _STEP_KINDS] + [None] * 6)
_BATCHES: Final = st.lists(_ACTIONS, min_size=1, max_size=4)
_BEFORE_START: Final = {Action.PLAN, Action.START}


@dataclass
class Model:
    """An execution as a list of actions, and the state they lead to."""

    tenant: str
    state: ExecutionState = ExecutionState.CREATED
    log: list[Action | None] = field(default_factory=list)
    keys: dict[str, tuple[int, list[Action | None]]] = field(default_factory=dict)

    def append(
        self, batch: list[Action | None], tenant: str, expected: int | None, key: str | None
    ) -> int | type[AivcsError]:
        """Take a batch; return its first sequence, or the error that is due."""
        if any(MOVES[one][1] in _ENDED for one in batch[:-1] if one):
            return InvalidRunState
        if tenant != self.tenant:
            return InvalidInputError
        if key in self.keys:
            first, before = self.keys[key]
            return first if before == batch else ConflictError
        state = self._moved(batch, expected)
        if not isinstance(state, ExecutionState):
            return state
        first = len(self.log) + 1
        self.state, self.log = state, [*self.log, *batch]
        if key is not None:
            self.keys[key] = (first, batch)
        return first

    def _moved(
        self, batch: list[Action | None], expected: int | None
    ) -> ExecutionState | type[AivcsError]:
        # An ending event is appended like any other first, and then ends the run.
        last = batch[-1]
        ends = last is not None and MOVES[last][1] in _ENDED
        state = _after_all(self.state, [*batch[:-1], None] if ends else batch)
        if state is not None and expected not in {None, len(self.log)}:
            return WrongExpectedSequence
        if state is not None and ends:
            state = _after(state, last)
        return InvalidRunState if state is None else state


_ENDED: Final = frozenset(state for state in ExecutionState if state.terminal)


def _after(state: ExecutionState, action: Action | None) -> ExecutionState | None:
    """Return the state after an action, None where it is not legal; from the table alone."""
    if state is ExecutionState.CREATED and action not in _BEFORE_START:
        state = ExecutionState.RUNNING
    if action is None:
        return None if state in _ENDED else state
    legal, target = MOVES[action]
    return (target or state) if state in legal else None


def _after_all(state: ExecutionState, batch: list[Action | None]) -> ExecutionState | None:
    for action in batch:
        after = _after(state, action)
        if after is None:
            return None
        state = after
    return state


class EventStoreMachine(RuleBasedStateMachine):
    """Subclasses say what to compare: ``openers`` returns one Opener a repository."""

    def openers(self) -> list[Opener]:
        """Return how to open each of the repositories, all of them empty."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self._openers = self.openers()
        self._clocks = [_ticking() for _ in self._openers]
        self._repos: list[Repo] = []
        self._models: dict[str, Model] = {}

    @initialize()
    def open(self) -> None:
        """Open all repositories."""
        pairs = zip(self._openers, self._clocks, strict=True)
        self._repos = [opener(clock) for opener, clock in pairs]

    def all(self, step: Callable[[Repo], Any]) -> Any:  # noqa: ANN401 - what the step returns
        """Take a step everywhere; return the one answer, an error's class for an error."""
        answers = [_answer(step, repo) for repo in self._repos]
        assert answers[1:] == answers[:-1], answers
        return answers[0]

    @rule(
        name=_IDS,
        tenant=_TENANTS,
        batch=_BATCHES,
        off=st.none() | st.sampled_from([0, 0, 1, -1]),
        key=_KEYS,
    )
    def append(
        self, name: str, tenant: str, batch: list[Action | None], off: int | None, key: str | None
    ) -> None:
        """Append a batch, with a right or wrong expectation, maybe under a key."""
        model = self._models.get(name) or Model(tenant)
        expected = None if off is None else max(0, len(model.log) + off)
        due = replace(model, keys=dict(model.keys)).append(batch, tenant, expected, key)
        events = [EVENTS[action] for action in batch]
        found = self.all(
            lambda repo: repo.events.append_batch(
                name, tenant, events, expected_seq=expected, idempotency_key=key
            )
        )
        assert found == due, (found, due)
        if isinstance(due, int):
            model.append(batch, tenant, expected, key)
            self._models[name] = model

    @precondition(lambda self: self._models)
    @rule(after=st.integers(0, 6), limit=st.none() | st.integers(0, 3), data=st.data())
    def read(self, after: int, limit: int | None, data: st.DataObject) -> None:
        """Read a part of a log."""
        name = data.draw(st.sampled_from(sorted(self._models)))
        found = self.all(lambda repo: list(repo.events.iter_events(name, after=after, limit=limit)))
        log = list(enumerate(self._models[name].log, 1))[after:][:limit]
        assert [(one.sequence, one.event.ACTION) for one in found] == log

    @rule(limit=st.none() | st.integers(0, 3), offset=st.integers(0, 3))
    def list_executions(self, limit: int | None, offset: int) -> None:
        """List those of a tenant, newest first."""
        found = self.all(lambda repo: repo.events.list_executions("ann", limit, offset))
        mine = [name for name, model in self._models.items() if model.tenant == "ann"][::-1]
        assert found == mine[offset:][:limit]

    @precondition(lambda self: self._models)
    @rule()
    def reopen(self) -> None:
        """Close every repository and open it again."""
        for repo in self._repos:
            repo.close()
        self.open()

    @invariant()
    def executions_are_as_they_ought_to_be(self) -> None:
        """Each has the model's state and size, and its log folds to the same."""
        for name, model in self._models.items():
            self._compare(name, model)

    def _compare(self, name: str, model: Model) -> None:
        run = self.all(lambda repo: replace(repo.runs.get_run(name), root=None))
        wanted = model.state, len(model.log), model.tenant
        assert (run.state, run.total_events, run.tenant) == wanted
        replayed = self.all(lambda repo: repo.replay(name))
        assert (replayed.execution.state, replayed.passed_over) == (model.state, 0)

    def teardown(self) -> None:
        """Verify everything, then close."""
        for repo in self._repos:
            assert repo.verify().problems == ()
            repo.close()


def _answer(step: Callable[[Repo], Any], repo: Repo) -> Any:  # noqa: ANN401 - what the step returns
    try:
        return step(repo)
    except AivcsError as error:
        return type(error)


def _ticking() -> Clock:
    ticks = count()
    return lambda: NOON + timedelta(milliseconds=next(ticks))
