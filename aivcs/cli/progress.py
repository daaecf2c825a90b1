"""A sign of life on a terminal while long work goes on."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PATIENCE_SECONDS: Final = 0.5
_EVERY: Final = 64


@contextmanager
def counting(what: str, total: int | None = None) -> Iterator[Callable[[], None]]:
    """Yield a function to call for each piece of work that is done.

    When stderr is a terminal and the work takes longer than half a second, a bar shows
    how far it is; it vanishes at the end. Elsewhere nothing is written.
    """
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn()
    bar = Progress(*columns, console=Console(file=sys.stderr), transient=True)
    task = bar.add_task(what, total=total)
    begun = time.monotonic()
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        if done % _EVERY and done != total:
            return
        bar.update(task, completed=done)
        if not bar.live.is_started and time.monotonic() - begun > _PATIENCE_SECONDS:
            bar.start()

    try:
        yield advance
    finally:
        bar.stop()
