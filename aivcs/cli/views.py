"""What the library returns as values of JSON with fixed field names."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from aivcs.domain import moment
from aivcs.domain.release import ReleaseKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from aivcs.domain.canonical import Json
    from aivcs.domain.diff import SpecDiff
    from aivcs.domain.digest import Digest
    from aivcs.domain.events import RunEvent
    from aivcs.domain.filediff import FileDiff
    from aivcs.domain.folder import Folder
    from aivcs.domain.release import ReleaseMetadata, ReleaseRecord
    from aivcs.domain.report import Report
    from aivcs.domain.run import RunLease, RunRecord
    from aivcs.domain.sealed import Sealed
    from aivcs.domain.spec import AgentSpec, SpecFile
    from aivcs.domain.stored import StoredObject
    from aivcs.domain.valuediff import ValueChange
    from aivcs.services.approving import Approval
    from aivcs.services.gating import Rehearsal
    from aivcs.services.replaying import Replay

View: TypeAlias = "dict[str, Json]"


def run_outcome(record: RunRecord) -> View:
    """Return which run it is and how it ended; ``duration_ms`` is None while RUNNING."""
    summary = record.summary
    return {
        "run_id": str(record.run_id),
        "agent": record.metadata.agent_name,
        "spec_digest": _hex(record.spec_digest),
        "status": record.status.value,
        "total_events": record.total_events,
        "duration_ms": summary.duration_ms if summary else None,
        "final_state_digest": _hex(summary.final_state_digest) if summary else None,
        "root": None if record.root is None else record.root.hex(),
    }


def run_row(record: RunRecord) -> View:
    """Return a run as listings have it."""
    return {
        "run_id": str(record.run_id),
        "agent": record.metadata.agent_name,
        "spec_digest": _hex(record.spec_digest),
        "status": record.status.value,
        "created_at": moment.text(record.created_at),
        "completed_at": _time(record.completed_at),
        "total_events": record.total_events,
        "tags": record.metadata.tags,
    }


def run(record: RunRecord) -> View:
    """Return everything that is known of a run."""
    source, environment = record.source, record.metadata.environment
    return {
        **run_outcome(record),
        "created_at": moment.text(record.created_at),
        "completed_at": _time(record.completed_at),
        "tags": record.metadata.tags,
        "git_sha": record.metadata.git_sha,
        "reason": record.reason,
        "expired_at": _time(record.expired_at),
        "source": None
        if source is None
        else {"digest": str(source.digest), "index": source.index, "format": source.format},
        "environment": None if environment is None else dict(environment),
        "tenant": record.tenant,
        "state": record.state.value,
        "wait": None if record.wait is None else record.wait.value,
        "lease": None if record.lease is None else _lease(record.lease),
    }


def _lease(lease: RunLease) -> View:
    return {
        "holder": lease.holder,
        "epoch": lease.epoch,
        "deadline": moment.text(lease.deadline),
    }


def event(happened: RunEvent) -> View:
    """Return an event: {seq, kind, payload, timestamp}; ``erased`` only where it is true."""
    view: View = {
        "seq": happened.seq,
        "kind": happened.kind,
        "payload": happened.payload,
        "timestamp": _time(happened.timestamp),
    }
    return {**view, "erased": True} if happened.erased else view


def replay(found: Replay) -> View:
    """Return a replayed run: its digests, and its execution."""
    summary = found.summary
    return {
        "run_id": summary.run_id,
        "agent_name": summary.agent_name,
        "status": summary.status.value,
        "event_count": summary.event_count,
        "replay_digest": str(summary.replay_digest),
        "behaviour_digest": str(summary.behaviour_digest),
        "spec_digest": _hex(summary.spec_digest),
        "execution": found.execution.to_dict(),
        "passed_over": found.passed_over,
    }


def release(record: ReleaseRecord) -> View:
    """Return an entry of a release log.

    ``no_change`` and ``receipt`` (what was verified; ``identical_to`` is the seq that was
    restored byte for byte) only for a rollback, ``keeps`` (the seq that stays current) only
    for a deprecation.
    """
    view: View = {
        "name": record.name,
        "seq": record.seq,
        "kind": record.kind.value,
        "spec_digest": str(record.spec_digest),
        "metadata": _metadata(record.metadata),
        "created_at": moment.text(record.created_at),
        "actor": record.actor,
        "reason": record.reason,
        "previous": record.previous,
        "restores": record.restores,
        "log_index": record.log_index,
        "verdict": None if record.verdict is None else record.verdict.json(),
    }
    if record.kind is ReleaseKind.ROLLBACK:
        view["no_change"] = record.no_change
    if record.receipt is not None:
        view["receipt"] = {
            "spec_digest": str(record.spec_digest),
            **record.receipt._asdict(),
            "identical_to": record.restores,
        }
    if record.keeps is not None:
        view["keeps"] = record.keeps
    return view


def rehearsal(found: Rehearsal) -> View:
    """Return what a promotion would do; ``previous`` is the seq that is current."""
    return {
        "dry_run": True,
        "name": found.name,
        "spec_digest": str(found.spec.digest),
        "metadata": _metadata(found.metadata),
        "previous": None if found.current is None else found.current.seq,
        "verdict": None if found.verdict is None else found.verdict.json(),
    }


def _metadata(said: ReleaseMetadata) -> View:
    return {
        "version_label": said.version_label,
        "promoted_by": said.promoted_by,
        "notes": said.notes,
    }


def approval(found: Approval) -> View:
    """Return an approval: of which spec, by whom, for which agent, and its run."""
    return {
        "run_id": found.run_id,
        "spec_digest": str(found.spec_digest),
        "actor": found.actor,
        "name": found.name,
        "comment": found.comment,
        "seal": found.seal,
    }


def spec(found: AgentSpec) -> View:
    """Return a spec: its digest, its components' digests and its annotations."""
    return {
        "digest": str(found.digest),
        "name": found.name,
        "components": {part: _hex(digest) for part, digest in found.components.items()},
        "git_sha": found.git_sha,
        "dirty": found.dirty,
        "created_at": _time(found.created_at),
    }


def spec_details(found: AgentSpec) -> View:
    """Return a spec with what was observed when it was stored."""
    seen = found.environment
    return {**spec(found), "environment": None if seen is None else dict(seen)}


def spec_files(files: Mapping[str, tuple[SpecFile, ...]]) -> View:
    """Return the files of each component: [{path, executable, digest}]."""
    return {
        part: [
            {"path": file.path, "executable": file.executable, "digest": str(file.digest)}
            for file in found
        ]
        for part, found in files.items()
    }


def folder(found: Folder) -> View:
    """Return what of a folder belongs to a spec, and what is left out and why."""
    return {
        "name": found.name,
        "files": [
            {
                "component": file.component,
                "path": file.path,
                "executable": file.executable,
                "size": file.size,
            }
            for file in found.files
        ],
        "left_out": [{"path": left.path, "why": left.why} for left in found.left_out],
        "secrets": list(found.secrets),
    }


def spec_diff(found: SpecDiff, changes: Iterable[FileDiff]) -> View:
    """Return the changes from spec ``a`` to spec ``b``; ``old`` and ``new`` are digests."""
    return {
        "a": str(found.old),
        "b": str(found.new),
        "changes": [_change(change) for change in changes],
    }


def _change(found: FileDiff) -> View:
    change = found.change
    old, new = change.old, change.new
    return {
        "component": change.component,
        "path": change.path,
        "change": change.kind.value,
        "old": str(old.digest) if old else None,
        "new": str(new.digest) if new else None,
        "old_executable": old.executable if old else None,
        "new_executable": new.executable if new else None,
        "old_size": found.old_size,
        "new_size": found.new_size,
        "values": None if found.values is None else [_value(one) for one in found.values],
        "lines": None if found.lines is None else list(found.lines),
        "note": found.note,
    }


def _value(change: ValueChange) -> View:
    return {
        "path": change.path,
        "change": change.kind.value,
        "old": change.old,
        "new": change.new,
        "old_pointer": change.old_pointer,
        "new_pointer": change.new_pointer,
    }


def stored_object(found: StoredObject) -> View:
    """Return an object's size in bytes and how it is kept."""
    return {
        "digest": str(found.digest),
        "size": found.size,
        "codec": found.codec.name.lower(),
        "kept_in": found.tier.value,
        "pack": None if found.place is None else str(found.place.block.pack.digest),
    }


def sealed(done: Sealed) -> View:
    """Return what sealing did."""
    return {
        "objects": done.objects,
        "packs": done.packs,
        "bytes_before": done.bytes_before,
        "bytes_after": done.bytes_after,
        "damaged": done.damaged,
        "busy": done.busy,
    }


def report(found: Report) -> View:
    """Return what a verification found."""
    return {
        "ok": found.ok,
        "checked": dict(found.checked),
        "problems": [
            {
                "kind": problem.kind,
                "id": problem.id,
                "detail": problem.detail,
                "severity": problem.severity.value,
                "breaks": list(problem.breaks),
            }
            for problem in found.problems
        ],
        "depth": found.depth.value,
        "complete": found.complete,
        "seals": None
        if found.saved is None
        else {"size": found.saved.seals, "root": found.saved.root.hex()},
    }


def _hex(digest: Digest | None) -> str | None:
    return None if digest is None else str(digest)


def _time(when: datetime | None) -> str | None:
    return None if when is None else moment.text(when)
