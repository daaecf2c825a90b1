"""The OpenAI Agents SDK's SQLiteSession: an item of a conversation an event."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agents import SQLiteSession

from benchmarks.recorders.events import groups, payload

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.recorders.stretch import Stretch


def write(folder: Path, count: int, group: int, stretch: Stretch) -> None:
    """Store by ``add_items`` of ``group`` items."""

    async def add() -> None:
        session = SQLiteSession("bench", str(folder / "session.db"))
        await session.add_items([payload(-1)])
        with stretch:
            for numbers in groups(count, group):
                await session.add_items([payload(one) for one in numbers])
        session.close()

    asyncio.run(add())


def read(folder: Path, stretch: Stretch) -> int:
    """Return how many items the session has, each decoded."""

    async def get() -> int:
        session = SQLiteSession("bench", str(folder / "session.db"))
        with stretch:
            found = len(await session.get_items())
        session.close()
        return found

    return asyncio.run(get())
