from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain import evidence_rules
from aivcs.domain.digest import Digest
from aivcs.domain.evaluation import check, payload, read
from aivcs.domain.evidence import Result
from aivcs.domain.kinds import EVALUATION_RESULT, check_payload
from aivcs.errors import InvalidEvidence

SPEC = Digest.of(b"a spec")
GOOD: dict[str, Any] = {"suite": "s", "example_id": "a", "passed": True}
RESULTS = st.builds(
    Result,
    suite=st.text(min_size=1).filter(str.strip),
    example_id=st.text(min_size=1).filter(str.strip),
    passed=st.booleans(),
    score=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    tags=st.lists(st.text(min_size=1).filter(str.strip), unique=True).map(tuple),
    trial=st.integers(0, 2**31 - 1),
)


@given(RESULTS, st.dictionaries(st.text(), st.integers()))
def test_what_an_event_has_is_what_was_reported(result: Result, more: dict[str, Any]) -> None:
    body = payload(result, more)
    check_payload(EVALUATION_RESULT, body)
    assert read(body, "r", 7, str(SPEC)) == result._replace(run_id="r", seq=7)
    assert check(body, "here") == result._replace(run_id="", seq=0)
    own = {"suite", "example_id", "passed", "score", "tags", "trial", "spec_digest"}
    assert {k: v for k, v in body.items() if k not in own} == {
        k: v for k, v in more.items() if k not in own
    }


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, Result("s", "a", passed=True)),
        ({"example_id": 7}, Result("s", "7", passed=True)),
        ({"score": 1}, Result("s", "a", passed=True, score=1.0)),
        ({"score": None, "tags": None, "trial": None}, Result("s", "a", passed=True)),
        ({"tags": "x"}, Result("s", "a", passed=True, tags=("x",))),
        ({"tags": ["x", "y", "x"]}, Result("s", "a", passed=True, tags=("x", "y"))),
        ({"tags": {"k": "v"}}, Result("s", "a", passed=True, tags=("k=v",))),
        ({"trial": 0}, Result("s", "a", passed=True, trial=0)),
        ({"trial": 3.0}, Result("s", "a", passed=True, trial=3)),
    ],
)
def test_forms_of_a_result(fields: dict[str, Any], wanted: Result) -> None:
    assert check({**GOOD, **fields}, "here") == wanted


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"suite": None}, "here has no suite"),
        ({"suite": " "}, "the suite of here must be a text that is not blank"),
        ({"example_id": None}, "here has no example_id"),
        ({"example_id": ""}, "the example_id of here must be"),
        ({"example_id": True}, "the example_id of here must be"),
        ({"example_id": 1.5}, "the example_id of here must be"),
        ({"passed": None}, "here does not say whether it passed"),
        ({"passed": 1}, "the passed of here must be true or false, not 1"),
        ({"passed": "yes"}, "the passed of here must be true or false"),
        ({"score": float("nan")}, "the score of here must be a finite number, not nan"),
        ({"score": float("inf")}, "the score of here must be a finite number, not inf"),
        ({"score": 10**400}, "the score of here must be a finite number"),
        ({"score": True}, "the score of here must be a finite number, not true"),
        ({"score": "0.5"}, "the score of here must be a finite number"),
        ({"tags": 1}, "the tags of here must be texts"),
        ({"tags": ["x", 1]}, "the tags of here must be texts"),
        ({"tags": ["x", " "]}, "the tags of here must be texts"),
        ({"tags": {"k": 1}}, "the tags of here must be texts"),
        ({"trial": -1}, "the trial of here must be a whole number from 0, not -1"),
        ({"trial": 1.5}, "the trial of here must be"),
        ({"trial": True}, "the trial of here must be"),
        ({"trial": 2**31}, "the trial of here must be"),
        ({"trial": "2"}, "the trial of here must be"),
    ],
)
def test_a_field_that_is_wrong_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidEvidence) as caught:
        check({**GOOD, **fields}, "here")
    assert caught.value.message.startswith(message)
    assert caught.value.hint
    assert read({**GOOD, **fields}, "r", 1, str(SPEC)) is None


def test_what_is_no_object_says_nothing() -> None:
    assert read(None, "r", 1, str(SPEC)) is None
    assert read([GOOD], "r", 1, str(SPEC)) is None


def _checked(*fields: dict[str, Any], suite: str | None = None) -> list[Result]:
    reported = [(f"line {number}", one) for number, one in enumerate(fields, 1)]
    return [result for result, _ in evidence_rules.checked(reported, SPEC, suite, "file")]


def test_a_suite_that_is_asked_for_is_that_of_all() -> None:
    found = _checked({"example_id": "a", "passed": True}, {**GOOD, "example_id": 2}, suite="mine")
    assert [result.suite for result in found] == ["mine", "mine"]


def test_trials_are_told_apart_by_suite_example_and_number() -> None:
    assert len(_checked(GOOD, {**GOOD, "trial": 2}, {**GOOD, "suite": "t"})) == 3
    with pytest.raises(InvalidEvidence) as caught:
        _checked(GOOD, {**GOOD, "passed": False, "trial": 1})
    assert caught.value.message == (
        "line 2 is a second result of trial 1 of example 'a' in suite 's', after line 1"
    )


def test_an_empty_suite_is_no_evidence() -> None:
    with pytest.raises(InvalidEvidence, match="file holds no result"):
        _checked()


@pytest.mark.parametrize("said", [str(SPEC), str(SPEC).upper(), f"sha256:{SPEC}", None])
def test_evidence_may_name_its_spec(said: str | None) -> None:
    (_, body), *_ = evidence_rules.checked([("x", {**GOOD, "spec_digest": said})], SPEC, None, "f")
    assert "spec_digest" not in body


@pytest.mark.parametrize("said", [str(Digest.of(b"other")), "abc", 5, True])
def test_evidence_for_another_spec_is_refused(said: object) -> None:
    with pytest.raises(InvalidEvidence, match=f"line 1 is evidence for spec {said}, not for"):
        _checked({**GOOD, "spec_digest": said})


def test_what_no_event_can_hold_is_refused() -> None:
    with pytest.raises(InvalidEvidence, match="line 2 cannot be stored: nan is not a JSON"):
        _checked(GOOD, {**GOOD, "trial": 2, "more": {"loss": float("nan")}})
