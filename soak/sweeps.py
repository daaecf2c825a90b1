"""Which sweeps there are, and how much of each a full soak does."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soak import (
    crew,
    flips,
    histories,
    kills,
    ledger_flips,
    log_cuts,
    log_flips,
    log_kills,
    machine,
    powercut,
    release_rows,
    tampering,
    truncating,
)
from soak.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable


def _machine(seed: int, share: float) -> Result:
    return machine.run(seed, int(20_000 * share))


def _crew(seed: int, share: float) -> Result:
    return crew.run(seed, int(100_000 * share), 60 * share)


def _powercut(seed: int, share: float) -> Result:
    return powercut.run(seed, int(1000 * share))


def _kills(seed: int, share: float) -> Result:
    return kills.run(seed, int(200 * share))


def _log_kills(seed: int, share: float) -> Result:
    return log_kills.run(seed, int(1000 * share))


def _log_cuts(seed: int, share: float) -> Result:
    return log_cuts.run(seed, int(360 * share))


def _s3(seed: int, share: float) -> Result:
    """Kill a real server under load; needs what the tests need."""
    from tests.s3.kills import survive

    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="aivcs-s3-") as folder:
        found = survive(Path(folder), max(2, int(20 * share)), seed)
    counts = {
        "kills": found.kills,
        "uploads acknowledged": found.acknowledged,
        "uploads refused, then repeated": found.refused,
    }
    wrong = (*(f"{name} is lost" for name in found.lost), *found.surprises)
    return Result("s3", seed, time.monotonic() - began, counts, wrong)


SWEEPS: Final[dict[str, Callable[[int, float], Result]]] = {
    "machine": _machine,
    "crew": _crew,
    "kills": _kills,
    "powercut": _powercut,
    "s3": _s3,
    "log-kills": _log_kills,
    "log-cuts": _log_cuts,
    "flips": flips.run,
    "ledger-flips": ledger_flips.run,
    "tampering": tampering.run,
    "truncating": truncating.run,
    "log-flips": log_flips.run,
    "release-rows": release_rows.run,
    "histories": histories.run,
}
