"""``append.plan`` against a model: a set of known seqs, of which the log is the dense start."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.append import Plan, check_complete, plan
from aivcs.domain.execution import ExecutionState, status_of
from aivcs.domain.log_writes import Append, Draft
from aivcs.domain.stream import Entry, Family, Stream
from aivcs.errors import InvalidEvent, InvalidRunState, SequenceConflict, WrongExpectedSequence

WHEN = datetime(2026, 1, 1, tzinfo=UTC)
SEQS = st.none() | st.integers(1, 9)
APPENDS = st.lists(st.lists(st.tuples(SEQS, st.sampled_from("ab")), max_size=5), max_size=8)


def draft(seq: int | None, kind: str = "a") -> Draft:
    return Draft(kind, "{}", None, WHEN, WHEN, bytes(16), seq)


class Log:
    """What a ledger keeps: the dense log and the entries that wait."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.waiting: dict[int, Entry] = {}

    def stream(self, state: ExecutionState = ExecutionState.RUNNING) -> Stream:
        return Stream(Family.RUN, "r", len(self.entries), state)

    def append(self, *drafts: Draft, expected_size: int | None = None) -> Plan:
        asked = Append(Family.RUN, "r", drafts, expected_size)
        done = plan(self.stream(), asked, self.waiting, lambda seq: self.entries[seq - 1])
        for seq, entry in done.dense:
            assert seq == len(self.entries) + 1
            self.entries.append(Entry(seq, entry.kind, entry.body, None, WHEN, WHEN))
        for seq in done.released:
            del self.waiting[seq]
        assert not set(dict(done.early)) & set(self.waiting)
        for seq, entry in done.early:
            self.waiting[seq] = Entry(seq, entry.kind, entry.body, None, WHEN, WHEN)
        return done


def _step(known: dict[int, str], asked: list[tuple[int | None, str]]) -> list[int] | None:
    """Apply drafts to the model; None when one conflicts, and then nothing changes."""
    after = dict(known)
    seqs = []
    for wanted, kind in asked:
        dense = next(n for n in range(1, len(after) + 2) if n not in after)
        seq = wanted or dense
        if after.setdefault(seq, kind) != kind:
            return None
        seqs.append(seq)
    known.update(after)
    return seqs


@given(APPENDS)
def test_any_order_of_seqs_agrees_with_the_model(
    appends: list[list[tuple[int | None, str]]],
) -> None:
    log, known = Log(), dict[int, str]()
    for asked in appends:
        drafts = [draft(seq, kind) for seq, kind in asked]
        expected = _step(known, asked)
        if expected is None:
            with pytest.raises(SequenceConflict, match="is taken by a different event"):
                log.append(*drafts)
        else:
            assert log.append(*drafts).seqs == tuple(expected)
        dense = next(n for n in range(len(known) + 1) if n + 1 not in known)
        assert [entry.kind for entry in log.entries] == [known[n] for n in range(1, dense + 1)]
        assert set(log.waiting) == {seq for seq in known if seq > dense}


@given(st.permutations(range(1, 8)))
def test_every_order_ends_in_the_same_log(order: list[int]) -> None:
    log = Log()
    for seq in order:
        log.append(draft(seq, f"kind-{seq}"))
    assert [entry.kind for entry in log.entries] == [f"kind-{seq}" for seq in range(1, 8)]
    assert log.waiting == {}
    check_complete(log.stream(), log.waiting)


def test_repeating_an_event_changes_nothing() -> None:
    log = Log()
    log.append(draft(1), draft(3))
    assert log.append(draft(1), draft(3), draft(3)) == Plan((), (), (), (1, 3, 3))


@pytest.mark.parametrize(
    "other",
    [{"kind": "b"}, {"body": "[]"}, {"timestamp": datetime(2026, 1, 2, tzinfo=UTC)}],
)
@pytest.mark.parametrize("seq", [1, 3])
def test_a_different_event_for_a_taken_seq(seq: int, other: dict[str, Any]) -> None:
    log = Log()
    log.append(draft(1), draft(3))
    changed = draft(seq)._replace(**other)
    with pytest.raises(SequenceConflict, match=f"seq {seq} of run r"):
        log.append(changed)


@pytest.mark.parametrize("seq", [0, -1, True, 2**53])
def test_bad_seqs(seq: int) -> None:
    with pytest.raises(InvalidEvent, match="not an event seq"):
        Log().append(draft(seq))


def test_expected_size() -> None:
    log = Log()
    log.append(draft(None), expected_size=0)
    with pytest.raises(WrongExpectedSequence, match="run r has 1 entries, expected 0"):
        log.append(draft(None), expected_size=0)
    assert log.append(draft(None), draft(None), expected_size=1).seqs == (2, 3)


@pytest.mark.parametrize("state", [state for state in ExecutionState if state.terminal])
def test_status_is_checked_before_sequence_and_payload(state: ExecutionState) -> None:
    asked = Append(Family.RUN, "r", (draft(0),), expected_size=99)
    with pytest.raises(InvalidRunState, match=f"is {status_of(state)}"):
        plan(Log().stream(state), asked, {}, lambda _: pytest.fail("read"))


def test_a_release_stream_has_no_status() -> None:
    asked = Append(Family.RELEASE, "agent", (draft(None),))
    stream = Stream(Family.RELEASE, "agent", 4)
    assert plan(stream, asked, {}, lambda _: pytest.fail("read")).seqs == (5,)


@pytest.mark.parametrize("seq", [1, 5, 9])
def test_a_release_takes_the_next_seq(seq: int) -> None:
    asked = Append(Family.RELEASE, "agent", (draft(seq),))
    stream = Stream(Family.RELEASE, "agent", 4)
    with pytest.raises(InvalidEvent, match="release agent: an entry takes the next seq"):
        plan(stream, asked, {}, lambda _: pytest.fail("read"))


def test_a_gap_is_named() -> None:
    log = Log()
    log.append(draft(1), draft(4), draft(6))
    with pytest.raises(InvalidRunState, match=r"no event has seq 2, 3, 5$"):
        check_complete(log.stream(), log.waiting)


def test_a_wide_gap_is_named_in_part() -> None:
    log = Log()
    log.append(draft(2**53 - 1))
    with pytest.raises(InvalidRunState, match=r"seq 1, 2, 3, .*, 19, 20$"):
        check_complete(log.stream(), log.waiting)
