"""The commands ``approve`` and ``deprecate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output, release_text, suggest, views
from aivcs.cli.command import command
from aivcs.cli.promote import BY, EXPECTED, expected_release

if TYPE_CHECKING:
    from aivcs.cli.session import Session


@command("approve")
@click.argument("spec", shell_complete=suggest.specs)
@BY
@click.option("--for", "name", metavar="NAME", help="For releases of this name only.")
@click.option("--comment", metavar="TEXT", help="What was looked at.")
@click.pass_obj
def approve(
    session: Session, *, spec: str, actor: str | None, name: str | None, comment: str | None
) -> None:
    """Record that you approve of a spec.

    The gate require_approval asks for it. SPEC is a digest, its beginning, or a release: NAME
    approves of the spec that is current under that name. The approval is a run against exactly
    that spec, which is sealed. JSON: {run_id, spec_digest, actor, name, comment, seal}.
    """
    with session.open() as repo:
        found = repo.approvals.approve(
            repo.find.spec(spec), actor=actor, name=name, comment=comment
        )
    value = views.approval(found)
    output.answer(session, value, lambda: output.write_fields(value.items()))


@command("deprecate")
@click.argument("release", metavar="NAME@SEQ|LABEL", shell_complete=suggest.agents)
@click.option("--reason", metavar="TEXT", required=True, help="Why nobody should go back to it.")
@BY
@EXPECTED
@click.pass_obj
def deprecate(
    session: Session, *, release: str, reason: str, actor: str | None, expected: str | None
) -> None:
    """Mark a release as one not to go back to.

    The mark is an entry of the log. What is current does not change. A rollback to the
    release warns and obeys; 'rollback --to last-good' passes over it. JSON: as 'promote',
    without a receipt: kind is deprecate, restores the seq that is marked, and keeps the seq
    that stays current.
    """
    with session.open() as repo:
        marked = repo.find.release(release)
        record = repo.releases.deprecate(
            marked.name,
            marked.seq,
            reason=reason,
            actor=actor,
            expected_current=expected_release(repo, expected),
        )
    value = views.release(record)
    output.answer(session, value, lambda: release_text.write_releases([value]))
