"""Why an object is kept: every chain that leads to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.usage import Explanation, Reason, UseKind
from aivcs.errors import MissingObject, NotFound
from aivcs.services.damage import absent
from aivcs.services.reachability import Chains
from aivcs.services.released import every_release

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.digest import Digest
    from aivcs.domain.usage import Use
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore


def explain(ledger: Ledger, objects: CasStore, digest: Digest) -> Explanation:
    """Return everything that keeps an object: rows, live processes, specs, releases.

    Raises NotFound for one that is neither stored nor named anywhere, CorruptionError
    where the document of a spec is damaged.
    """

    def find(wanted: Digest) -> bytes | None:
        try:
            return objects.get(wanted)
        except (NotFound, MissingObject):
            return None

    stored = digest in ledger.sizes([digest])
    uses = ledger.uses([digest])
    chains = Chains(ledger, find, digest).refresh()
    reasons = [_of_use(use) for use in uses if not use.expired]
    reasons += [Reason("spec", str(chain.spec), str(chain)) for chain in chains]
    specs = {chain.spec for chain in chains}
    if any(use.kind is UseKind.SPEC for use in uses):
        specs.add(digest)
    reasons += _of_releases(ledger, objects, specs)
    let_go = tuple(_of_use(use) for use in uses if use.expired)
    if not stored and not reasons and not let_go:
        raise absent(digest, ledger)
    return Explanation(digest, stored, tuple(dict.fromkeys(reasons)), let_go)


def _of_use(use: Use) -> Reason:
    name = use.owner if use.seq is None else f"{use.owner}#{use.seq}"
    return Reason(use.kind.value, name, str(use))


def _of_releases(ledger: Ledger, objects: CasStore, specs: set[Digest]) -> Iterator[Reason]:
    if not specs:
        return
    for record in every_release(ledger, objects):
        if record.spec_digest in specs:
            name = f"{record.name}@{record.seq}"
            label = record.metadata.version_label
            called = f" ({label})" if label else ""
            detail = f"release {name}{called} names spec {record.spec_digest.short()}"
            yield Reason("release", name, detail)
