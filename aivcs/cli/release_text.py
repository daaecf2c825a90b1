"""How a person reads releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.cli import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.cli.views import View
    from aivcs.domain.release import ReleaseRecord

_KINDS: Final = ("{kind}", "{kind} to {restores}")

COLUMNS: Final[tuple[output.Column, ...]] = (
    ("release", lambda view: f"{view['name']}@{view['seq']}"),
    ("label", lambda view: _said(view)["version_label"]),
    ("spec", lambda view: output.short(view["spec_digest"])),
    ("kind", lambda view: _KINDS[bool(view["restores"])].format(**view)),
    ("by", lambda view: view["actor"]),
    ("created", lambda view: output.second(view["created_at"])),
    ("why", lambda view: view["reason"] if view["restores"] else _said(view)["notes"]),
)


def write_release(view: View) -> None:
    """Print the fields of an entry that have a value, but its place in the log of all."""
    flat = {**view, **_said(view)}
    del flat["metadata"], flat["log_index"]
    output.write_fields((name, value) for name, value in flat.items() if value is not None)


def write_releases(views: Sequence[View]) -> None:
    """Print one row an entry."""
    output.write_table(COLUMNS, views)


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


def tell_restored(record: ReleaseRecord) -> None:
    """Warn on stderr of a rollback that restored the spec that was current already."""
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
