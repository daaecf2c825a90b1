"""Ledger 10: moves of releases, in a short log and in a long one."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Final

from benchmarks import durability
from benchmarks.measure import inside
from benchmarks.model import Bar, Measured, Result, Side

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench

FEW: Final = 10
MANY: Final = 100_000
TURNS: Final = 200
_SHORT, _LONG, _MLFLOW = "aivcs, short log", "aivcs, long log", "mlflow, short log"
_MILLI: Final = 1e3
_COMMIT: Final = "SQLite's commit (MLflow's defaults)"
MOVES: Final = {
    "promote": "create_model_version, set_registered_model_alias",
    "rollback": "get_model_version_by_alias, set_registered_model_alias",
    "current": "get_model_version_by_alias",
}
"""What is timed, and what MLflow's registry has in its place."""


def run(bench: Bench) -> list[Result]:
    """Time all moves at both lengths and beside MLflow's registry, back and forth."""
    many, turns = bench.scaled(MANY), bench.scaled(TURNS)
    sides: dict[str, tuple[Path | str, str, int]] = {
        _SHORT: (sys.executable, "releases", FEW),
        _LONG: (sys.executable, "releases", many),
        _MLFLOW: (bench.peers.python, "mlflow_registry", FEW),
    }
    took: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for turn in range(bench.repeat):
        for name in sides if turn % 2 == 0 else reversed(sides):
            python, module, entries = sides[name]
            folder = bench.scratch / "turn"
            folder.mkdir(parents=True)
            took[name].append(inside(python, module, folder, folder, entries, turns))
            shutil.rmtree(folder)
    return [_result(move, took, many, turns) for move in MOVES]


def _result(move: str, took: dict[str, list[dict[str, float]]], many: int, turns: int) -> Result:
    def side(name: str) -> Side:
        ours = name != _MLFLOW
        ran = f"repo.releases.{move}" if ours else MOVES[move]
        measured = tuple(
            Measured(one[move] * _MILLI, {"CPU ms": one[f"{move} CPU"] * _MILLI})
            for one in took[name]
        )
        return Side(name, ran, durability.AIVCS if ours else _COMMIT, measured)

    return Result(
        10,
        f"releases: {move}",
        f"{turns:,} calls of each move in turn, each timed by itself, in a library that is open. "
        f"The logs have {FEW} and {many:,} entries before. Every object of a spec is read and "
        "hashed before it is released or restored, which MLflow has nothing for.",
        "ms, median",
        tuple(side(name) for name in took),
        (
            Bar(_LONG, _SHORT, at_most=1.5),
            Bar(_MLFLOW, _SHORT, at_least=20),
        ),
    )
