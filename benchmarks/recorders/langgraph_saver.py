"""LangGraph's SqliteSaver: a small checkpoint an event, or the writes of a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.sqlite import SqliteSaver

from benchmarks.recorders.events import groups, payload

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.recorders.stretch import Stretch

_THREAD: dict[str, Any] = {"configurable": {"thread_id": "1", "checkpoint_ns": ""}}


def write(folder: Path, count: int, group: int, stretch: Stretch) -> None:
    """Store each event by ``put``, or ``group`` events by ``put_writes``."""
    with SqliteSaver.from_conn_string(str(folder / "saver.db")) as saver:
        place = _put(saver, _THREAD, -1)
        with stretch:
            for numbers in groups(count, group):
                if group == 1:
                    place = _put(saver, place, numbers[0])
                else:
                    saver.put_writes(
                        place, [("event", payload(one)) for one in numbers], f"task-{numbers[0]}"
                    )


def _put(saver: SqliteSaver, place: Any, number: int) -> Any:  # noqa: ANN401 - the library's own
    checkpoint = {**empty_checkpoint(), "channel_values": {"event": payload(number)}}
    return saver.put(place, checkpoint, {"source": "loop", "step": number, "parents": {}}, {})


def read(folder: Path, stretch: Stretch) -> int:
    """Return how many writes the newest checkpoint has, each decoded."""
    with SqliteSaver.from_conn_string(str(folder / "saver.db")) as saver, stretch:
        return len(saver.get_tuple(_THREAD).pending_writes)
