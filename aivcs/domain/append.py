"""The one rule by which a stream grows.

Check order: exists and repetition (the caller), status and state, lease, sequence. Entries
enter the log densely; an entry with an explicit seq beyond the next waits *early* until the
gap is closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from aivcs.domain.events import check_seq
from aivcs.domain.execution import Action, ExecutionState, WaitReason, advance
from aivcs.domain.lease import check_epoch
from aivcs.domain.run import invalid_state
from aivcs.errors import (
    InvalidEvent,
    InvalidInputError,
    InvalidRunState,
    SequenceConflict,
    WrongExpectedSequence,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aivcs.domain.log_writes import Append, Draft
    from aivcs.domain.stream import Entry, Stream


_NAMED: Final = 20
_SEQ: Final = attrgetter("seq")
_ACTION: Final = attrgetter("action")
_BEFORE_START: Final = frozenset({Action.PLAN, Action.START})


@dataclass(frozen=True, slots=True)
class Plan:
    """What an append does: entries that enter the log, those that wait, those that stop waiting.

    ``seqs`` answers each draft with its number, also one that was stored before. ``states``
    has the states that the run goes through, in order, each with what it waits for.
    """

    dense: tuple[tuple[int, Draft | Entry], ...]
    early: tuple[tuple[int, Draft], ...]
    released: tuple[int, ...]
    seqs: tuple[int, ...]
    states: tuple[tuple[ExecutionState, WaitReason | None], ...] = ()


def check_tenant(stream: Stream, append: Append) -> None:
    """Raise InvalidInputError unless the append is by the run's tenant, or says none."""
    if append.tenant is not None and append.tenant != stream.tenant:
        msg = f"{stream.family.value} {stream.name} belongs to another tenant"
        raise InvalidInputError(msg, hint="a run belongs to the tenant of its first event")


def plan(
    stream: Stream,
    append: Append,
    waiting: Mapping[int, Entry],
    stored: Callable[[int], Entry],
) -> Plan:
    """Decide what ``append`` does to ``stream``.

    ``waiting`` has the early entries by seq, ``stored`` reads an entry of the log. Raises
    InvalidRunState for an ended run and for a move that its state does not allow, Fenced,
    WrongExpectedSequence, InvalidEvent for a bad seq or move, SequenceConflict for a seq that
    is taken by something else. A draft equal in kind, body and timestamp to what is stored
    under its seq changes nothing.
    """
    if stream.status is not None and stream.status.terminal:
        raise invalid_state(stream.name, stream.status)
    states = _states(stream, append.drafts)
    check_epoch(stream, append.epoch)
    if append.expected_size is not None and append.expected_size != stream.size:
        log = f"{stream.family.value} {stream.name}"
        msg = f"{log} has {stream.size} entries, expected {append.expected_size}"
        raise WrongExpectedSequence(msg, hint="read it again, then retry")
    if not waiting and _lack(append.drafts, _SEQ):
        seqs = tuple(range(stream.size + 1, stream.size + 1 + len(append.drafts)))
        return Plan(tuple(zip(seqs, append.drafts, strict=True)), (), (), seqs, states)
    if stream.state is None:
        msg = f"{stream.family.value} {stream.name}: an entry takes the next seq of its log"
        raise InvalidEvent(msg, hint="leave the seq out")
    return _placed(stream, append, waiting, stored, states)


def _lack(drafts: tuple[Draft, ...], cell: Callable[[Draft], object]) -> bool:
    """Tell whether none of the drafts has a cell."""
    return list(map(cell, drafts)).count(None) == len(drafts)


def _states(
    stream: Stream, drafts: tuple[Draft, ...]
) -> tuple[tuple[ExecutionState, WaitReason | None], ...]:
    """Return the states that the drafts lead through; InvalidRunState, InvalidEvent."""
    state = stream.state
    if state is not ExecutionState.CREATED and _lack(drafts, _ACTION):
        return ()
    through: list[tuple[ExecutionState, WaitReason | None]] = []
    for draft in drafts:
        action = draft.action
        _check_action(stream, draft)
        if state is None:
            continue
        if state is ExecutionState.CREATED and action not in _BEFORE_START:
            state = ExecutionState.RUNNING
            through.append((state, None))
        after = advance(state, action, run_id=stream.name)
        if after is not state:
            through.append((after, draft.wait))
            state = after
    return tuple(through)


def _check_action(stream: Stream, draft: Draft) -> None:
    if (draft.action is Action.WAIT) != (draft.wait is not None):
        msg = f"{stream.name}: an event of kind {draft.kind} names what is waited for, or no wait"
        raise InvalidEvent(msg, hint=f"one of {', '.join(WaitReason)}")
    if draft.action is None:
        return
    if draft.action in {Action.COMPLETE, Action.FAIL, Action.CANCEL}:
        msg = f"{stream.name}: an event of kind {draft.kind} does not end the run by itself"
        raise InvalidEvent(msg, hint="end the run in the same batch")
    if stream.state is None or draft.seq is not None:
        msg = f"{stream.name}: an event that moves a run takes the next seq of its log"
        raise InvalidEvent(msg, hint="leave the seq out")


def _placed(
    stream: Stream,
    append: Append,
    waiting: Mapping[int, Entry],
    stored: Callable[[int], Entry],
    states: tuple[tuple[ExecutionState, WaitReason | None], ...],
) -> Plan:
    """Place drafts with seqs of their own, or among entries that wait."""
    size = stream.size
    early: dict[int, Draft] = {}
    dense: dict[int, Draft | Entry] = {}
    released: list[int] = []
    seqs: list[int] = []
    for draft in append.drafts:
        seq = size + 1 if draft.seq is None else check_seq(draft.seq)
        seqs.append(seq)
        taken = _taken(seq, stream.size, dense, early, waiting, stored)
        if taken is not None:
            _check_same(stream, seq, draft, taken)
            continue
        if seq != size + 1:
            early[seq] = draft
            continue
        dense[seq] = draft
        size = seq
        while (following := early.pop(size + 1, None) or waiting.get(size + 1)) is not None:
            size += 1
            dense[size] = following
            if size in waiting:
                released.append(size)
    return Plan(tuple(dense.items()), tuple(early.items()), tuple(released), tuple(seqs), states)


def check_complete(stream: Stream, waiting: Mapping[int, Entry]) -> None:
    """Refuse to complete a run with a gap, naming the missing seqs (InvalidRunState)."""
    if not waiting:
        return
    gaps = (seq for seq in range(stream.size + 1, max(waiting)) if seq not in waiting)
    missing = ", ".join(str(seq) for seq in islice(gaps, _NAMED))
    msg = f"run {stream.name} cannot complete: no event has seq {missing}"
    raise InvalidRunState(msg, hint="append the missing events, or fail or cancel the run")


def _taken(
    seq: int,
    size: int,
    dense: Mapping[int, Draft | Entry],
    early: Mapping[int, Draft],
    waiting: Mapping[int, Entry],
    stored: Callable[[int], Entry],
) -> Draft | Entry | None:
    if seq <= size:
        return stored(seq)
    return dense.get(seq) or early.get(seq) or waiting.get(seq)


def _check_same(stream: Stream, seq: int, draft: Draft, taken: Draft | Entry) -> None:
    same = (draft.kind, draft.body, draft.object) == (taken.kind, taken.body, taken.object)
    # Who gave no time repeats the event at another one.
    if not same or draft.timestamp not in {taken.timestamp, draft.recorded_at}:
        msg = f"seq {seq} of run {stream.name} is taken by a different event ({taken.kind})"
        raise SequenceConflict(msg, hint="leave the seq out to append at the end")
