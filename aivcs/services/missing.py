"""What the ledger names and nobody has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.errors import CorruptionError, NotFound, Unreadable
from aivcs.services.reachability import Edge, Node, edges

if TYPE_CHECKING:
    from aivcs.domain.digest import Digest
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore


def missing(ledger: Ledger, objects: CasStore, *, strict: bool = True) -> list[Digest]:
    """Return what rows and the sound documents of specs name, and is in no tier.

    Raises Unreadable for a document that cannot be read; unless ``strict``, what it names is
    left out.
    """
    found = dict.fromkeys(ledger.missing())
    waiting = [Edge("", Node.SPEC, spec.digest) for spec in ledger.specs()]
    seen: set[tuple[Node, Digest]] = set()
    while waiting:
        edge = waiting.pop()
        if (edge.node, edge.digest) in seen:
            continue
        seen.add((edge.node, edge.digest))
        try:
            if edge.node is Node.FILE:
                objects.stat(edge.digest)
            else:
                waiting += edges(edge.node, objects.get(edge.digest))
        except NotFound:
            found[edge.digest] = None
        except CorruptionError:
            continue  # it is there, and damaged
        except Unreadable:
            if strict:
                raise
    return list(found)
