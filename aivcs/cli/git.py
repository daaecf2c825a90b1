"""The commands of the family ``git``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from aivcs.cli import output, suggest
from aivcs.cli.command import command

if TYPE_CHECKING:
    from aivcs.cli.session import Session
    from aivcs.cli.views import View
    from aivcs.domain.link import Fact
    from aivcs.services.linking import CommitLinks, Noted

_TREES: Final = {True: "dirty", False: "clean", None: None}


@command("show")
@click.argument("commit", default="HEAD", metavar="[COMMIT]")
@click.pass_obj
def show(session: Session, *, commit: str) -> None:
    """Show which specs, runs and releases belong to a commit.

    COMMIT is a revision of the git repository around the current folder, by default what is
    checked out. 'by' says how it is known: from the ledger, which recorded the commit; from
    the commit's note; from a trailer of its message, Aivcs-Spec, Aivcs-Run or Aivcs-Release.
    'tree' is dirty where files differed from the commit. Without --json the first 50.
    JSON: {commit, links: [{what, id, spec_digest, name, dirty, by, here}], unread}; what is
    spec, run, release or checkpoint, and here tells whether this repository has it; unread are
    lines of the note that aivcs did not write, and trailers that name nothing here.
    """
    with session.open() as repo:
        found = repo.links().of(commit)
    output.answer(session, links_view(found), lambda: _write(found))


@command("link")
@click.argument("item", required=False, metavar="[SPEC|RUN|NAME@SEQ]", shell_complete=suggest.specs)
@click.option("--commit", metavar="REV", help="Another commit than the recorded one.")
@click.pass_obj
def link(session: Session, *, item: str | None, commit: str | None) -> None:
    """Write into a commit's note what belongs to it.

    SPEC is a digest or its beginning, RUN an id or its beginning, NAME@SEQ a release; without
    any, all that is recorded for the commit. The commit is the one that was recorded with it,
    else --commit. The note is in refs/notes/aivcs: 'git notes --ref aivcs show' reads it, and
    no commit changes. A release brings the checkpoint of the public log along. JSON: {commit,
    facts: [{what, id, spec_digest, name, dirty}], changed}.
    """
    with session.open() as repo:
        noted = repo.links().link(item, commit)
    output.answer(session, noted_view(noted), lambda: write_noted(noted))


def links_view(found: CommitLinks) -> View:
    """Return what belongs to a commit."""
    return {
        "commit": found.commit,
        "links": [
            {**fact_view(one.fact), "by": [by.value for by in one.sources], "here": one.here}
            for one in found.links
        ],
        "unread": list(found.unread),
    }


def noted_view(noted: Noted) -> View:
    """Return what was written into a note."""
    facts = [fact_view(fact) for fact in noted.facts]
    return {"commit": noted.commit, "facts": [*facts], "changed": noted.changed}


def fact_view(fact: Fact) -> View:
    """Return one fact about a commit."""
    return {
        "what": fact.what.value,
        "id": fact.id,
        "spec_digest": None if fact.spec is None else str(fact.spec),
        "name": fact.name,
        "dirty": fact.dirty,
    }


def write_noted(noted: Noted) -> None:
    """Print what was written into a note; warn of what a commit does not hold."""
    done = "linked to" if noted.changed else "was linked already to"
    for fact in noted.facts:
        output.write_lines([f"{_told(fact)} {done} commit {output.short(noted.commit)}"])
    if any(fact.dirty for fact in noted.facts):
        output.note(
            "warning: files differed from the commit; the note says so, and is no exact link"
        )


def _told(fact: Fact) -> str:
    shown = fact.id.split("\n", 1)[0]
    return f"{fact.what.value} {output.short(shown) if shown == str(fact.spec) else shown}"


def _write(found: CommitLinks) -> None:
    output.write_lines([f"commit {found.commit}"])
    rows: list[View] = [
        {
            "what": one.fact.what.value,
            "id": one.fact.id.split("\n", 1)[0],
            "name": one.fact.name,
            "tree": _TREES[one.fact.dirty],
            "by": ", ".join((*one.sources, *(() if one.here else ("not here",)))),
        }
        for one in found.links
    ]
    columns: list[output.Column] = [
        ("what", lambda row: row["what"]),
        ("id", lambda row: row["id"]),
        ("agent", lambda row: row["name"]),
        ("tree", lambda row: row["tree"]),
        ("by", lambda row: row["by"]),
    ]
    if rows:
        output.write_table(columns, rows[: output.ROWS])
        output.more(len(rows) - output.ROWS, "--json shows all")
    else:
        output.note("nothing is linked to it; 'aivcs spec add' stores an agent with its commit")
    for line in found.unread:
        output.note(f"not read: {output.clip(line)}")
