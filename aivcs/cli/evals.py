"""The commands ``eval show``, ``eval diff`` and ``eval list``."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import click

from aivcs.cli import eval_text, eval_views, output, suggest
from aivcs.cli.command import command

if TYPE_CHECKING:
    from aivcs.cli.session import Session

_SUITE = click.option("--suite", metavar="NAME", help="Only the results of this suite.")
_LIMIT = click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most so many.")


@command("show")
@click.argument("spec", shell_complete=suggest.specs)
@_SUITE
@_LIMIT
@click.pass_obj
def show(session: Session, spec: str, suite: str | None, limit: int | None) -> None:
    """Show the evidence for a spec: shares of passes, and each example.

    Only runs of exactly this spec that have ended count. 'pass rate' is the mean over the
    examples, pass^k how likely k trials of an example all pass. The table begins with what
    failed; 50 examples unless --limit or --json is given. JSON: {spec_digest,
    example_count, trials, passes, pass_rate, pass_hat: [{k, value}], unreadable, suites:
    [{suite, example_count, ...}], examples: [{suite, example_id, passed, trials, passes,
    tags}], runs: [{run_id, seal}]}.
    """
    with session.open() as repo:
        found = repo.evidence.of(repo.find.spec(spec), suite)
    view = eval_views.evidence(found)
    examples = eval_views.examples(found, worst_first=not session.json)
    if session.json:
        output.write_json({**view, "examples": examples[:limit]})
        return
    if found.unreadable:
        counted = output.counted(found.unreadable, "recorded result")
        output.note(f"warning: {counted} cannot be read (erased, or not of the form)")
    if not found.results:
        output.note("no evidence; 'aivcs eval record' records results")
        return
    eval_text.write_summary(view)
    output.write_lines([""])
    output.listing(session, examples, limit, eval_text.write_examples)


@command("diff")
@click.argument("a", shell_complete=suggest.specs)
@click.argument("b", shell_complete=suggest.specs)
@_SUITE
@_LIMIT
@click.pass_obj
def diff(session: Session, a: str, b: str, suite: str | None, limit: int | None) -> None:
    """Show which examples do better or worse with spec B than with spec A.

    An example that passed in every trial with A and does not with B has 'regressed', the
    other way round it is 'fixed'; 'worse' and 'better' are the rest. 50 rows unless --limit
    or --json is given. JSON: {a, b, pass_rate: {a, b}, changes: [{suite, example_id,
    change, a, b}]}, where change is regressed, fixed, worse, better, dropped or added and
    a and b are passes of trials, such as "3/4".
    """
    with session.open() as repo:
        one, other = repo.find.spec(a), repo.find.spec(b)
        before, after = repo.evidence.of(one, suite), repo.evidence.of(other, suite)
    changes = eval_views.changes(before, after)
    if session.json:
        output.write_json({**eval_views.comparison(before, after), "changes": changes[:limit]})
        return
    rates = (eval_text.percent(evidence.pass_rate()) for evidence in (before, after))
    output.write_lines([f"pass rate: {' -> '.join(rates)}"])
    if not changes:
        output.note("no example differs")
        return
    output.listing(session, changes, limit, eval_text.write_changes)


@command("list")
@_LIMIT
@click.pass_obj
def list_evidence(session: Session, limit: int | None) -> None:
    """List the specs that have evidence, the newest first, and their suites.

    50 rows unless --limit or --json is given. JSON: [{spec_digest, suite, examples, trials,
    passes, pass_rate, runs}].
    """
    most = output.ROWS if limit is None and not session.json else limit
    with session.open() as repo:
        found = repo.evidence.iter_summaries()
        rows = [eval_views.summary(one) for one in islice(found, most)]
        rest = next(found, None) if most is not None else None
    output.answer(session, rows, lambda: eval_text.write_summaries(rows))
    if rest is not None and not session.json:
        output.note("there are more; --limit N shows more, --json all")
