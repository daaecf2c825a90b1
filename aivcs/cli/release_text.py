"""How a person reads releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.cli import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.cli.views import View

_KINDS: Final = ("{kind}", "{kind} to {restores}")

COLUMNS: Final[tuple[output.Column, ...]] = (
    ("release", lambda view: f"{view['name']}@{view['seq']}"),
    ("label", lambda view: _said(view)["version_label"]),
    ("spec", lambda view: output.short(view["spec_digest"])),
    ("kind", lambda view: _KINDS[bool(view["restores"])].format(**view)),
    ("by", lambda view: view["actor"]),
    ("created", lambda view: output.second(view["created_at"])),
    ("why", lambda view: view["reason"] or _said(view)["notes"]),
)


def write_release(view: View) -> None:
    """Print the fields of an entry that have a value."""
    flat = {**view, **_said(view)}
    del flat["metadata"]
    output.write_fields((name, value) for name, value in flat.items() if value is not None)


def write_releases(views: Sequence[View]) -> None:
    """Print one row an entry."""
    output.write_table(COLUMNS, views)


def _said(view: View) -> View:
    said = view["metadata"]
    return said if isinstance(said, dict) else {}
