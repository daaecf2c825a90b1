"""An entry of a release log as a record, and a record as the body of an entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from aivcs.domain.digest import Digest
from aivcs.domain.receipt import Receipt
from aivcs.domain.release import ReleaseKind, ReleaseMetadata, ReleaseRecord
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.canonical import Json
    from aivcs.domain.stream import Entry
    from aivcs.domain.verdict import Verdict

_OPTIONAL: Final = ("promoted", "keeps", "deprecation")


def release_body(record: ReleaseRecord) -> dict[str, Json]:
    """Return the body of a release's entry in the log."""
    body: dict[str, Json] = {
        "spec_digest": str(record.spec_digest),
        "metadata": {
            "version_label": record.metadata.version_label,
            "promoted_by": record.metadata.promoted_by,
            "notes": record.metadata.notes,
        },
        "actor": record.actor,
        "reason": record.reason,
        "previous": record.previous,
        "restores": record.restores,
    }
    if record.kind is ReleaseKind.ROLLBACK:
        body["no_change"] = record.no_change
    if record.receipt is not None:
        body["receipt"] = record.receipt._asdict()
    if record.verdict is not None:
        body["verdict"] = record.verdict.json()
    for key in _OPTIONAL:
        if (seq := getattr(record, key)) is not None:
            body[key] = seq
    return body


def read_record(name: str, entry: Entry, body: Json) -> ReleaseRecord:
    """Return a stored entry as a record; CorruptionError when it is not one."""
    try:
        fields = dict(cast("Mapping[str, Any]", body))
        return ReleaseRecord(
            name=name,
            seq=entry.seq,
            kind=ReleaseKind(entry.kind),
            spec_digest=Digest.parse(fields["spec_digest"]),
            metadata=ReleaseMetadata(**fields["metadata"]),
            created_at=entry.timestamp,
            actor=fields["actor"],
            reason=fields["reason"],
            previous=fields["previous"],
            restores=fields["restores"],
            no_change=fields.get("no_change", False),
            verdict=_verdict(fields.get("verdict")),
            receipt=Receipt(**fields["receipt"]) if "receipt" in fields else None,
            **{key: fields.get(key) for key in _OPTIONAL},
            log_index=None if entry.number is None else entry.number - 1,
        )
    except (KeyError, TypeError, ValueError) as error:
        msg = f"release {name}@{entry.seq} cannot be read: {error}"
        raise CorruptionError(msg, hint="'aivcs verify' names what is damaged") from error


def _verdict(said: Mapping[str, Any] | None) -> Verdict | None:
    if said is None:
        return None
    from aivcs.domain.verdict import read_verdict

    return read_verdict(said)
