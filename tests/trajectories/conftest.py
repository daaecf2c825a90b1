from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aivcs.domain import jsontext
from aivcs.domain.kinds import check_kind_payload
from aivcs.domain.names import check_name
from aivcs.domain.spec import Component, check_paths
from aivcs.trajectories import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aivcs.trajectories import Recorded


SUFFIXES = (".json", ".jsonl", ".traj")


def _check(run: Recorded) -> None:
    """Check what holds for a run of every format."""
    check_name(run.agent)
    for event in run.events:
        check_kind_payload(event.kind, event.payload)
        jsontext.encode(event.payload)
    jsontext.encode(run.tags)
    assert run.spec is not None
    assert "config/agent.json" in run.spec["config"]
    assert set(run.spec) <= set(Component)
    check_paths((part, path) for part, files in run.spec.items() for path in files)
    times = [event.timestamp for event in run.events if event.timestamp]
    assert run.started_at == min(times, default=None)
    assert run.ended_at == max(times, default=None)


@pytest.fixture(scope="session")
def recorded() -> Callable[..., tuple[Recorded, ...]]:
    """Read a value, text or bytes, and check what every run of a trajectory must hold."""

    def read_it(source: object, format_name: str = "auto") -> tuple[Recorded, ...]:
        if not isinstance(source, str | bytes):
            source = json.dumps(source)
        raw = source.encode() if isinstance(source, str) else source
        runs = read(raw, format_name, name="sample")
        assert [run.index for run in runs] == list(range(len(runs)))
        for run in runs:
            _check(run)
        return runs

    return read_it


@pytest.fixture(scope="session")
def files(data: Callable[[str], Path]) -> Callable[[str], Iterator[Path]]:
    """Give the real files of a folder of data, sorted; skip where there are none."""

    def find(name: str) -> Iterator[Path]:
        found = sorted(path for path in data(name).rglob("*.*") if path.suffix in SUFFIXES)
        assert found
        yield from found

    return find
