"""Agreement of ledgers: several take the same batches and must give the same answers.

Whatever they answered, each log's tree is that of its entries, and each end has its seal.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from aivcs.domain.batch import Batch
from aivcs.domain.commitment import leaf_of
from aivcs.domain.execution import Action, ExecutionState, WaitReason
from aivcs.domain.log_writes import Append, Claim, Draft, Erasure, NewRun
from aivcs.domain.merkle import Frontier
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.domain.seal import seal_hash
from aivcs.domain.stream import Family
from aivcs.errors import AivcsError
from aivcs.testing.ledger import BODY, everything, finish, new_run, new_spec, stored
from aivcs.testing.subject import NOON

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.domain.batch import Receipt
    from aivcs.domain.log_writes import EndRun
    from aivcs.ports import Ledger

_RUNS: Final = st.sampled_from(["a", "b", "c"])
_MOMENTS: Final = st.integers(0, 3).map(lambda n: NOON + timedelta(seconds=n))
_EPOCHS: Final = st.none() | st.integers(0, 3)
_SALTS: Final = st.binary(min_size=16, max_size=16)
_NO_ACTION: Final = st.none()


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """Make an entry, most of them plain."""
    action = draw(_NO_ACTION | _NO_ACTION | st.sampled_from(list(Action)))
    large = draw(st.booleans()) and draw(st.booleans())
    return Draft(
        draw(st.sampled_from(["note", "tool_called"])),
        None if large else draw(st.sampled_from(["{}", "1", '"ä"'])),
        BODY if large else None,
        draw(_MOMENTS),
        NOON,
        draw(_SALTS),
        seq=draw(st.none() | st.none() | st.integers(1, 5)) if action is None else None,
        action=action,
        wait=WaitReason.APPROVAL if action is Action.WAIT else None,
    )


@st.composite
def appends(draw: st.DrawFn) -> Append:
    """Make an append to a run, sometimes to a release log."""
    release = draw(st.integers(0, 9)) == 0
    return Append(
        Family.RELEASE if release else Family.RUN,
        draw(_RUNS),
        tuple(draw(st.lists(drafts(), max_size=3))),
        draw(st.none() | st.none() | st.integers(0, 4)),
        draw(st.none() | st.none() | st.sampled_from(["acme", "other"])),
        draw(st.none() | st.none() | st.sampled_from(["k", "l"])),
        draw(st.none() | _EPOCHS),
    )


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    """Make a claim of a lease."""
    deadline = draw(st.none() | _MOMENTS | _MOMENTS)
    holder = draw(st.sampled_from(["ann", "bob"]))
    return Claim(draw(_RUNS), holder, deadline, draw(_MOMENTS), draw(_EPOCHS))


@st.composite
def ends(draw: st.DrawFn) -> EndRun:
    """Make a terminal move."""
    status = draw(st.sampled_from([status for status in RunStatus if status.terminal]))
    return replace(finish(status, draw(_RUNS)), epoch=draw(st.none() | _EPOCHS))


@st.composite
def erasures(draw: st.DrawFn) -> Erasure:
    """Make an erasure, of all or of some."""
    seqs = draw(st.none() | st.lists(st.integers(0, 5), max_size=3).map(tuple))
    return Erasure(draw(_RUNS), seqs)


BATCHES: Final = st.builds(
    Batch,
    claims=st.lists(claims(), max_size=1).map(tuple),
    appends=st.lists(appends(), max_size=2).map(tuple),
    ends=st.lists(ends(), max_size=1).map(tuple),
    erasures=st.lists(erasures(), max_size=1).map(tuple),
    announcements=st.lists(st.sampled_from(["one", "two"]), max_size=1).map(tuple),
)
"""A batch of anything that can happen to a run that is there."""


class LedgerMachine(RuleBasedStateMachine):
    """Subclasses say what to compare: ``ledgers`` returns them, all empty."""

    def ledgers(self) -> list[Ledger]:
        """Return the ledgers to compare."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self._ledgers = self.ledgers()

    def all(self, group: Sequence[Batch]) -> None:
        """Give every ledger a group of batches; they must answer alike."""
        answers = [[_told(one) for one in ledger.commit_all(group)] for ledger in self._ledgers]
        assert answers[1:] == answers[:-1], answers

    @initialize()
    def begin(self) -> None:
        """Give every sequence of steps a run of each kind."""
        executions = [
            NewRun(name, None, RunMetadata(""), NOON, tenant="acme", state=state)
            for name, state in (("b", ExecutionState.CREATED), ("c", ExecutionState.RUNNING))
        ]
        runs = (new_run("a"), *executions)
        body = stored(b"a long body")
        self.all([Batch(objects=(body,), specs=(new_spec(),), runs=runs)])

    @rule(append=appends())
    def append(self, append: Append) -> None:
        """Append something, and again if it bears a key."""
        batch = Batch(appends=(append,))
        self.all([batch] * (1 if append.key is None else 2))

    @rule(claim=claims())
    def claim(self, claim: Claim) -> None:
        """Move a lease."""
        self.all([Batch(claims=(claim,))])

    @rule(end=ends())
    def end(self, end: EndRun) -> None:
        """End a run."""
        self.all([Batch(ends=(end,))])

    @rule(erasure=erasures())
    def erase(self, erasure: Erasure) -> None:
        """Erase bodies."""
        self.all([Batch(erasures=(erasure,))])

    @rule(group=st.lists(BATCHES, max_size=4))
    def commit_all(self, group: list[Batch]) -> None:
        """Commit several batches in one transaction."""
        self.all(group)

    @rule(batch=BATCHES)
    def commit(self, batch: Batch) -> None:
        """Commit a batch of several things; what is refused changes nothing."""
        answers = [_committed(ledger, batch) for ledger in self._ledgers]
        assert answers[1:] == answers[:-1], answers

    @invariant()
    def they_hold_the_same(self) -> None:
        """Compare runs, heads, entries, early entries, specs, objects and seals."""
        held = [(everything(ledger), ledger.seals()) for ledger in self._ledgers]
        assert held[1:] == held[:-1]

    @invariant()
    def trees_and_seals_are_of_the_logs(self) -> None:
        """Ask one of them, which stands for all."""
        ledger = self._ledgers[0]
        for family in Family:
            for head in ledger.streams(family):
                leaves = map(leaf_of, ledger.entries(family, head.name))
                assert head.frontier == Frontier().grown(leaves)
                assert head.frontier.size == head.size
        sealed = {one.run_id: one.hash for one in ledger.seals()}
        for name in ledger.names(Family.RUN):
            run = ledger.run(name)
            assert run is not None
            assert (run.root is not None) == run.status.terminal == (name in sealed)
            if run.root is not None:
                assert sealed[name] == seal_hash(run, run.root)

    def teardown(self) -> None:
        """Check their structure, then close."""
        for ledger in self._ledgers:
            assert ledger.check() == []
            ledger.close()


def _committed(ledger: Ledger, batch: Batch) -> object:
    try:
        return ledger.commit(batch)
    except AivcsError as error:
        return _told(error)


def _told(answer: Receipt | AivcsError) -> object:
    return (type(answer), str(answer)) if isinstance(answer, AivcsError) else answer
