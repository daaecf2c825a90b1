from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.events import MAX_KIND, MAX_SEQ, RunEvent, check_kind, check_seq
from aivcs.domain.run import TRANSITIONS, RunId, RunStatus, RunSummary, check_move, check_summary
from aivcs.errors import InvalidEvent, InvalidRunState, InvalidSummary

STATUSES = st.sampled_from(RunStatus)
ENDED = [RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED]


def test_the_table_of_moves() -> None:
    assert {old: set(new) for old, new in TRANSITIONS.items()} == {
        RunStatus.RUNNING: set(ENDED),
        RunStatus.COMPLETED: set(),
        RunStatus.FAILED: set(),
        RunStatus.CANCELLED: set(),
    }
    assert [status for status in RunStatus if status.terminal] == ENDED
    assert [status.value for status in RunStatus] == ["RUNNING", *map(str, ENDED)]


@given(st.lists(STATUSES))
def test_the_first_end_survives_any_moves(moves: list[RunStatus]) -> None:
    status = RunStatus.RUNNING
    for target in moves:
        if status is RunStatus.RUNNING and target.terminal:
            check_move("r", status, target)
            status = target
        else:
            with pytest.raises(InvalidRunState, match=f"is {status.value}, expected RUNNING"):
                check_move("r", status, target)
    assert status == next((move for move in moves if move.terminal), RunStatus.RUNNING)


def _summary(*, success: bool = True, duration_ms: Any = 5) -> RunSummary:
    return RunSummary(0, None, duration_ms, success)


@pytest.mark.parametrize("status", ENDED)
@pytest.mark.parametrize("success", [True, False])
def test_success_means_completed(status: RunStatus, success: bool) -> None:
    if success == (status is RunStatus.COMPLETED):
        check_summary("r", status, _summary(success=success))
    else:
        with pytest.raises(InvalidSummary, match=f"run r cannot become {status.value}"):
            check_summary("r", status, _summary(success=success))


@pytest.mark.parametrize("duration", [-1, 2**53, 1.0, True, "5", None])
def test_durations_are_whole_milliseconds(duration: object) -> None:
    with pytest.raises(InvalidSummary, match="duration_ms"):
        check_summary("r", RunStatus.COMPLETED, _summary(duration_ms=duration))


def test_a_run_id_is_text() -> None:
    assert RunId("r1") == "r1"
    assert {RunId("r1")} == {"r1"}


@pytest.mark.parametrize("kind", ["tool_called", "Custom:x", "ü", "x" * MAX_KIND])
def test_good_kinds(kind: str) -> None:
    assert check_kind(kind) == kind


@pytest.mark.parametrize("kind", ["", "  ", "a\0", "x" * (MAX_KIND + 1), None, 5])
def test_bad_kinds(kind: object) -> None:
    with pytest.raises(InvalidEvent, match="not an event kind"):
        check_kind(kind)


@pytest.mark.parametrize("seq", [1, 2, MAX_SEQ])
def test_good_seqs(seq: int) -> None:
    assert check_seq(seq) == seq


@pytest.mark.parametrize("seq", [0, -1, MAX_SEQ + 1, True, 1.0, "1", None])
def test_bad_seqs(seq: object) -> None:
    with pytest.raises(InvalidEvent, match="not an event seq"):
        check_seq(seq)


def test_events_compare_by_value() -> None:
    assert RunEvent(1, "a") == RunEvent(1, "a", {}, None)
