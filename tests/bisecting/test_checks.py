"""What a command's exit status and what recorded evidence say of a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.domain.digest import Digest
from aivcs.domain.evidence import Evidence, Result
from aivcs.errors import CheckAborted, InvalidInputError
from aivcs.services.bisect_checks import CommandCheck, EvidenceCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aivcs.repo import Repo

    Release = Callable[[Mapping[str, str]], int]

GOOD, BAD, OTHER = (Digest.of(text) for text in (b"good", b"bad", b"other"))


@pytest.mark.parametrize(
    ("status", "answer"), [(0, "good"), (1, "bad"), (124, "bad"), (125, "skip"), (2, "bad")]
)
def test_exit_statuses_mean_what_they_mean_to_git(status: int, answer: str) -> None:
    check = CommandCheck(["test"], lambda _: status)
    check.begin(GOOD, BAD)
    assert check(OTHER) == (answer, {"exit_status": status})


@pytest.mark.parametrize("status", [128, 130, 137, 255])
def test_from_128_on_it_is_aborted(status: int) -> None:
    check = CommandCheck(["test"], lambda _: status)
    with pytest.raises(CheckAborted, match=f"exit status {status} on spec {OTHER.short()}"):
        check(OTHER)


@pytest.mark.parametrize("status", [126, 127])
def test_a_command_that_is_not_found_for_the_good_spec_either_is_aborted(status: int) -> None:
    check = CommandCheck(["test"], lambda _: status)
    check.begin(GOOD, BAD)
    with pytest.raises(CheckAborted, match="on the good spec as well"):
        check(OTHER)


def test_a_command_that_only_a_bad_spec_lacks_makes_it_bad() -> None:
    ran: list[Digest] = []

    def run(spec: Digest) -> int:
        ran.append(spec)
        return 0 if spec == GOOD else 127

    check = CommandCheck(["test"], run)
    check.begin(GOOD, BAD)
    assert check(OTHER).answer == "bad"
    assert check(BAD).answer == "bad"
    assert ran == [OTHER, GOOD, BAD]


@pytest.mark.parametrize("argv", [[], [""]])
def test_there_must_be_a_command(argv: list[str]) -> None:
    with pytest.raises(InvalidInputError, match="no command"):
        CommandCheck(argv, lambda _: 0)


def evidence(*passed: bool, suite: str = "s") -> Evidence:
    results = [Result(suite, f"e{number // 2}", one) for number, one in enumerate(passed)]
    return Evidence(OTHER, tuple(results))


@pytest.mark.parametrize(
    ("results", "least", "answer"),
    [
        ((True, True, True), None, "good"),
        ((True, True, True, False), None, "bad"),
        ((True, True, True, False), 0.75, "good"),
        ((True, True, True, False), 0.76, "bad"),
        ((), None, "skip"),
        ((), 0.0, "skip"),
    ],
)
def test_evidence_is_good_from_a_pass_rate_on(
    results: tuple[bool, ...], least: float | None, answer: str
) -> None:
    check = EvidenceCheck(lambda *_: evidence(*results), min_pass_rate=least)
    found = check(OTHER)
    assert found.answer == answer
    assert found.detail["pass_rate"] == evidence(*results).pass_rate()


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan")])
def test_a_pass_rate_is_a_share(least: float) -> None:
    with pytest.raises(InvalidInputError, match="not a pass rate"):
        EvidenceCheck(lambda *_: evidence(), min_pass_rate=least)


@pytest.fixture
def judged(repo: Repo, release: Release) -> Repo:
    """Release ten specs; evaluate all but two in the suite ``s``, good up to the sixth."""
    for number in range(10):
        seq = release({"prompts": str(number), "tools": str(number // 3)})
        spec = repo.releases.entry("helper", seq).spec_digest
        repo.evidence.record(spec, [Result("other", "e", number < 3)])
        if number not in {4, 8}:
            passed = [True] * 3 + [number < 6]
            repo.evidence.record(
                spec, [Result("s", f"e{place}", one) for place, one in enumerate(passed)]
            )
    return repo


def test_recorded_evidence_is_bisected(judged: Repo) -> None:
    found = judged.bisect("helper", judged.evidence_check("s"), good=1)
    assert found.first_bad is not None
    assert (found.first_bad.seq, found.differing) == (7, ("prompts", "tools"))
    assert (found.components, found.blamed) == ((), ())
    other = judged.bisect("helper", judged.evidence_check("other"), good=1)
    assert other.first_bad is not None
    assert other.first_bad.seq == 4
    lax = judged.evidence_check("s", 0.75)
    with pytest.raises(InvalidInputError, match=r"the evidence has spec .* as good"):
        judged.bisect("helper", lax, good=1)
    with pytest.raises(InvalidInputError, match=r"the evidence has spec .* as bad"):
        judged.bisect("helper", judged.evidence_check("s"), good=8)


def test_the_one_component_that_differs_needs_no_mix(judged: Repo, release: Release) -> None:
    good = release({"prompts": "x", "tools": "x"})
    bad = release({"prompts": "y", "tools": "x"})
    assert judged.bisect("helper", judged.evidence_check("none"), good=good).components == (
        "prompts",
    )
    assert bad == good + 1
