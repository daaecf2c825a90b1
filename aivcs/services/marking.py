"""What is stored, a page at a time, divided into what is needed and what is not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.domain.collection import Held
from aivcs.domain.usage import LET_GO, UseKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet

    from aivcs.domain.digest import Digest
    from aivcs.domain.pack_writes import Surveyed
    from aivcs.domain.usage import Use
    from aivcs.ports import Ledger
    from aivcs.services.reachability import Closure

PAGE: Final = 1000
_NAMED: Final = 20


@dataclass(slots=True)
class Living:
    """How many objects of a pack are needed, and their bytes unpacked."""

    objects: int = 0
    bytes: int = 0


class Mark:
    """Goes through what is stored once, in constant memory but for what specs need.

    ``closure`` is what specs lead to. The runs ``let_go`` are looked at as if retention had
    let them go already. ``advance`` is told of each object. While ``pages`` is iterated,
    ``packs`` says what is needed of each pack, ``objects`` counts, and ``held`` sums up what
    nothing but a live process keeps.
    """

    def __init__(
        self,
        ledger: Ledger,
        closure: Closure,
        advance: Callable[[], None],
        *,
        let_go: AbstractSet[str] = frozenset(),
    ) -> None:
        self._ledger = ledger
        self._closure = closure
        self._advance = advance
        self._let_go = let_go
        self._held: Counter[str] = Counter()
        self._holders: set[str] = set()
        self.packs: dict[Digest, Living] = {}
        self.objects = 0

    @property
    def held(self) -> Held:
        """What live processes hold that nothing names."""
        by = tuple(sorted(self._holders)[:_NAMED])
        return Held(self._held["objects"], self._held["bytes"], by)

    def pages(self) -> Iterator[list[Surveyed]]:
        """Yield what nothing needs; the rest is counted. A page may be empty."""
        after: Digest | None = None
        while page := self._ledger.survey(after=after, limit=PAGE):
            after = page[-1].digest
            yield self._garbage(page)

    def _garbage(self, page: list[Surveyed]) -> list[Surveyed]:
        loose = self._loose(page)
        garbage: list[Surveyed] = []
        held: list[Surveyed] = []
        for item in page:
            self.objects += 1
            self._advance()
            if item.digest in self._closure or (item.named and item.digest not in loose):
                self.keep(item)
            elif item.held:
                self.keep(item)
                held.append(item)
            else:
                garbage.append(item)
        if held:
            self._count(held)
        return garbage

    def keep(self, item: Surveyed) -> None:
        """Count an object as needed."""
        if item.pack is not None:
            living = self.packs.setdefault(item.pack, Living())
            living.objects += 1
            living.bytes += item.size

    def _count(self, held: list[Surveyed]) -> None:
        self._held["objects"] += len(held)
        self._held["bytes"] += sum(item.stored for item in held)
        if len(self._holders) < _NAMED:
            uses = self._ledger.uses([item.digest for item in held])
            self._holders.update(use.owner for use in uses if use.kind is UseKind.LEASE)

    def _loose(self, page: list[Surveyed]) -> set[Digest]:
        """Return what is named only by runs that are let go."""
        named = {item.digest for item in page if item.named}
        if not self._let_go or not named:
            return set()
        kept = {use.digest for use in self._ledger.uses(sorted(named)) if self._keeps(use)}
        return named - kept

    def _keeps(self, use: Use) -> bool:
        gone = use.expired or (use.kind in LET_GO and use.owner in self._let_go)
        return not gone and use.kind is not UseKind.LEASE
