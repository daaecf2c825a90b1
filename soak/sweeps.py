"""Which sweeps there are, and how much of each a full soak does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from soak import crew, kills, machine, powercut

if TYPE_CHECKING:
    from collections.abc import Callable

    from soak.result import Result


def _machine(seed: int, share: float) -> Result:
    return machine.run(seed, int(20_000 * share))


def _crew(seed: int, share: float) -> Result:
    return crew.run(seed, int(100_000 * share), 60 * share)


def _powercut(seed: int, share: float) -> Result:
    return powercut.run(seed, int(1000 * share))


def _kills(seed: int, share: float) -> Result:
    return kills.run(seed, int(200 * share))


SWEEPS: Final[dict[str, Callable[[int, float], Result]]] = {
    "machine": _machine,
    "crew": _crew,
    "kills": _kills,
    "powercut": _powercut,
}
