"""The stretch of a program that is measured: timed, and marked for who traces system calls."""

from __future__ import annotations

import os
from contextlib import suppress
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

BEGIN: Final = "/benchmark-begins"
END: Final = "/benchmark-ends"


class Stretch:
    """``with stretch:`` measures what is inside; wall and CPU seconds are known afterwards."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu = 0.0
        self._start = (0.0, 0.0)

    def __enter__(self) -> Self:
        """Begin."""
        _mark(BEGIN)
        self._start = (perf_counter(), process_time())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End."""
        self.seconds = perf_counter() - self._start[0]
        self.cpu = process_time() - self._start[1]
        _mark(END)


def _mark(path: str) -> None:
    """Make a system call that changes nothing and that nobody else makes."""
    with suppress(OSError):
        os.rmdir(path)  # noqa: PTH106 - quick, and seen by strace as it stands
