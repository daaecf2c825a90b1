"""Gates on evidence, against numbers worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.evidence import Example
from aivcs.domain.gate import evaluate
from aivcs.domain.gates.model import Candidate, Finding, listed, plain
from aivcs.domain.release import ReleaseMetadata

if TYPE_CHECKING:
    from aivcs.domain.gates.model import Examples


def examples(text: str, suite: str = "s", tags: str = "") -> Examples:
    """Give one example a word, such as ``3/4``; an optional ``:tag`` behind it."""
    found = {}
    for number, word in enumerate(text.split()):
        share, _, tag = word.partition(":")
        passes, _, trials = share.partition("/")
        marks = frozenset(filter(None, (tag, tags)))
        found[suite, f"e{number}"] = Example(int(trials or 1), int(passes), marks)
    return found


def judged(
    gate: str,
    value: Any,
    now: str,
    before: str = "",
    **more: Any,
) -> tuple[bool, str]:
    asked = Candidate(
        ReleaseMetadata(promoted_by="ann"),
        None,
        examples=examples(now),
        baseline=examples(before),
        **more,
    )
    (outcome,) = evaluate({gate: value}, asked)
    return outcome.passed, outcome.detail


EMPTY = "no evaluation of this spec is recorded here"


@pytest.mark.parametrize(
    ("gate", "value", "now", "before", "verdict"),
    [
        ("min_pass_rate", 0.75, "1 1 1 0", "", (True, "0.75 over 4 examples")),
        ("min_pass_rate", 0.8, "1 1 1 1 0", "", (True, "0.8 over 5 examples")),
        ("min_pass_rate", 0.7, "1/3 2/3 1/1 4/5", "", (True, "0.7 over 4 examples")),
        (
            "min_pass_rate",
            0.76,
            "1 1 1 0",
            "",
            (False, "0.75 over 4 examples, at least 0.76 is asked"),
        ),
        ("min_pass_rate", 0, "0", "", (True, "0 over 1 example")),
        ("min_pass_rate", 0, "", "", (False, EMPTY)),
        ("min_pass_hat", {"2": 0.5}, "2/2 1/2", "", (True, "pass^2 is 0.5")),
        ("min_pass_hat", {"2": 0.5}, "3/4 2/4 1/1", "", (False, "pass^2 is 0.3333, 0.5 is asked")),
        (
            "min_pass_hat",
            {"1": 0.5, "4": 0.1},
            "4/4 0/4",
            "",
            (True, "pass^1 is 0.5, pass^4 is 0.5"),
        ),
        ("min_pass_hat", {"4": 0}, "3/3", "", (False, "no example has 4 trials")),
        ("min_pass_hat", {"1": 0}, "", "", (False, EMPTY)),
        (
            "max_regression",
            0.05,
            "1 0",
            "",
            (True, "the current release has no evaluation to compare with"),
        ),
        ("max_regression", 0.05, "19/20", "1/1", (True, "from 1 to 0.95")),
        (
            "max_regression",
            0.04,
            "19/20",
            "1/1",
            (False, "from 1 to 0.95, a fall of at most 0.04 is asked"),
        ),
        ("max_regression", 0, "1", "0", (True, "from 0 to 1")),
        ("max_regression", 0.5, "", "1", (False, "from 1 to 0, a fall of at most 0.5 is asked")),
        ("no_flip", True, "0 1 1", "1 0 0", (False, "1 passed before: s/e0 (0/1)")),
        ("no_flip", True, "3/4 1", "4/4 0", (False, "1 passed before: s/e0 (3/4)")),
        ("no_flip", True, "1", "1 1", (False, "1 passed before: s/e1 (not evaluated)")),
        ("no_flip", True, "2/2 0", "1 1/2", (True, "all 1 that passed before pass")),
        ("no_flip", True, "0", "0", (True, "the current release passed no example")),
        ("no_flip", True, "", "", (True, "the current release passed no example")),
        ("require_tag", ["t"], "1:t 0", "", (True, "1 example with t")),
        ("require_tag", ["t"], "1:t 1/2:t 1", "", (False, "1 of 2 failed: s/e1")),
        ("require_tag", ["t", "u"], "1:t 0:u", "", (False, "1 of 2 failed: s/e1")),
        ("require_tag", ["t"], "0", "", (True, "0 examples with t")),
        ("min_examples", 2, "0 0", "", (True, "2 examples")),
        ("min_examples", 3, "1 1", "", (False, "2 examples, at least 3 is asked")),
        ("min_examples", 1, "", "", (False, EMPTY)),
    ],
)
def test_a_gate_on_evidence(
    gate: str, value: object, now: str, before: str, verdict: tuple[bool, str]
) -> None:
    assert judged(gate, value, now, before) == verdict


@pytest.mark.parametrize("gate", ["min_pass_rate", "min_examples"])
def test_every_suite_that_is_asked_must_have_examples(gate: str) -> None:
    assert judged(gate, 1, "1", suites=("s",))[0]
    passed, detail = judged(gate, 1, "1", suites=("s", "full"))
    assert (passed, detail) == (False, f"{EMPTY} for the suite full")


@pytest.mark.parametrize(
    ("value", "approvers", "own", "verdict"),
    [
        (1, {"bob"}, False, (True, "approved by bob")),
        (1, {"ann"}, False, (False, "nobody approved, 1 other than ann must")),
        (1, {"Ann "}, False, (False, "nobody approved, 1 other than ann must")),
        (1, {"ann"}, True, (True, "approved by ann")),
        (2, {"bob", "Bob"}, False, (False, "approved by bob, 2 other than ann must")),
        (2, {"bob", "ann"}, True, (True, "approved by ann, bob")),
        (1, set(), True, (False, "nobody approved, 1 must")),
    ],
)
def test_approvals(
    value: int,
    approvers: set[str],
    own: bool,
    verdict: tuple[bool, str],
) -> None:
    found = judged("require_approval", value, "", approvers=frozenset(approvers), self_approval=own)
    assert found == verdict


def test_long_lists_are_cut() -> None:
    assert listed("abcde") == "a, b, c, d, e"
    assert listed("abcdefg") == "a, b, c, d, e and 2 more"
    passed, detail = judged("no_flip", True, "0 " * 9, "1 " * 9)  # noqa: FBT003 - a value
    assert not passed
    assert detail.startswith("9 passed before: s/e0 (0/1), ")
    assert detail.endswith(" and 4 more")


def test_a_plain_rule_has_no_value() -> None:
    candidate = Candidate(ReleaseMetadata(promoted_by="ann"), None)
    assert plain(lambda _: "wrong")(candidate, None) == Finding(passed=False, detail="wrong")
    assert plain(lambda _: None)(candidate, 5) == Finding(passed=True)
