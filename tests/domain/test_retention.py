from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.digest import Digest
from aivcs.domain.execution import ExecutionState
from aivcs.domain.retention import Retention
from aivcs.domain.run import RunId, RunMetadata, RunRecord, RunStatus
from aivcs.testing.subject import NOON

if TYPE_CHECKING:
    from datetime import datetime

SPEC, OTHER = Digest.of(b"spec"), Digest.of(b"other")


def run(
    name: str,
    agent: str = "ann",
    ended: datetime | None = NOON,
    spec: Digest = SPEC,
    expired: datetime | None = None,
) -> RunRecord:
    return RunRecord(
        run_id=RunId(name),
        spec_digest=spec,
        metadata=RunMetadata(agent),
        status=RunStatus.RUNNING if ended is None else RunStatus.COMPLETED,
        state=ExecutionState.RUNNING if ended is None else ExecutionState.COMPLETED,
        summary=None,
        created_at=NOON,
        completed_at=ended,
        total_events=0,
        expired_at=expired,
    )


def expiring(rule: Retention, *runs: RunRecord, released: tuple[Digest, ...] = ()) -> list[str]:
    return [str(one.run_id) for one in rule.expiring(runs, set(released), NOON)]


def test_without_a_rule_nothing_expires() -> None:
    assert not Retention()
    assert not Retention(keep_released=False)
    assert expiring(Retention(), run("a"), run("b")) == []


def test_the_newest_runs_of_each_agent_stay() -> None:
    runs = [run("a"), run("b", "bob"), run("c"), run("d"), run("e", "bob")]
    assert expiring(Retention(keep_runs=1), *runs) == ["c", "d", "e"]
    assert expiring(Retention(keep_runs=2), *runs) == ["d"]
    assert expiring(Retention(keep_runs=0), *runs) == ["a", "b", "c", "d", "e"]


def test_a_run_stays_until_it_is_old_enough() -> None:
    day = timedelta(days=1)
    runs = [run("a", ended=NOON - day / 2), run("b", ended=NOON - day), run("c", ended=NOON)]
    assert expiring(Retention(min_age_days=1), *runs) == ["b"]
    assert expiring(Retention(min_age_days=0), *runs) == ["a", "b", "c"]
    assert expiring(Retention(keep_runs=2, min_age_days=1), *runs) == []
    assert expiring(Retention(keep_runs=1, min_age_days=1), *runs) == ["b"]


def test_what_still_runs_stays_and_counts() -> None:
    assert expiring(Retention(keep_runs=1), run("a", ended=None), run("b")) == ["b"]
    assert expiring(Retention(keep_runs=0), run("a", ended=None)) == []


def test_the_evidence_for_a_release_stays() -> None:
    runs = [run("a"), run("b", spec=OTHER)]
    assert expiring(Retention(keep_runs=0), *runs, released=(SPEC,)) == ["b"]
    rule = Retention(keep_runs=0, keep_released=False)
    assert expiring(rule, *runs, released=(SPEC,)) == ["a", "b"]


def test_a_run_expires_once() -> None:
    assert expiring(Retention(keep_runs=0), run("a", expired=NOON)) == []


@given(
    keep=st.none() | st.integers(0, 4),
    days=st.none() | st.integers(0, 4),
    ages=st.lists(st.none() | st.integers(0, 6), max_size=8),
)
def test_a_stricter_rule_keeps_no_less(
    keep: int | None, days: int | None, ages: list[int | None]
) -> None:
    runs = [
        run(str(n), ended=None if age is None else NOON - timedelta(days=age))
        for n, age in enumerate(ages)
    ]
    found = set(expiring(Retention(keep, days), *runs))
    if keep is not None:
        assert found >= set(expiring(Retention(keep + 1, days), *runs))
        assert len(found) <= max(0, len(runs) - keep)
    if days is not None:
        assert found >= set(expiring(Retention(keep, days + 1), *runs))


@pytest.mark.parametrize("rule", [Retention(keep_runs=0), Retention(min_age_days=0)])
def test_a_rule_may_be_zero(rule: Retention) -> None:
    assert rule
