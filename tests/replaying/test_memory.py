"""What reads a log of any length takes constant memory."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from aivcs.repo import init
from aivcs.services import event_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aivcs.repo import Repo

EVENTS = 20_000
LIMIT = 2 * 2**20
"""Bytes; a list of the events would take some ten times as many."""


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repo]:
    with init(tmp_path_factory.mktemp("long")) as repo:
        event = {"type": "custom", "event_type": "n", "data": {"text": "x" * 100}}
        for _ in range(EVENTS // 2000):
            repo.events.append_batch("long", "t", [event] * 2000)
        repo.events.append("long", "t", {"type": "execution_cancelled", "reason": "enough"})
        yield repo


def count(events: Iterator[object]) -> int:
    return sum(1 for _ in events)


@pytest.mark.parametrize(
    "read",
    [
        lambda repo: count(repo.events.iter_events("long")),
        lambda repo: count(repo.events.follow("long")),
        lambda repo: count(repo.runs.iter_events("long")),
        lambda repo: count(repo.watch("long")),
        lambda repo: repo.replay("long").summary.event_count,
    ],
    ids=["iter_events", "follow", "runs", "watch", "replay"],
)
def test_reading_takes_constant_memory(repo: Repo, read: Callable[[Repo], int]) -> None:
    repo.events.count_events("long")
    tracemalloc.start()
    try:
        assert read(repo) == EVENTS + 1
        assert tracemalloc.get_traced_memory()[1] < LIMIT
    finally:
        tracemalloc.stop()


def test_many_executions_are_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_store, "_REMEMBERED", 3)
    event = {"type": "custom", "event_type": "n", "data": None}
    with init(tmp_path) as repo:
        for turn in range(3):
            for number in range(7):
                assert repo.events.append(f"e{number}", "t", event) == turn + 1
                assert len(repo.events._tenants) <= 3
