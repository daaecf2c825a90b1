"""Which values of a ledger in memory need an object."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from aivcs.domain.stream import Family
from aivcs.domain.usage import Use, UseKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.adapters.memory_ledger.logs import Logs
    from aivcs.adapters.memory_ledger.shelf import Shelf


def every_use(logs: Logs, shelf: Shelf) -> Iterator[Use]:
    """Yield all uses of all objects, those of expired runs too."""
    yield from _of_references(logs, shelf)
    yield from _of_runs(logs)
    yield from _of_entries(logs)
    for spec in logs.specs():
        yield Use(spec.digest, UseKind.SPEC, str(spec.digest), spec.name)
        if spec.manifest:
            yield Use(spec.manifest, UseKind.MANIFEST, str(spec.digest), spec.name)
    for digest in shelf.held():
        yield Use(digest, UseKind.LEASE, f"process {os.getpid()} (lease 1)")


def _of_references(logs: Logs, shelf: Shelf) -> Iterator[Use]:
    for reference in shelf.references():
        run = logs.run(reference.run_id) if reference.run_id is not None else None
        if run is None:
            yield Use(reference.digest, UseKind.PIN)
        else:
            kind, agent = UseKind(reference.role.value), run.metadata.agent_name
            expired = run.expired_at is not None
            yield Use(reference.digest, kind, run.run_id, agent, expired=expired)


def _of_runs(logs: Logs) -> Iterator[Use]:
    for run in logs.every_run():
        agent, expired = run.metadata.agent_name, run.expired_at is not None
        if run.source:
            yield Use(run.source.digest, UseKind.SOURCE, run.run_id, agent, expired=expired)
        final = run.summary.final_state_digest if run.summary else None
        if final:
            yield Use(final, UseKind.STATE, run.run_id, agent, expired=expired)


def _of_entries(logs: Logs) -> Iterator[Use]:
    for head, entry in logs.every_entry():
        if entry.object is not None:
            run = logs.run(head.name) if head.family is Family.RUN else None
            kind = UseKind.EVENT if run else UseKind.RELEASE
            agent = run.metadata.agent_name if run else head.name
            yield Use(entry.object, kind, head.name, agent, entry.seq)


def holder(use: Use) -> str:
    """Return how a use is named where an object may not go; nothing for a pin or a lease."""
    if use.expired or use.kind in {UseKind.PIN, UseKind.LEASE}:
        return ""
    if use.kind in {UseKind.SPEC, UseKind.MANIFEST}:
        return f"spec {use.agent}"
    if use.seq is not None:
        family = Family.RUN if use.kind is UseKind.EVENT else Family.RELEASE
        return f"{family.value} {use.owner} #{use.seq}"
    word = "final state" if use.kind is UseKind.STATE else use.kind.value
    return f"run {use.owner} ({word})"
