"""Gates on evidence: what recorded evaluations say of a spec.

Shares are computed exactly, so that a value that is just reached counts as reached.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import comb
from typing import TYPE_CHECKING, Any, Final

from aivcs.domain.gates.model import Finding, listed

if TYPE_CHECKING:
    from aivcs.domain.gates.model import Candidate, Examples

_NONE: Final = "no evaluation of this spec is recorded here"


def min_pass_rate(candidate: Candidate, value: Any) -> Finding:  # noqa: ANN401 - of its form
    """Refuse a smaller mean over examples of the share of trials that passed."""
    if missing := _missing(candidate):
        return missing
    rate = pass_rate(candidate.examples)
    told = f"{_shown(rate)} over {_counted(candidate.examples)}"
    return _compared(rate >= _exact(value), told, f"at least {value}")


def min_pass_hat(candidate: Candidate, value: Any) -> Finding:  # noqa: ANN401 - of its form
    """Refuse a smaller pass^k, the chance that k trials of an example all pass."""
    if missing := _missing(candidate):
        return missing
    details: list[str] = []
    passed = True
    for trials, least in sorted(value.items(), key=lambda pair: int(pair[0])):
        reached = pass_hat(candidate.examples, int(trials))
        if reached is None:
            passed = False
            details.append(f"no example has {trials} trials")
            continue
        found = _compared(reached >= _exact(least), f"pass^{trials} is {_shown(reached)}", least)
        passed = passed and found.passed
        details.append(found.detail)
    return Finding(passed, ", ".join(details))


def max_regression(candidate: Candidate, value: Any) -> Finding:  # noqa: ANN401 - of its form
    """Refuse a pass rate that lies further below that of the current release."""
    if not candidate.baseline:
        return Finding(passed=True, detail="the current release has no evaluation to compare with")
    before = pass_rate(candidate.baseline)
    after = pass_rate(candidate.examples)
    told = f"from {_shown(before)} to {_shown(after)}"
    return _compared(before - after <= _exact(value), told, f"a fall of at most {value}")


def no_flip(candidate: Candidate, _value: object) -> Finding:
    """Refuse when an example that passed with the current release does not pass now.

    One that was not evaluated now does not pass.
    """
    before = {key for key, one in candidate.baseline.items() if one.passed}
    if not before:
        return Finding(passed=True, detail="the current release passed no example")
    lost = []
    for key in sorted(before):
        now = candidate.examples.get(key)
        if now is None:
            lost.append(f"{'/'.join(key)} (not evaluated)")
        elif not now.passed:
            lost.append(f"{'/'.join(key)} ({now.passes}/{now.trials})")
    if lost:
        return Finding(passed=False, detail=f"{len(lost)} passed before: {listed(lost)}")
    return Finding(passed=True, detail=f"all {len(before)} that passed before pass")


def require_tag(candidate: Candidate, value: Any) -> Finding:  # noqa: ANN401 - of its form
    """Refuse when an example with one of the tags failed; without any there is none to fail."""
    wanted = frozenset(value)
    tagged = {key: one for key, one in candidate.examples.items() if wanted & one.tags}
    failed = sorted("/".join(key) for key, one in tagged.items() if not one.passed)
    if failed:
        return Finding(
            passed=False, detail=f"{len(failed)} of {len(tagged)} failed: {listed(failed)}"
        )
    return Finding(passed=True, detail=f"{_counted(tagged)} with {' or '.join(value)}")


def min_examples(candidate: Candidate, value: Any) -> Finding:  # noqa: ANN401 - of its form
    """Refuse when fewer examples were evaluated."""
    if missing := _missing(candidate):
        return missing
    enough = len(candidate.examples) >= value
    return _compared(enough, _counted(candidate.examples), f"at least {value}")


def hidden(candidate: Candidate) -> Finding | None:
    """Refuse where results were erased: leaving out a failure makes a spec look better."""
    if not candidate.erased:
        return None
    results = f"{candidate.erased} result{' was' if candidate.erased == 1 else 's were'}"
    detail = f"{results} erased, of this spec or the current one, so nobody knows how it did"
    return Finding(passed=False, detail=detail)


def pass_rate(examples: Examples) -> Fraction:
    """Return the mean share of trials that passed; 0 without examples."""
    if not examples:
        return Fraction()
    passes: Counter[int] = Counter()
    for one in examples.values():
        passes[one.trials] += one.passes
    return sum((Fraction(n, trials) for trials, n in passes.items()), Fraction()) / len(examples)


def pass_hat(examples: Examples, trials: int) -> Fraction | None:
    """Return pass^k over the examples with at least so many trials; None without any."""
    tried = Counter((one.passes, one.trials) for one in examples.values() if one.trials >= trials)
    if not tried:
        return None
    total = sum(
        (
            number * Fraction(comb(passed, trials), comb(tried_, trials))
            for (passed, tried_), number in tried.items()
        ),
        Fraction(),
    )
    return total / sum(tried.values())


def _missing(candidate: Candidate) -> Finding | None:
    """Refuse an empty suite."""
    if not candidate.examples:
        return Finding(passed=False, detail=_NONE)
    have = {suite for suite, _ in candidate.examples}
    empty = [suite for suite in candidate.suites if suite not in have]
    if empty:
        return Finding(passed=False, detail=f"{_NONE} for the suite {listed(empty)}")
    return None


def _compared(passed: bool, told: str, asked: object) -> Finding:  # noqa: FBT001 - what was found
    return Finding(passed, told if passed else f"{told}, {asked} is asked")


def _counted(examples: Examples) -> str:
    return f"{len(examples)} example{'' if len(examples) == 1 else 's'}"


def _exact(value: float) -> Fraction:
    """Return the number as it was written."""
    return Fraction(str(value))


def _shown(rate: Fraction) -> str:
    return f"{float(rate):.4g}"
