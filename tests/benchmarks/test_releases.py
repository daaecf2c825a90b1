from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import aivcs
from benchmarks.bench import Bench
from benchmarks.measure import inside
from benchmarks.peers import Peers
from benchmarks.scenarios import ledger_releases

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_moves_are_timed(tmp_path: Path) -> None:
    took = inside(sys.executable, "releases", tmp_path, tmp_path, 20, 3)
    assert set(took) == {f"{move}{kind}" for move in ledger_releases.MOVES for kind in ("", " CPU")}
    assert all(0 <= seconds < 60 for seconds in took.values())
    assert took["promote"] > 0
    with aivcs.open(tmp_path) as repo:
        assert repo.verify().problems == ()
        assert len(repo.releases.history("bench")) == 20 + 2 * (1 + 3)


def test_the_three_sides_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def measured(python: object, module: str, _folder: Path, *words: object) -> dict[str, float]:
        asked.append((python, module, words[1]))
        slow = 0.05 if module == "mlflow_registry" else 0.001
        figures = dict.fromkeys(ledger_releases.MOVES, slow)
        return {**figures, **{f"{move} CPU": slow / 2 for move in ledger_releases.MOVES}}

    monkeypatch.setattr(ledger_releases, "inside", measured)
    peer = tmp_path / "python"
    bench = Bench(tmp_path, 2, 0.001, Peers(tmp_path, peer))
    results = ledger_releases.run(bench)
    assert asked[:3] == [
        (sys.executable, "releases", 10),
        (sys.executable, "releases", 100),
        (peer, "mlflow_registry", 10),
    ]
    assert asked[3:] == asked[2::-1]
    assert [result.title for result in results] == [
        f"releases: {move}" for move in ledger_releases.MOVES
    ]
    for result in results:
        assert [side.values for side in result.sides] == [(1.0, 1.0), (1.0, 1.0), (50.0, 50.0)]
        assert result.sides[0].fact("CPU ms") == (0.5, 0.5)
        assert all(result.met(bar) for bar in result.bars)
