"""DBOS with its SQLite system database: a step of one workflow an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbos import DBOS

from benchmarks.recorders.events import payload

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.domain.canonical import Json
    from benchmarks.recorders.stretch import Stretch


def write(folder: Path, count: int, group: int, stretch: Stretch) -> None:
    """Run a workflow of ``count`` steps; each is recorded when it ends."""
    del group  # a step is recorded by itself

    def recorded(number: int) -> dict[str, Json]:
        return payload(number)

    DBOS(
        config={
            "name": "bench",
            "system_database_url": f"sqlite:///{folder / 'dbos.db'}",
            "run_admin_server": False,
            "log_level": "ERROR",
        }
    )
    step = DBOS.step()(recorded)

    def steps() -> None:
        step(-1)
        with stretch:
            for number in range(count):
                step(number)

    workflow = DBOS.workflow()(steps)
    DBOS.launch()
    workflow()
    DBOS.destroy()
