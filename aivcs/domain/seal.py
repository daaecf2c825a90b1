"""The seal of a run: its closing record, fixed when the run ends.

It binds what the ledger knows of the run to the root of the tree over its events. What may
still change of an ended run (which of its objects are kept) is not part of it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from aivcs.domain import canonical, jsontext
from aivcs.domain.moment import text
from aivcs.errors import InvalidRunState

if TYPE_CHECKING:
    from aivcs.domain.run import RunRecord, Source

VERSION: Final = 1


def seal_text(record: RunRecord, root: bytes) -> str:
    """Return the closing record of an ended run as canonical JSON (RFC 8785).

    Times are RFC 3339 in UTC, digests and ``root`` (32 bytes, over all entries) hex.
    ``tags`` is the JSON text the tags are stored as, because canonical JSON does not have
    every number that tags may hold. InvalidRunState for a run that has not ended.
    """
    summary, completed_at = record.summary, record.completed_at
    if summary is None or completed_at is None:
        msg = f"run {record.run_id} is {record.status.value}, so there is nothing to seal"
        raise InvalidRunState(msg, hint="a run is sealed when it ends")
    meta = record.metadata
    closing = {
        "v": VERSION,
        "run_id": str(record.run_id),
        "spec": _name(record.spec_digest),
        "agent": meta.agent_name,
        "tenant": record.tenant,
        "git_sha": meta.git_sha,
        "tags": jsontext.encode(meta.tags),
        "environment": None if meta.environment is None else dict(meta.environment),
        "source": _source(record.source),
        "created_at": text(record.created_at),
        "status": record.status.value,
        "success": summary.success,
        "duration_ms": summary.duration_ms,
        "final_state": _name(summary.final_state_digest),
        "reason": record.reason,
        "completed_at": text(completed_at),
        "size": record.total_events,
        "root": root.hex(),
    }
    return canonical.dumps(closing).decode()


def seal_hash(record: RunRecord, root: bytes) -> bytes:
    """Return the SHA-256 of ``seal_text`` in UTF-8, 32 bytes."""
    return sha256(seal_text(record, root).encode()).digest()


def _name(digest: object) -> str | None:
    return None if digest is None else str(digest)


def _source(source: Source | None) -> dict[str, str | int] | None:
    if source is None:
        return None
    return {"digest": str(source.digest), "index": source.index, "format": source.format}
