"""The stores that events are written into: how each is called, and what it flushes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks import durability

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.peers import Peers

GROUP: Final = 100
_ROLLBACK: Final = "every commit is flushed (SQLite, rollback journal, synchronous=FULL)"
_WAL: Final = "every commit is flushed (SQLite, WAL, synchronous=FULL, as the library sets it)"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A side: the module of ``benchmarks.recorders``, and how many events a call gets."""

    name: str
    module: str
    group: int
    ran: str
    durable: str

    def python(self, peers: Peers) -> str:
        """Return the interpreter that has the store's library."""
        ours = self.module.startswith(("aivcs", "bare"))
        return sys.executable if ours else str(peers.python)

    def words(self, peers: Peers, folder: Path, count: int) -> Sequence[str]:
        """Return the command that writes ``count`` events into ``folder``."""
        program = (self.python(peers), "-m", "benchmarks.inside.record")
        return (*program, self.module, str(folder), str(count), str(self.group))


AIVCS: Final = Recorded(
    "aivcs", "aivcs_batches", 1, "repo.runs.append_event, durability sync", durability.AIVCS
)
AIVCS_GROUP: Final = Recorded(
    "aivcs", "aivcs_batches", GROUP, f"repo.runs.append_events of {GROUP}", durability.AIVCS
)
AIVCS_LIVE: Final = Recorded(
    "aivcs, run.event",
    "aivcs_live",
    GROUP,
    "run.event() in durability group, then run.flush()",
    "a thread commits what waits and flushes each commit; the last flush() is measured, too",
)
MLFLOW: Final = Recorded(
    "MLflow log_metric", "mlflow_metrics", 1, "SqlAlchemyStore.log_metric", _ROLLBACK
)
MLFLOW_BATCH: Final = Recorded(
    "MLflow log_batch", "mlflow_metrics", GROUP, f"log_batch of {GROUP} metrics", _ROLLBACK
)

SINGLE: Final = (
    AIVCS,
    Recorded("SQLite, apsw", "bare_apsw", 1, "INSERT of the same row", durability.SQLITE),
    Recorded("SQLite, sqlite3", "bare_sqlite3", 1, "INSERT of the same row", durability.SQLITE),
    MLFLOW,
    Recorded("LangGraph", "langgraph_saver", 1, "SqliteSaver.put of a small checkpoint", _WAL),
    Recorded("DBOS", "dbos_steps", 1, "a step of one workflow", _ROLLBACK),
    Recorded("eventsourcing", "eventsourcing_recorder", 1, "insert_events of one", _WAL),
    Recorded("OpenAI Agents", "openai_session", 1, "SQLiteSession.add_items of one", _WAL),
)
GROUPED: Final = (
    AIVCS_GROUP,
    AIVCS_LIVE,
    Recorded(
        "SQLite, apsw", "bare_apsw", GROUP, f"executemany, {GROUP} a commit", durability.SQLITE
    ),
    Recorded(
        "SQLite, sqlite3", "bare_sqlite3", GROUP, f"executemany, {GROUP} a commit",
        durability.SQLITE,
    ),
    MLFLOW_BATCH,
    Recorded("LangGraph", "langgraph_saver", GROUP, f"SqliteSaver.put_writes of {GROUP}", _WAL),
    Recorded("eventsourcing", "eventsourcing_recorder", GROUP, f"insert_events of {GROUP}", _WAL),
    Recorded("OpenAI Agents", "openai_session", GROUP, f"add_items of {GROUP}", _WAL),
)  # fmt: skip
