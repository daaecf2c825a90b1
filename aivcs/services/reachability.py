"""What the documents of specs lead to: components, and from those to files.

Objects of some kinds name other objects in their content. ``edges`` knows which; nothing
else here knows what a spec is made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aivcs.domain.spec import read_component_document, read_spec_document
from aivcs.errors import CorruptionError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.domain.digest import Digest
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore


class Node(StrEnum):
    """What an object is, as far as it matters for what it names."""

    SPEC = "spec"
    COMPONENT = "component"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Edge:
    """A name in the content of an object: what it leads to and what it is called there."""

    label: str
    node: Node
    digest: Digest


def edges(node: Node, data: bytes) -> list[Edge]:
    """Return what a spec or component names; CorruptionError if ``data`` is not one."""
    if node is Node.SPEC:
        return [
            Edge(part, Node.COMPONENT, component)
            for part, component in read_spec_document(data).items()
            if component is not None
        ]
    return [Edge(file.path, Node.FILE, file.digest) for file in read_component_document(data)]


class Closure:
    """Every object that specs lead to; ``digest in closure`` asks.

    ``refresh`` follows the specs that were listed since, each object once. Following raises
    CorruptionError naming the document that is missing or damaged: nobody can tell what
    it needs.
    """

    def __init__(self, ledger: Ledger, objects: CasStore) -> None:
        self._ledger = ledger
        self._objects = objects
        self._seen: set[tuple[Node, Digest]] = set()
        self._reached: set[Digest] = set()

    def __contains__(self, digest: Digest) -> bool:
        """Tell whether a spec that was followed needs the object."""
        return digest in self._reached

    def refresh(self) -> None:
        """Follow what is listed and was not followed yet."""
        for spec in self._ledger.specs():
            self.follow(spec.digest)

    def follow(self, spec: Digest) -> None:
        """Follow one spec, unless that was done."""
        waiting = [Edge("", Node.SPEC, spec)]
        passed: set[tuple[Node, Digest]] = set()
        while waiting:
            edge = waiting.pop()
            self._reached.add(edge.digest)
            step = (edge.node, edge.digest)
            if edge.node is Node.FILE or step in self._seen or step in passed:
                continue
            waiting += edges(edge.node, self._read(spec, edge))
            passed.add(step)
        # Not before: after an error all of it is followed again.
        self._seen |= passed

    def _read(self, spec: Digest, edge: Edge) -> bytes:
        try:
            return self._objects.get(edge.digest)
        except (NotFound, CorruptionError) as error:
            what = "its document" if edge.node is Node.SPEC else f"its {edge.label}"
            msg = f"nobody can tell what spec {spec.short()} needs: {what}: {error.message}"
            hint = "'aivcs repair' mends what can be mended, 'spec add' stores it again"
            raise CorruptionError(msg, hint=hint) from error


class Chains:
    """The ways by which listed specs lead to one object.

    ``read`` returns an object, or None when it is not stored: what is gone leads to
    nothing. Raises CorruptionError for a document that is damaged.
    """

    def __init__(
        self, ledger: Ledger, read: Callable[[Digest], bytes | None], digest: Digest
    ) -> None:
        self._ledger = ledger
        self._read = read
        self._digest = digest
        self._followed: set[Digest] = set()
        self._files: dict[Digest, tuple[str, ...]] = {}
        self.found: list[Chain] = []

    def refresh(self) -> list[Chain]:
        """Follow the specs that were listed since, and return all chains found."""
        for spec in self._ledger.specs():
            if spec.digest not in self._followed:
                self._follow(spec.digest)
                self._followed.add(spec.digest)
        return self.found

    def _follow(self, spec: Digest) -> None:
        for edge in self._edges(Node.SPEC, spec):
            if edge.digest == self._digest:
                self.found.append(Chain(spec, edge.label))
            if edge.digest not in self._files:
                self._files[edge.digest] = tuple(
                    file.label
                    for file in self._edges(edge.node, edge.digest)
                    if file.digest == self._digest
                )
            self.found += [Chain(spec, edge.label, path) for path in self._files[edge.digest]]

    def _edges(self, node: Node, digest: Digest) -> list[Edge]:
        document = self._read(digest)
        return [] if document is None else edges(node, document)


@dataclass(frozen=True, slots=True)
class Chain:
    """From a spec to an object: its component, and the path of the file in that."""

    spec: Digest
    component: str
    path: str | None = None

    def __str__(self) -> str:
        """Return the chain as a person says it."""
        inside = self.component if self.path is None else f"{self.path} in {self.component}"
        return f"{inside} of spec {self.spec.short()}"
