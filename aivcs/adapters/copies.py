"""The ledger in copies of a process: each opens it for itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.ports import Ledger


class LedgerOfProcess:
    """Returns a ledger to the process that calls it.

    To the process that opened it ``ledger`` itself, to a forked copy one that it opens with
    ``again`` at its first call: a connection must not be used on both sides of a fork. It
    lasts as long as the copy, which only reads, and must end before the ledger is closed.
    """

    def __init__(self, ledger: Ledger, again: Callable[[], Ledger]) -> None:
        self._ledger = ledger
        self._again = again
        self._mine = ledger
        self._process = os.getpid()

    def __call__(self) -> Ledger:
        """Return the ledger. Raises like opening one."""
        if self._process != os.getpid():
            # ``_ledger`` stays: a connection must not even be closed in a copy.
            self._mine = self._again()
            self._process = os.getpid()
        return self._mine
