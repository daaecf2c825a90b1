"""The command ``run resume``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output, suggest, views
from aivcs.cli.command import command
from aivcs.domain import moment

if TYPE_CHECKING:
    from aivcs.cli.session import Session
    from aivcs.cli.views import View
    from aivcs.domain.replay import ResumePoint
    from aivcs.services.owning import HeldLease


@command("resume")
@click.argument("run", shell_complete=suggest.runs)
@click.option(
    "--seconds",
    type=float,
    default=300.0,
    show_default=True,
    metavar="N",
    help="How long the lease lasts.",
)
@click.option("--holder", metavar="NAME", help="Who takes the lease; else this process.")
@click.option("--look", is_flag=True, help="Take no lease, only show where to begin.")
@click.pass_obj
def resume(session: Session, run: str, *, seconds: float, holder: str | None, look: bool) -> None:
    """Take up a run where its checkpoint left it.

    Whoever wrote to the run before is fenced off. What has AIVCS_RUN_LEASE set to the token
    of the lease writes to it; ending the run gives the lease up. JSON: {run_id,
    total_events, lease: {holder, epoch, deadline, token} | null, point: {checkpoint_id,
    checkpoint_seq, node_id, state_hash, events_after} | null}; without a point it begins
    at the beginning.
    """
    with session.open() as repo:
        found = repo.runs.resume(
            repo.find.run(run), holder, None if look else seconds, beating=False
        )
    value: View = {
        "run_id": str(found.run.run_id),
        "total_events": found.run.total_events,
        "lease": None if found.lease is None else _lease(found.lease),
        "point": None if found.point is None else _point(found.point),
    }
    output.answer(session, value, lambda: _write(value, found.lease, found.point))
    if found.lease is not None and not session.json:
        output.note(f"to write under it: export AIVCS_RUN_LEASE={found.lease.token}")


def _lease(held: HeldLease) -> View:
    return {
        "holder": held.holder,
        "epoch": held.epoch,
        "deadline": moment.text(held.deadline),
        "token": held.token,
    }


def _point(point: ResumePoint) -> View:
    return {
        "checkpoint_id": point.checkpoint_id,
        "checkpoint_seq": point.checkpoint_seq,
        "node_id": point.node_id,
        "state_hash": point.state_hash,
        "events_after": [views.event(event) for event in point.events_after],
    }


def _write(value: View, held: HeldLease | None, point: ResumePoint | None) -> None:
    where: list[tuple[str, object]] = [("run", value["run_id"])]
    if point is None:
        where.append(("checkpoint", None))
    else:
        where += [
            ("checkpoint", point.checkpoint_id),
            ("at seq", point.checkpoint_seq),
            ("node", point.node_id),
            ("state", point.state_hash),
            ("events after it", len(point.events_after)),
        ]
    if held is not None:
        where.append(("held until", moment.text(held.deadline)))
        where.append(("AIVCS_RUN_LEASE", held.token))
    output.write_fields(where)
