"""Disk use: what each tier takes, and who needs how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.domain.blobname import large_name
from aivcs.domain.diskuse import Amount, By, DiskUse, Share
from aivcs.domain.stored import Tier
from aivcs.domain.usage import UseKind
from aivcs.errors import CorruptionError, MissingObject
from aivcs.services.pack_format import header_length
from aivcs.services.reachability import Closure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aivcs.domain.digest import Digest
    from aivcs.domain.pack_writes import Surveyed
    from aivcs.domain.usage import Use
    from aivcs.ports import BlobStore, Ledger
    from aivcs.services.objects import CasStore

_PAGE: Final = 1000
_UNNEEDED: Final = "not needed"
_SPEC: Final = "spec file"
_WORDS: Final = {
    UseKind.PIN: "pinned",
    UseKind.LEASE: "held",
    UseKind.EVENT: "event body",
    UseKind.RELEASE: "release body",
    UseKind.SPEC: _SPEC,
    UseKind.MANIFEST: _SPEC,
}


@dataclass(slots=True)
class _Sum:
    objects: int = 0
    bytes: float = 0
    shared: float = 0

    def add(self, size: float, *, shared: bool = False) -> None:
        self.objects += 1
        self.bytes += size
        self.shared += size if shared else 0


def measure(
    ledger: Ledger,
    blobs: BlobStore,
    objects: CasStore,
    by: By | None,
    advance: Callable[[], None],
) -> DiskUse:
    """Go through all objects once; ``advance`` is called for each.

    Raises CorruptionError where the document of a spec is damaged and ``by`` is given.
    """
    owners = _Owners(ledger, objects, by) if by is not None else None
    densities = dict(_densities(ledger, objects))
    tiers = {tier: _Sum() for tier in Tier}
    shares: dict[str, _Sum] = {}
    after: Digest | None = None
    while page := ledger.survey(after=after, limit=_PAGE):
        after = page[-1].digest
        names = owners.of(page) if owners else {}
        for item in page:
            advance()
            size = _size(item, blobs, densities)
            tiers[item.tier].add(size)
            found = names.get(item.digest, set())
            for name in found:
                shares.setdefault(name, _Sum()).add(size, shared=len(found) > 1)
    packs = sum(pack.size for pack in ledger.packs())
    return DiskUse(
        tiers={tier.value: Amount(sum_.objects, round(sum_.bytes)) for tier, sum_ in tiers.items()},
        ledger=ledger.footprint(),
        packs=packs,
        large=round(tiers[Tier.LARGE].bytes),
        dead=max(0, packs - round(tiers[Tier.SEALED].bytes)),
        by=by,
        shares=tuple(
            Share(name, sum_.objects, round(sum_.bytes), round(sum_.shared))
            for name, sum_ in sorted(shares.items(), key=lambda one: (-one[1].bytes, one[0]))
        ),
    )


def _densities(ledger: Ledger, objects: CasStore) -> Iterator[tuple[Digest, float]]:
    """Yield of each pack how many bytes of its file a byte of its objects takes."""
    for pack in ledger.packs():
        try:
            blocks = objects.packs.footer(pack.digest).blocks
        except CorruptionError:
            continue
        content = sum(block.size - header_length(block.objects) for block in blocks)
        yield pack.digest, pack.size / max(1, content)


def _size(item: Surveyed, blobs: BlobStore, densities: dict[Digest, float]) -> float:
    if item.pack is not None:
        return item.size * densities.get(item.pack, 1.0)
    if item.tier is Tier.LARGE:
        try:
            return blobs.size(large_name(item.digest))
        except MissingObject:
            return 0
    return item.stored


class _Owners:
    """Says whose an object is: names of runs, agents or kinds."""

    def __init__(self, ledger: Ledger, objects: CasStore, by: By) -> None:
        self._ledger = ledger
        self._by = by
        self._closures: dict[str, Closure] = {}
        for spec in ledger.specs():
            name = spec.name if by is By.AGENT else _outside(_SPEC, by)
            closure = self._closures.setdefault(name, Closure(ledger, objects))
            closure.follow(spec.digest)

    def of(self, page: list[Surveyed]) -> dict[Digest, set[str]]:
        """Return the names for each object of a page, at least one."""
        found: dict[Digest, set[str]] = {item.digest: set() for item in page}
        for use in self._ledger.uses(list(found)):
            if not use.expired:
                found[use.digest].add(self._name(use))
        for digest, names in found.items():
            names.update(name for name, closure in self._closures.items() if digest in closure)
            if not names:
                names.add(_outside(_UNNEEDED, self._by))
        return found

    def _name(self, use: Use) -> str:
        if self._by is By.AGENT and use.agent is not None:
            return use.agent
        if self._by is By.RUN and use.is_of_run:
            return use.owner
        return _outside(_WORDS.get(use.kind, use.kind.value), self._by)


def _outside(word: str, by: By) -> str:
    """Return how to call what is no run's or agent's: a name that no agent can have."""
    return word if by is By.KIND else f"(no {by.value}) {word}"
