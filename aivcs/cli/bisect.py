"""The command ``bisect``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import bisect_text, failures, output, suggest
from aivcs.cli.command import command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.cli.session import Session
    from aivcs.repo import Repo
    from aivcs.services.bisect_checks import EvidenceCheck

AUTO = "auto"


@command("bisect")
@click.argument("name", shell_complete=suggest.agents)
@click.option("--good", metavar="RELEASE", required=True, help="A release that is good.")
@click.option("--bad", metavar="RELEASE", help="One that is bad; else the current release.")
@click.option(
    "--evidence", is_flag=True, help="Ask the evaluations that were recorded, not a command."
)
@click.option("--suite", metavar="NAME", help="With --evidence: only of this suite.")
@click.option(
    "--min-pass-rate",
    "least",
    type=float,
    metavar="RATE",
    help="With --evidence: good from this pass rate on; else every trial must pass.",
)
@click.option(
    "--flaky",
    metavar="RATE|auto",
    default="0",
    show_default=True,
    help="How often the command is wrong; auto: find out.",
)
@click.option(
    "--confidence",
    type=float,
    metavar="P",
    help="How probable the result has to be when the command is flaky; 0.99 if not given.",
)
@click.option(
    "--at-most", type=click.IntRange(min=1), metavar="N", help="Give up after so many; else 500."
)
@click.option(
    "--components/--no-components", default=True, show_default=True, help="Find what is to blame."
)
@click.option("--restart", is_flag=True, help="Forget what was answered before an interruption.")
@click.argument("argv", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND [ARG]...]")
@click.pass_obj
def bisect(
    session: Session,
    *,
    name: str,
    good: str,
    bad: str | None,
    evidence: bool,
    suite: str | None,
    least: float | None,
    flaky: str,
    confidence: float | None,
    at_most: int | None,
    components: bool,
    restart: bool,
    argv: tuple[str, ...],
) -> int:
    """Find the first bad release, and what makes it bad.

    COMMAND runs in a folder with the files of a spec, its digest in AIVCS_SPEC. Exit status
    0: good, 125: cannot tell, any other up to 127: bad; from 128 on the bisection stops, and
    goes on when it is called again. RELEASE is a seq, a label or a digest of NAME. Searched
    are the specs of the lineage between the two; then components of the first bad spec are
    put into the last good one. Each answer is recorded at once, as an event of a run.

    Exit status 3 when the first bad release could not be told apart. JSON: {name, first_bad:
    {seq, spec_digest, version_label}, last_good, could_be: [...], components, blamed: [[...]],
    differing, evaluations: [{spec_digest, seq, components, answer, duration_ms,
    exit_status}], confidence, run_id}.
    """
    from aivcs.domain.bisect import AT_MOST, CONFIDENCE, BisectTerms

    _check_usage(argv, asks=(suite, least), evidence=evidence)
    terms = BisectTerms(
        flaky=_rate(flaky),
        confidence=CONFIDENCE if confidence is None else confidence,
        components=components,
        at_most=AT_MOST if at_most is None else at_most,
    )
    with session.open() as repo:
        found = repo.bisect(
            name,
            _check(repo, argv, suite, least, evidence=evidence),
            good=good,
            bad=bad,
            terms=terms,
            restart=restart,
            tell=lambda evaluation: output.note(bisect_text.told(name, evaluation)),
        )
    output.answer(session, found.to_json(), lambda: bisect_text.write(found))
    if found.first_bad is None:
        output.note(bisect_text.untold(found))
        return failures.UNTOLD
    return 0


def _check(
    repo: Repo, argv: Sequence[str], suite: str | None, least: float | None, *, evidence: bool
) -> Sequence[str] | EvidenceCheck:
    return repo.evidence_check(suite, least) if evidence else argv


def _check_usage(
    argv: Sequence[str], asks: tuple[str | float | None, ...], *, evidence: bool
) -> None:
    context = click.get_current_context()
    if evidence == bool(argv):
        msg = "give either --evidence or -- COMMAND"
        raise click.UsageError(msg, context)
    if not evidence and asks != (None, None):
        msg = "--suite and --min-pass-rate are about --evidence"
        raise click.UsageError(msg, context)


def _rate(text: str) -> float | None:
    if text == AUTO:
        return None
    try:
        return float(text)
    except ValueError:
        msg = f"--flaky is a rate such as 0.2, or {AUTO}, not {text!r}"
        raise click.UsageError(msg, click.get_current_context()) from None
