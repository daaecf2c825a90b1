"""Signals that ask this process to stop, remembered for the loop that passes them on."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType
    from typing import Self

_STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_TYPED: Final = frozenset({signal.SIGINT, signal.SIGQUIT})


class Signals:
    """Remembers INT, TERM, HUP and QUIT instead of dying of them, until they are put back.

    That is at the end of the block, or before it by ``put_back``. A signal that is ignored
    (nohup) stays so. Outside the main thread, where no handler can be set, nothing is
    remembered.
    """

    def __init__(self) -> None:
        self._seen: list[signal.Signals] = []
        self._before: dict[signal.Signals, signal._HANDLER] = {}

    def take(self) -> list[signal.Signals]:
        """Return the signals that came since the last call, each once."""
        # One more may come between any two of these lines; it stays for the next call.
        count = len(self._seen)
        seen = self._seen[:count]
        del self._seen[:count]
        return list(dict.fromkeys(seen))

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._seen.append(signal.Signals(number))

    def __enter__(self) -> Self:
        """Set the handlers."""
        if threading.current_thread() is threading.main_thread():
            for number in _STOPPING:
                before = signal.getsignal(number)
                if before not in {signal.SIG_IGN, None}:
                    self._before[number] = before
                    signal.signal(number, self._note)
        return self

    def put_back(self) -> None:
        """Put back the handlers that were there; idempotent."""
        while self._before:
            signal.signal(*self._before.popitem())

    def __exit__(self, *_: object) -> None:
        """Put back the handlers that were there."""
        self.put_back()


def reached_all(number: signal.Signals) -> bool:
    """Tell whether the terminal sent this signal to the command, too.

    A key typed at a terminal signals every process of the foreground group; a command
    that got it must not get it twice.
    """
    if number not in _TYPED or not os.isatty(0):
        return False
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False
