"""The commands ``promote`` and ``rollback``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output, release_text, suggest, views
from aivcs.cli.command import command

if TYPE_CHECKING:
    from aivcs.cli.session import Session
    from aivcs.domain.digest import Digest
    from aivcs.repo import Repo

EXPECTED = click.option(
    "--expected-current",
    "expected",
    metavar="SEQ|SPEC|none",
    help="Refuse when another release is current.",
)
BY = click.option("--by", "actor", metavar="WHO", help="Who acts; else AIVCS_ACTOR or the user.")


@command("promote")
@click.argument("name", shell_complete=suggest.agents)
@click.argument("spec", required=False, shell_complete=suggest.specs)
@click.option(
    "--from",
    "source",
    metavar="NAME",
    shell_complete=suggest.agents,
    help="Promote the current release of another name, with its label.",
)
@click.option("--version-label", "label", metavar="LABEL", help="For example 1.2.0.")
@BY
@click.option("--notes", metavar="TEXT", help="What is new.")
@click.option(
    "--require", multiple=True, metavar="GATE[=VALUE]", help="One more gate to pass; may repeat."
)
@EXPECTED
@click.option("--dry-run", is_flag=True, help="Only say what the gates say; append nothing.")
@click.pass_obj
def promote(
    session: Session,
    *,
    name: str,
    spec: str | None,
    source: str | None,
    label: str | None,
    actor: str | None,
    notes: str | None,
    require: tuple[str, ...],
    expected: str | None,
    dry_run: bool,
) -> None:
    """Make a spec the current release of an agent.

    Every object of the spec is verified first. NAME is the agent; SPEC a digest, its
    beginning, or a release such as NAME@1. The gates that the repository declares for NAME
    and the spec's manifest adds must pass, and those of --require; else exit status 5. JSON:
    {name, seq, kind, spec_digest, metadata: {version_label, promoted_by, notes}, created_at,
    actor, reason, previous, restores, log_index, verdict}; verdict: {policy, passed, gates:
    [{gate, value, passed, detail}], evidence: [[run_id, seal]]}, or null without gates.
    With --dry-run {dry_run, name, spec_digest, metadata, previous, verdict}, also where gates
    refuse, and the same exit status.
    """
    from aivcs.domain.release import ReleaseMetadata
    from aivcs.repo import default_actor

    if (spec is None) == (source is None):
        msg = "give either SPEC or --from NAME"
        raise click.UsageError(msg)
    with session.open() as repo:
        reason = None
        if source is not None:
            other = repo.find.release(source)
            digest = other.spec_digest
            label = other.metadata.version_label if label is None else label
            reason = f"from {other.name}@{other.seq}"
        else:
            digest = repo.find.spec(str(spec))
        metadata = ReleaseMetadata(label, default_actor() if actor is None else actor, notes)
        known = expected_release(repo, expected)
        if dry_run:
            found = repo.releases.rehearse(
                name, digest, metadata, require=require, expected_current=known
            )
            output.answer(
                session, views.rehearsal(found), lambda: release_text.write_rehearsal(found)
            )
            found.check()
            return
        record = repo.releases.promote(
            name, digest, metadata, require=require, expected_current=known, reason=reason
        )
        before = None if record.previous is None else repo.releases.entry(name, record.previous)
        named = repo.specs.get(record.spec_digest).name
    value = views.release(record)
    output.answer(session, value, lambda: release_text.write_releases([value]))
    release_text.tell_promoted(record, before, named)


@command("rollback")
@click.argument("name", shell_complete=suggest.agents)
@click.option(
    "--to", metavar="SEQ|LABEL|DIGEST|last-good", help="The release to restore; else the last."
)
@BY
@click.option("--reason", metavar="TEXT", help="Why, for whoever reads it later.")
@EXPECTED
@click.pass_obj
def rollback(
    session: Session,
    *,
    name: str,
    to: str | None,
    actor: str | None,
    reason: str | None,
    expected: str | None,
) -> None:
    """Restore an earlier release of an agent.

    Without --to the one before the current release in its lineage, so that repeated
    rollbacks go further back. The log only grows: the restored release is appended again.
    last-good is the newest earlier release whose gates passed, from which nobody rolled back
    and that is not deprecated. Gates are not asked, but every object of the spec is read and
    hashed. JSON: as 'promote', receipt: {spec_digest, objects, bytes, identical_to}, the last
    being the seq that was restored byte for byte, and no_change: true when the restored spec
    was current already, as after promoting one spec twice; a warning on stderr says so too.
    """
    with session.open() as repo:
        record = repo.releases.rollback(
            name,
            to=to,
            actor=actor,
            reason=reason,
            expected_current=expected_release(repo, expected),
        )
        deprecated = repo.releases.deprecation(record)
    value = views.release(record)
    output.answer(session, value, lambda: release_text.write_restored(value))
    release_text.tell_restored(record, deprecated)


def expected_release(repo: Repo, text: str | None) -> Digest | int | None:
    """Return what --expected-current names."""
    if text is None:
        return None
    if text == "none":
        return 0
    return int(text) if _is_seq(text) else repo.find.spec(text)


def _is_seq(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < output.SHORT
