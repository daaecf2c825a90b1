"""Long sequences of random steps against a model, in memory and on disk."""

from __future__ import annotations

import shutil
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from aivcs.repo import init, open_repo
from aivcs.testing.objects_machine import ObjectsMachine
from soak.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.repo import Repo

STEPS_AN_EXAMPLE: Final = 60
_ABOUT: Final = 50
"""About so many steps an example really has."""


class Memory(ObjectsMachine):
    """A repository in memory."""

    def open_one(self) -> Repo:
        """Return a new one."""
        return open_repo("memory:")


class Disk(ObjectsMachine):
    """A repository of files, in a folder that goes with the machine."""

    reopens: ClassVar[bool] = True

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="aivcs-objects-"))
        super().__init__()

    def open_one(self) -> Repo:
        """Open it, also while it is open."""
        return init(self._folder)

    def teardown(self) -> None:
        """Check it to the end, then remove it."""
        try:
            super().teardown()
        finally:
            shutil.rmtree(self._folder)


def run(number: int, steps: int, *, shrink: bool = True) -> Result:
    """Take at least ``steps`` steps, three quarters of them on disk.

    Wrong is whatever the machine's checks refuse; the way there is told, a short one when it
    may ``shrink``, which takes minutes.
    """
    began = time.monotonic()
    counts: dict[str, int] = {}
    wrong: list[str] = []
    for machine, share in ((Memory, 0.25), (Disk, 0.75)):
        machine.steps = 0
        chosen = settings(
            max_examples=1 + int(steps * share / _ABOUT),
            stateful_step_count=STEPS_AN_EXAMPLE,
            deadline=None,
            database=None,
            phases=(Phase.generate, *[Phase.shrink] * shrink),
            suppress_health_check=list(HealthCheck),
        )
        rounds = 0
        while machine.steps < steps * share and not wrong:
            try:
                run_state_machine_as_test(seed(number + rounds)(machine), settings=chosen)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
                wrong += [f"{machine.__name__}: {text}" for text in _told(error)]
            rounds += 1
        counts[f"steps ({machine.__name__.lower()})"] = machine.steps
    return Result("machine", number, time.monotonic() - began, counts, tuple(wrong))


def _told(error: Exception) -> Iterator[str]:
    """Yield each failure with the steps that lead to it."""
    if isinstance(error, ExceptionGroup):
        for one in error.exceptions:
            yield from _told(one)
        return
    frame = traceback.extract_tb(error.__traceback__)[-1]
    steps = getattr(error, "__notes__", [])
    yield "\n".join([f"{error!r} at {frame.filename}:{frame.lineno}", *steps])
