"""When sealing begins by itself: in the background, after a process that wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.errors import AivcsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.ports import Ledger


class AutoSeal:
    """Starts a sealer at the end of a process when ``threshold`` small objects wait.

    ``start`` starts one and returns at once; None turns it off. ``wrote`` tells whether
    this process changed anything: one that only read starts nothing.
    """

    def __init__(
        self,
        ledger: Ledger,
        threshold: int,
        wrote: Callable[[], bool],
        start: Callable[[], None] | None,
    ) -> None:
        self._ledger = ledger
        self._threshold = threshold
        self._wrote = wrote
        self._start = start

    def is_due(self) -> bool:
        """Tell whether enough objects wait. Raises StorageError."""
        return self._ledger.backlog() >= self._threshold

    def settle(self) -> None:
        """Start no sealer at the end: this process is one."""
        self._start = None

    def leave(self) -> None:
        """Start a sealer if it pays and nobody is at upkeep; never fails, at most once."""
        start, self._start = self._start, None
        try:
            if start is None or not self._wrote() or not self.is_due():
                return
            with self._ledger.upkeep(wait=False) as free:
                pass
        except AivcsError:
            return
        if free:
            start()
