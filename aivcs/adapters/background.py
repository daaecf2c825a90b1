"""Starting this program in the background, so that whoever starts it waits for nothing."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_YIELDING: Final = 10
_INTERPRETERS: Final = ("python", "pypy", "graalpy")
_started: Final[list[int]] = []


def start(arguments: Sequence[str]) -> None:
    """Start ``aivcs`` with these arguments, detached: it outlives this process.

    It has no terminal, no open file of this process, and reads and writes nothing; others
    go first where processors are few. When it cannot be started, nothing happens.
    """
    import subprocess

    _forget_ended()
    if not _is_interpreter(sys.executable):
        return
    with contextlib.suppress(OSError):
        # Not a context manager: nobody waits for it.
        child = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", "aivcs", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        _started.append(child.pid)
        # Else the object would complain that the process still runs.
        child.returncode = 0
        os.setpriority(os.PRIO_PROCESS, child.pid, _YIELDING)


def _is_interpreter(program: str) -> bool:
    """Tell whether this program takes a module to run.

    A program that was frozen, or has an interpreter built in, is not to be started again:
    it would do its own work once more.
    """
    name = os.path.basename(program)  # noqa: PTH119 - pathlib is not needed otherwise
    return name.startswith(_INTERPRETERS) and not hasattr(sys, "frozen")


def _forget_ended() -> None:
    """Let the operating system forget the processes that have ended."""
    for pid in tuple(_started):
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                continue
        _started.remove(pid)
