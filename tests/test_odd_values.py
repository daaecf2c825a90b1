"""Values that nobody expects are refused by an error of aivcs, whatever they are."""

from __future__ import annotations

import math
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import aivcs
from aivcs.domain.execution import ExecutionState
from aivcs.domain.lease import LeaseToken
from aivcs.domain.shown import shown
from aivcs.errors import InvalidEvent, InvalidInputError
from aivcs.repo import open_repo
from aivcs.testing.subject import add_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aivcs.repo import Repo

HUGE: Any = 10**5000
"""Python does not write so long a number, and no float is as large."""
EVENT = aivcs.RunEvent(None, "note")


class Nowhere(tzinfo):
    """A zone that does not say how far it is from UTC."""

    def utcoffset(self, _: datetime | None) -> None:
        return None

    dst = utcoffset

    def tzname(self, _: datetime | None) -> str:
        return "nowhere"


@pytest.fixture
def repo() -> Iterator[Repo]:
    with open_repo("memory:") as repo:
        yield repo


def event(**cells: Any) -> aivcs.RunEvent:
    return aivcs.RunEvent(**{"seq": None, "kind": "note", **cells})


def summary(duration: Any = 1, *, success: Any = False, state: Any = None) -> aivcs.RunSummary:
    return aivcs.RunSummary(0, state, duration, success)


def snapshot(seq: Any) -> aivcs.ExecutionSnapshot:
    return aivcs.ExecutionSnapshot("x", "acme", ExecutionState.RUNNING, seq)


STEP = {"type": "step_completed", "step_id": "s", "duration_ms": 1}


class At(NamedTuple):
    """Where something odd is tried."""

    repo: Any
    run: str


ODD: dict[str, Callable[[At], object]] = {
    "seq": lambda at: at.repo.runs.append_event(at.run, event(seq=HUGE)),
    "kind": lambda at: at.repo.runs.append_event(at.run, event(kind=HUGE)),
    "payload": lambda at: at.repo.runs.append_event(at.run, event(payload=HUGE)),
    "key": lambda at: at.repo.runs.append_event(at.run, event(payload={HUGE: 1})),
    "time": lambda at: at.repo.runs.append_event(at.run, event(timestamp=HUGE)),
    "event": lambda at: at.repo.runs.append_event(at.run, {"kind": "note"}),
    "none": lambda at: at.repo.runs.append_events(at.run, [EVENT, None]),
    "agent": lambda at: at.repo.runs.create_run(
        at.repo.specs.list()[0].digest,
        aivcs.RunMetadata(HUGE),
    ),
    "spec": lambda at: at.repo.runs.create_run(HUGE, aivcs.RunMetadata("a")),
    "duration": lambda at: at.repo.runs.fail_run(at.run, summary(HUGE)),
    "success": lambda at: at.repo.runs.fail_run(at.run, summary(success=HUGE)),
    "state": lambda at: at.repo.runs.fail_run(at.run, summary(state=HUGE)),
    "lease": lambda at: at.repo.runs.lease(at.run, "ann", HUGE),
    "lease as text": lambda at: at.repo.runs.lease(at.run, "ann", "5"),
    "lease as truth": lambda at: at.repo.runs.lease(at.run, "ann", seconds=True),
    "holder": lambda at: at.repo.runs.lease(at.run, HUGE),
    "holder of no text": lambda at: at.repo.runs.lease(at.run, "\ud800"),
    "holder with nothing": lambda at: at.repo.runs.lease(at.run, "a\0b"),
    "purge": lambda at: at.repo.runs.purge(at.run, [HUGE]),
    "limit": lambda at: at.repo.runs.iter_events(at.run, limit=-HUGE),
    "ttl": lambda at: at.repo.state.set("k", b"", -HUGE),
    "ttl that is none": lambda at: at.repo.state.set("k", b"", math.nan),
    "endless ttl": lambda at: at.repo.state.set("k", b"", math.inf),
    "key of a value": lambda at: at.repo.state.get(HUGE),
    "snapshots": lambda at: at.repo.state.list_snapshots("acme", -HUGE),
    "snapshot": lambda at: at.repo.state.save_snapshot(snapshot(HUGE)),
    "typed": lambda at: at.repo.events.append("x", "acme", {"type": HUGE}),
    "field": lambda at: at.repo.events.append("x", "acme", {**STEP, "duration_ms": HUGE}),
    "name": lambda at: at.repo.events.append("x", "acme", {**STEP, HUGE: 1}),
    "tenant": lambda at: at.repo.events.append("x", HUGE, STEP),
    "execution": lambda at: at.repo.events.append(HUGE, "acme", STEP),
    "epoch": lambda at: at.repo.events.append("x", "acme", STEP, epoch=HUGE),
    "token": lambda at: LeaseToken.parse("1" * 5000 + ":" + at.run),
    "saved": lambda at: at.repo.verify(against='{"a":' + "[" * 100_000),
    "saved seals": lambda at: at.repo.verify(against="9" * 5000 + ":00"),
}


@pytest.mark.parametrize("what", ODD)
def test_it_is_refused(repo: Repo, what: str) -> None:
    run = repo.runs.create_run(add_spec(repo), aivcs.RunMetadata("agent"))
    with pytest.raises(aivcs.errors.AivcsError) as refused:
        ODD[what](At(repo, run))
    assert len(refused.value.message) < 400
    assert repo.runs.get_events(run) == []
    assert not repo.events.execution_exists("x")
    assert repo.runs.get_run(run).lease is None


def test_a_zone_without_an_offset_is_none(repo: Repo) -> None:
    """Such a time would be taken for one of this machine's own zone."""
    run = repo.runs.create_run(add_spec(repo), aivcs.RunMetadata("agent"))
    odd = datetime(2026, 1, 1, tzinfo=Nowhere())
    with pytest.raises(InvalidEvent, match="not an aware datetime"):
        repo.runs.append_event(run, event(timestamp=odd))
    repo.runs.append_event(run, event(timestamp=odd.replace(tzinfo=UTC)))


def test_what_is_no_event_of_an_unknown_run(repo: Repo) -> None:
    with pytest.raises(aivcs.errors.RunNotFound):
        repo.runs.append_event("nobody", None)  # type: ignore[arg-type]


def test_another_kind_of_event_that_looks_like_one(repo: Repo) -> None:
    run = repo.runs.create_run(add_spec(repo), aivcs.RunMetadata("agent"))

    class Like:
        kind = "note"

    with pytest.raises(InvalidEvent, match="not an event"):
        repo.runs.append_event(run, Like())  # type: ignore[arg-type]


def test_a_value_that_lasts_longer_than_every_clock(repo: Repo) -> None:
    for ttl in (HUGE, 10**400, 1e300):
        repo.state.set("k", b"v", ttl)
        assert repo.state.get("k") == b"v"
    with pytest.raises(InvalidInputError):
        repo.state.set("k", b"v", -(10**400))


def test_values_in_sentences() -> None:
    assert shown("a" * 100, 5) == "'aaaa"
    assert shown(HUGE) == "int of thousands of digits"
    assert shown([1, HUGE]) == "list of thousands of digits"
