"""Computing in a thread, so that whoever waits for it can be interrupted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def aside(work: Callable[[], T]) -> T:
    """Return what ``work`` returns, or raise what it raises.

    An interrupt is answered at once, which in a long call of C it is not. The thread then
    computes on for nobody, and neither the caller nor the end of the process waits for it:
    so ``work`` reads and writes nothing that others see.
    """
    from concurrent.futures import Future

    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            outcome.set_exception(error)

    threading.Thread(target=run, name="aivcs-aside", daemon=True).start()
    return outcome.result()
