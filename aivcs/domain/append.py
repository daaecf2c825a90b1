"""The one rule by which a stream grows.

Check order: exists (the caller), status, sequence. Entries enter the log densely; an
entry with an explicit seq beyond the next waits *early* until the gap is closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from aivcs.domain.events import check_seq
from aivcs.domain.run import invalid_state
from aivcs.errors import InvalidRunState, SequenceConflict, WrongExpectedSequence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aivcs.domain.batch import Append, Draft
    from aivcs.domain.stream import Entry, Stream


_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What an append does: entries that enter the log, those that wait, those that stop waiting.

    ``seqs`` answers each draft with its number, also one that was stored before.
    """

    dense: tuple[tuple[int, Draft | Entry], ...]
    early: tuple[tuple[int, Draft], ...]
    released: tuple[int, ...]
    seqs: tuple[int, ...]


def plan(
    stream: Stream,
    append: Append,
    waiting: Mapping[int, Entry],
    stored: Callable[[int], Entry],
) -> Plan:
    """Decide what ``append`` does to ``stream``.

    ``waiting`` has the early entries by seq, ``stored`` reads an entry of the log. Raises
    InvalidRunState for an ended run, WrongExpectedSequence, InvalidEvent for a bad seq,
    SequenceConflict for a seq that is taken by something else. A draft equal in kind,
    body and timestamp to what is stored under its seq changes nothing.
    """
    if stream.status is not None and stream.status.terminal:
        raise invalid_state(stream.name, stream.status)
    if append.expected_size is not None and append.expected_size != stream.size:
        log = f"{stream.family.value} {stream.name}"
        msg = f"{log} has {stream.size} entries, expected {append.expected_size}"
        raise WrongExpectedSequence(msg, hint="read it again, then retry")
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
    return Plan(tuple(dense.items()), tuple(early.items()), tuple(released), tuple(seqs))


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
