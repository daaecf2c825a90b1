"""The command ``doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from aivcs.cli import output
from aivcs.cli.command import command
from aivcs.errors import StorageError

if TYPE_CHECKING:
    from aivcs.cli.output import Column
    from aivcs.cli.session import Session
    from aivcs.cli.views import View

_COLUMNS: Final[list[Column]] = [
    ("check", lambda view: view["name"]),
    ("", lambda view: "ok" if view["ok"] else "WRONG"),
    ("what was seen", lambda view: view["detail"]),
]


@command("doctor")
@click.pass_obj
def doctor(session: Session) -> int:
    """Examine the repository and what it needs.

    Versions, format, configuration, medium, permissions and space, then every backend: each
    is opened, read and written, and nothing stays of it. A repository that cannot be opened
    is examined as far as that goes. It changes nothing but a damaged cache.db, which is made
    anew. Exit status 7 when something is wrong. JSON: [{name, ok, detail, hint}].
    """
    from aivcs.repo import examine, now

    here = session.directory
    checks = examine(here, upward=here is None, clock=session.clock or now)
    rows: list[View] = [
        {"name": one.name, "ok": one.ok, "detail": one.detail, "hint": one.hint} for one in checks
    ]
    output.answer(session, rows, lambda: _write(rows))
    return 0 if all(one.ok for one in checks) else StorageError.exit_code


def _write(rows: list[View]) -> None:
    output.write_table(_COLUMNS, rows)
    for row in rows:
        if row["hint"]:
            output.note(f"{row['name']}: {row['hint']}")
