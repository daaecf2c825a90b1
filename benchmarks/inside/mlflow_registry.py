"""MLflow's SQLite registry: moves of one model's alias: FOLDER ENTRIES TURNS.

A promote makes a version and moves the alias to it, a rollback moves the alias back to the
version before, and what is current is what the alias names. The model has so many versions
before anything is timed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

from benchmarks.inside.timing import in_turn, say

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME: Final = "bench"
_ALIAS: Final = "production"


def main() -> None:
    """Make the versions, then promote, roll back and ask in turn."""
    _, folder, entries, turns = sys.argv
    store = SqlAlchemyStore(f"sqlite:///{Path(folder) / 'mlflow.db'}")
    store.create_registered_model(_NAME)

    def promote() -> int:
        version = int(store.create_model_version(_NAME, "file:///nowhere/model").version)
        store.set_registered_model_alias(_NAME, _ALIAS, str(version))
        return version

    for _ in range(int(entries)):
        promote()

    def rollback() -> None:
        version = int(store.get_model_version_by_alias(_NAME, _ALIAS).version)
        store.set_registered_model_alias(_NAME, _ALIAS, str(version - 1))

    moves: dict[str, Callable[[], object]] = {
        "promote": promote,
        "rollback": rollback,
        "current": lambda: store.get_model_version_by_alias(_NAME, _ALIAS),
    }
    say(**in_turn(moves, int(turns)))


if __name__ == "__main__":
    main()
