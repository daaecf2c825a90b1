"""A state store and its log take steps beside a model; what both answer must agree.

Whoever keeps the state may lose all of it between two steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from aivcs.domain.execution_snapshot import Freshness
from aivcs.domain.run import RunStatus
from aivcs.testing.state_freshness import begin, completed, failed, started
from aivcs.testing.state_store import Watch, snapshot_of
from aivcs.testing.subject import end

if TYPE_CHECKING:
    from datetime import datetime

    from aivcs.domain.events import RunEvent
    from aivcs.domain.execution_snapshot import ExecutionSnapshot
    from aivcs.repo import Repo
    from aivcs.services.state_store import StateStore

_KEYS: Final = st.sampled_from(["exec:0:a", "exec:0:", "exec:1:a", "exec:10:a", "other"])
_TTLS: Final = st.none() | st.sampled_from([0, 1, 5])
_STEPS: Final = st.sampled_from(["s", "t"])
_EVENTS: Final = st.lists(
    st.builds(started, _STEPS) | st.builds(failed, _STEPS)
    | st.builds(completed, _STEPS, st.sampled_from(["x", "y"])),
    max_size=4,
)  # fmt: skip


@dataclass
class Log:
    """A run as the model knows it: its events, and the snapshot that was saved last."""

    run_id: str
    events: list[RunEvent] = field(default_factory=list)
    ended: bool = False
    saved: ExecutionSnapshot | None = None


def outputs(events: list[RunEvent]) -> dict[str, object]:
    """Return what the steps gave, by id."""
    return {
        one.payload["step_id"]: one.payload["output"]
        for one in events
        if one.kind == "step_completed" and isinstance(one.payload, dict)
    }


class StateMachine(RuleBasedStateMachine):
    """Subclasses open the repository, and may have steps that lose all state."""

    def __init__(self) -> None:
        super().__init__()
        self.watch = Watch()
        self.repo = self.opened(self.watch)
        self.values: dict[str, tuple[bytes, datetime | None]] = {}
        self.logs: list[Log] = []

    def opened(self, clock: Watch) -> Repo:
        """Return the repository under test."""
        raise NotImplementedError

    @property
    def store(self) -> StateStore:
        """The state store under test."""
        return self.repo.state

    def lost(self) -> None:
        """Expect nothing of what was kept."""
        self.values.clear()
        for log in self.logs:
            log.saved = None

    @initialize()
    def begin(self) -> None:
        """Begin two runs."""
        self.logs = [Log(begin(self.repo)), Log(begin(self.repo))]

    @rule(key=_KEYS, value=st.binary(max_size=5), ttl=_TTLS)
    def set(self, key: str, value: bytes, ttl: int | None) -> None:
        """Set a value."""
        self.store.set(key, value, ttl)
        expires = None if ttl is None else self.watch.now + timedelta(seconds=ttl)
        self.values[key] = (value, expires)

    @rule(key=_KEYS)
    def get(self, key: str) -> None:
        """Get a value."""
        value, expires = self.values.get(key, (None, None))
        alive = expires is None or expires > self.watch.now
        assert self.store.get(key) == (value if alive else None)
        assert self.store.exists(key) == (value is not None and alive)

    @rule(key=_KEYS)
    def delete(self, key: str) -> None:
        """Delete a value."""
        self.store.delete(key)
        self.values.pop(key, None)

    @rule(seconds=st.sampled_from([0.5, 1, 10]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.watch.move(seconds)

    @rule()
    def sweep(self) -> None:
        """Remove what has expired."""
        self.store.sweep()

    @rule(which=st.integers(0, 1), events=_EVENTS)
    def append(self, which: int, events: list[RunEvent]) -> None:
        """Let a log grow."""
        log = self.logs[which]
        if not log.ended:
            self.repo.runs.append_events(log.run_id, events)
            log.events += events

    @rule(which=st.integers(0, 1))
    def end(self, which: int) -> None:
        """End a run."""
        log = self.logs[which]
        if not log.ended:
            end(self.repo, log.run_id, RunStatus.FAILED)
            log.ended = True

    @rule(which=st.integers(0, 1), ahead=st.integers(-3, 2), force=st.booleans())
    def save(self, which: int, ahead: int, force: bool) -> None:  # noqa: FBT001 - drawn
        """Save a snapshot: fresh, behind or ahead of the log."""
        log = self.logs[which]
        size = len(log.events)
        seq = max(size + ahead, 0)
        wanted = snapshot_of(
            log.run_id, seq, step_outputs=outputs(log.events[:seq]), timestamp=self.watch.now
        )
        before = log.saved
        newer = before is not None and seq < before.sequence_number <= size
        assert self.store.save_snapshot(wanted, force=force) == (force or not newer)
        if force or not newer:
            log.saved = wanted

    @rule(which=st.integers(0, 1))
    def load(self, which: int) -> None:
        """Load a snapshot as it was saved."""
        assert self.store.load_snapshot(self.logs[which].run_id) == self.logs[which].saved

    @rule(which=st.integers(0, 1))
    def load_fresh(self, which: int) -> None:
        """Load a snapshot of the whole log: it says what folding all of it would."""
        log = self.logs[which]
        found = self.store.load_fresh(log.run_id)
        assert found is not None
        assert found.sequence_number == len(log.events)
        assert found.step_outputs == outputs(log.events)
        assert found.state.terminal == log.ended
        log.saved = found
        assert self.store.freshness(log.run_id) is Freshness.FRESH

    @rule(which=st.integers(0, 1))
    def forget(self, which: int) -> None:
        """Delete all state of an execution."""
        self.store.delete_execution_state(self.logs[which].run_id)
        self.logs[which].saved = None
        self.store.delete_execution_state("1")
        for key in [key for key in self.values if key.startswith("exec:1:")]:
            del self.values[key]

    def teardown(self) -> None:
        """Close the repository."""
        self.repo.close()
