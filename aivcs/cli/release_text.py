"""How a person reads releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aivcs.cli import output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aivcs.cli.views import View
    from aivcs.domain.release import ReleaseRecord
    from aivcs.services.gating import Rehearsal

_KINDS: Final = {"rollback": "rollback to {restores}", "deprecate": "deprecate {restores}"}

COLUMNS: Final[tuple[output.Column, ...]] = (
    ("release", lambda view: f"{view['name']}@{view['seq']}"),
    ("label", lambda view: _said(view)["version_label"]),
    ("spec", lambda view: output.short(view["spec_digest"])),
    ("kind", lambda view: _KINDS.get(str(view["kind"]), "{kind}").format(**view)),
    ("by", lambda view: view["actor"]),
    ("created", lambda view: output.second(view["created_at"])),
    ("why", lambda view: view["reason"] or _notes(view)),
)

_GATES: Final[tuple[output.Column, ...]] = (
    ("gate", lambda view: view["gate"]),
    ("value", lambda view: view["value"]),
    ("passed", lambda view: view["passed"]),
    ("what was seen", lambda view: view["detail"] or None),
)


def write_release(view: View) -> None:
    """Print the fields of an entry that have a value, but its place in the log of all.

    And what each gate said.
    """
    flat = {**view, **_said(view)}
    del flat["metadata"], flat["log_index"]
    flat["verdict"] = _verdict(view)
    flat["receipt"] = _receipt(view)
    fields = [(name, value) for name, value in flat.items() if value is not None]
    verdict: Any = view["verdict"]
    fields += [
        (f"  {one['gate']} {output.cell(one['value'])}", one["detail"] or "passed")
        for one in (() if verdict is None else verdict["gates"])
    ]
    output.write_fields(fields)


def write_releases(views: Sequence[View]) -> None:
    """Print one row an entry; the gates have a column where there are any."""
    _write(COLUMNS, views)


def write_history(views: Sequence[View], cells: Mapping[Any, str]) -> None:
    """Print one row an entry, with the cell of the graph for its seq before it."""
    _write((("", lambda view: cells[view["seq"]]), *COLUMNS), views)


def _write(columns: Sequence[output.Column], views: Sequence[View]) -> None:
    if any(view["verdict"] for view in views):
        columns = (*columns[:-1], ("gates", _verdict), columns[-1])
    output.write_table(columns, views)


def write_rehearsal(found: Rehearsal) -> None:
    """Print what each gate says of a candidate, and whether it may be promoted."""
    gates = () if found.verdict is None else found.verdict.gates
    if gates:
        output.write_table(_GATES, [one._asdict() for one in gates])
    may = "may be" if all(one.passed for one in gates) else "may not be"
    after = "" if found.current is None else f", after seq {found.current.seq}"
    asked = "" if gates else "; no gate is asked"
    spec = found.spec.digest.short()
    output.write_lines([f"spec {spec} {may} promoted to {found.name}{after}{asked}"])


def tell_promoted(record: ReleaseRecord, before: ReleaseRecord | None, spec_name: str) -> None:
    """Say on stderr that a promote made an agent's first release, or that it changed nothing.

    ``before`` is the release that was current; ``spec_name`` is how the spec is named.
    """
    if before is None:
        other = "" if spec_name == record.name else f" (the spec is named {spec_name})"
        output.note(f"first release of {record.name}{other}")
        return
    label = record.metadata.version_label
    if (before.spec_digest, before.metadata.version_label) == (record.spec_digest, label):
        same = "spec" if label is None else "spec and label"
        output.note(f"seq {record.seq} has the same {same} as seq {before.seq} before it")


def write_restored(view: View) -> None:
    """Print a rollback, and what it proved before."""
    write_releases([view])
    found: Any = view["receipt"]
    objects = output.counted(found["objects"], "object")
    told = f"seq {view['seq']} is byte for byte what seq {view['restores']} released"
    size = output.size(found["bytes"])
    output.write_lines([f"{told} ({objects}, {size}, read and hashed)"])


def tell_restored(record: ReleaseRecord, deprecated: ReleaseRecord | None) -> None:
    """Warn on stderr of a rollback to what is deprecated, or to what was current already."""
    if deprecated is not None:
        output.note(
            f"warning: {record.name}@{deprecated.restores} is deprecated: {deprecated.reason}"
        )
    if not record.no_change:
        return
    further = f"'aivcs rollback {record.name}' again goes further back, --to picks an entry"
    output.note(
        f"warning: seq {record.seq} has the same spec as the release before; "
        + ("--to picks an entry" if record.previous is None else further)
    )


def _said(view: View) -> View:
    said = view["metadata"]
    return said if isinstance(said, dict) else {}


def _notes(view: View) -> object:
    return None if view["restores"] else _said(view)["notes"]


def _verdict(view: View) -> str | None:
    found: Any = view["verdict"]
    if found is None:
        return None
    passed = sum(one["passed"] for one in found["gates"])
    return f"{passed} of {len(found['gates'])} passed"


def _receipt(view: View) -> str | None:
    found: Any = view.get("receipt")
    if found is None:
        return None
    objects = output.counted(found["objects"], "object")
    return f"{objects}, {output.size(found['bytes'])}, as in seq {found['identical_to']}"
