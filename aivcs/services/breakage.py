"""What needs an object that is damaged: runs, events, specs, and the releases of those."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from aivcs.domain.report import UNREADABLE, Problem
from aivcs.domain.stream import Family
from aivcs.domain.usage import UseKind
from aivcs.errors import CorruptionError, NotFound, Unreadable
from aivcs.services import bodies
from aivcs.services.reachability import Node, edges
from aivcs.services.release_entry import read_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aivcs.domain.digest import Digest
    from aivcs.domain.usage import Use
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore
    from aivcs.services.reachability import Edge


class Breakage:
    """Knows what breaks with an object.

    What cannot be read is passed over: it is reported where it is checked. Specs and
    releases are read when the first damage is found.
    """

    def __init__(self, ledger: Ledger, objects: CasStore) -> None:
        self._ledger = ledger
        self._objects = objects

    def problems(self, damage: Mapping[Digest, str]) -> Iterator[Problem]:
        """Yield a problem for each damaged object, given with its sentence."""
        return self._problems("object", damage, "this breaks")

    def unread(self, hidden: Mapping[Digest, str]) -> Iterator[Problem]:
        """Yield one for each object that cannot be read, given with its sentence."""
        return self._problems(UNREADABLE, hidden, "for so long this breaks")

    def _problems(self, kind: str, found: Mapping[Digest, str], then: str) -> Iterator[Problem]:
        if not found:
            return
        needs = self.of(list(found))
        for digest, detail in found.items():
            breaks = needs[digest]
            more = f"; {then} {', '.join(breaks)}" if breaks else ""
            yield Problem(kind, str(digest), detail + more, breaks=breaks)

    def of(self, digests: Sequence[Digest]) -> dict[Digest, tuple[str, ...]]:
        """Return for each object what needs it, each in words that follow "this breaks"."""
        needs: dict[Digest, list[str]] = {digest: [] for digest in digests}
        for use in self._ledger.uses(digests):
            if not use.expired:
                needs[use.digest].append(_said(use))
        for digest, found in needs.items():
            specs = self._parts.get(digest, {})
            labels = ((spec, label) for spec, label in specs.items() if label)
            found.extend(f"{label} of spec {spec.short()}" for spec, label in labels)
            for spec in specs:
                found.extend(self._releases.get(spec, ()))
        return {digest: tuple(dict.fromkeys(found)) for digest, found in needs.items()}

    @cached_property
    def _parts(self) -> dict[Digest, dict[Digest, str]]:
        """By object: the specs that need it, each with what it is called there."""
        parts: dict[Digest, dict[Digest, str]] = {}
        known: dict[Digest, list[Edge]] = {}
        for spec in self._ledger.specs():
            if spec.digest in parts.setdefault(spec.digest, {}):
                continue
            parts[spec.digest][spec.digest] = ""  # its document, as a row says already
            for part in self._edges(Node.SPEC, spec.digest):
                parts.setdefault(part.digest, {})[spec.digest] = part.label
                if part.digest not in known:
                    known[part.digest] = self._edges(part.node, part.digest)
                for file in known[part.digest]:
                    parts.setdefault(file.digest, {})[spec.digest] = f"{part.label}/{file.label}"
        return parts

    @cached_property
    def _releases(self) -> dict[Digest, list[str]]:
        """By spec: the releases that name it."""
        releases: dict[Digest, list[str]] = {}
        for stream in self._ledger.streams(Family.RELEASE):
            for entry in self._ledger.entries(Family.RELEASE, stream.name):
                try:
                    ((_, body),) = bodies.payloads(self._objects, [entry])
                    record = read_record(stream.name, entry, body)
                except (CorruptionError, Unreadable):
                    continue
                named = f"release {stream.name}@{entry.seq}"
                releases.setdefault(record.spec_digest, []).append(named)
        return releases

    def _edges(self, node: Node, digest: Digest) -> list[Edge]:
        try:
            return edges(node, self._objects.get(digest))
        except (CorruptionError, NotFound, Unreadable):
            return []


def _said(use: Use) -> str:
    match use.kind:
        case UseKind.PIN:
            return "a pinned object"
        case UseKind.LEASE:
            return f"what {use.owner} holds"
        case _:
            return str(use)
