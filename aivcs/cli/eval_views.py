"""Evidence as values of JSON with fixed field names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.cli import views
from aivcs.domain.comparison import compare
from aivcs.domain.evidence import pass_hat, pass_rate

if TYPE_CHECKING:
    from collections.abc import Collection

    from aivcs.cli.views import View
    from aivcs.domain.evidence import Evidence, Example, Summary
    from aivcs.services.evidence_files import Recording

POWERS: Final = 8
"""Up to which k pass^k is told; the library tells any."""


def recording(found: Recording) -> View:
    """Return what recording a file of results did."""
    return {
        "spec_digest": str(found.spec_digest),
        "suites": sorted({result.suite for result in found.results}),
        "results": len(found.results),
        "passed": sum(result.passed for result in found.results),
        "skipped": found.skipped,
        "runs": [views.run_outcome(run) for run in found.runs],
        "already_recorded": not found.new,
    }


def evidence(found: Evidence) -> View:
    """Return what all evidence for a spec adds up to, and what it rests on."""
    return {
        "spec_digest": str(found.spec_digest),
        **_shares(found.examples().values()),
        "unreadable": found.unreadable,
        "suites": [
            {"suite": suite, **_shares(found.of(suite).examples().values())}
            for suite in found.suites()
        ],
        "runs": [{"run_id": run_id, "seal": seal} for run_id, seal in found.seals],
    }


def examples(found: Evidence, *, worst_first: bool) -> list[View]:
    """Return the examples by suite and id, or by their share of passes."""
    items = list(found.examples().items())
    if worst_first:
        items.sort(key=lambda item: item[1].passes / item[1].trials)
    return [
        {
            "suite": suite,
            "example_id": example_id,
            "passed": one.passed,
            "trials": one.trials,
            "passes": one.passes,
            "tags": sorted(one.tags),
        }
        for (suite, example_id), one in items
    ]


def comparison(before: Evidence, after: Evidence) -> View:
    """Return what is compared, and the shares of passes."""
    return {
        "a": str(before.spec_digest),
        "b": str(after.spec_digest),
        "pass_rate": {"a": before.pass_rate(), "b": after.pass_rate()},
    }


def changes(before: Evidence, after: Evidence) -> list[View]:
    """Return the examples that changed, flips first."""
    return [
        {
            "suite": one.suite,
            "example_id": one.example_id,
            "change": one.shift.value,
            "a": None if one.before is None else one.before.share,
            "b": None if one.after is None else one.after.share,
        }
        for one in compare(before, after)
    ]


def summary(found: Summary) -> View:
    """Return what a spec's results of one suite add up to."""
    return {**found._asdict(), "spec_digest": str(found.spec_digest)}


def _shares(examples: Collection[Example]) -> View:
    most = max((one.trials for one in examples), default=0)
    return {
        "example_count": len(examples),
        "trials": sum(one.trials for one in examples),
        "passes": sum(one.passes for one in examples),
        "pass_rate": pass_rate(examples),
        "pass_hat": [
            {"k": k, "value": pass_hat(examples, k)} for k in range(1, min(most, POWERS) + 1)
        ],
    }
