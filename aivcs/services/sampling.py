"""Which part of the content is read when not all of it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

_RANGE: Final = 2**64


class Portion:
    """Takes things by chance, ``percent`` of them, until ``spent`` says to stop.

    The same ``seed`` takes the same things, in the same order. ``whole`` tells whether
    nothing was left out.
    """

    def __init__(self, percent: float, seed: int, spent: Callable[[], bool]) -> None:
        self._limit = int(percent / 100 * _RANGE)
        self._seed = seed
        self._spent = spent
        self.whole = True

    def spent(self) -> bool:
        """Tell whether to stop; then something is left out."""
        if self._spent():
            self.whole = False
            return True
        return False

    def takes(self, key: str) -> bool:
        """Tell whether the thing of this name is read."""
        if self._limit < _RANGE and self._chance(key) >= self._limit:
            self.whole = False
        elif not self.spent():
            return True
        return False

    def chosen(self, things: Iterable[tuple[str, T]]) -> list[T]:
        """Return those of the named things that are read, in the order of reading.

        Of some things at least one is: a sample without content would find no damage.
        """
        known = [(self._chance(key), key, thing) for key, thing in things]
        known.sort(key=lambda one: one[:2])
        kept = [one for one in known if one[0] < self._limit] or known[:1]
        self.whole &= len(kept) == len(known)
        return [thing for *_, thing in kept]

    def _chance(self, key: str) -> int:
        from hashlib import sha256

        return int.from_bytes(sha256(f"{self._seed} {key}".encode()).digest()[:8])
