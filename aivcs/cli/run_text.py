"""How a person reads runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.cli import output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aivcs.cli.views import View

COLUMNS: Final[tuple[output.Column, ...]] = (
    ("run", lambda view: output.short(view["run_id"])),
    ("agent", lambda view: view["agent"]),
    ("spec", lambda view: output.short(view["spec_digest"])),
    ("status", lambda view: view["status"]),
    ("events", lambda view: view["total_events"]),
)
ROW_COLUMNS: Final[tuple[output.Column, ...]] = (
    *COLUMNS,
    ("created", lambda view: output.second(view["created_at"])),
    ("tags", lambda view: _pairs(view["tags"])),
)

EVENT_COLUMNS: Final[tuple[output.Column, ...]] = (
    ("seq", lambda view: view["seq"]),
    ("time", lambda view: output.second(view["timestamp"])),
    ("kind", lambda view: view["kind"]),
    ("payload", lambda view: "erased" if "erased" in view else output.json_text(view["payload"])),
)


def event_line(view: View) -> str:
    """Return an event on one line that fits those before and behind it."""
    seq, time, kind, payload = (str(value(view)) for _, value in EVENT_COLUMNS)
    return output.clip(f"{seq:>5}  {time}  {kind:<18}  {payload}")


def write_run(view: View) -> None:
    """Print the fields of a run that have a value."""
    shown = ((name, value) for name, value in view.items() if value not in (None, {}))
    output.write_fields((name, _pairs(value)) for name, value in shown)


def write_rows(views: Iterable[View]) -> None:
    """Print one row a run, with its beginning and its tags."""
    output.write_table(ROW_COLUMNS, views)


def write_runs(views: Iterable[View]) -> None:
    """Print one row a run."""
    output.write_table(COLUMNS, views)


def _pairs(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return " ".join(f"{key}={output.cell(item)}" for key, item in value.items()) or None
