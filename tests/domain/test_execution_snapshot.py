from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.execution import ExecutionState, WaitReason
from aivcs.domain.execution_snapshot import ExecutionSnapshot
from aivcs.errors import InvalidInputError

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
VALUES = st.recursive(st.none() | st.booleans() | st.integers() | TEXTS, st.lists, max_leaves=3)


def of(**fields: Any) -> ExecutionSnapshot:
    known = {"execution_id": "e", "tenant_id": "t", "state": "Running", "sequence_number": 5}
    return ExecutionSnapshot(**{**known, **fields})


@pytest.mark.parametrize(("seen", "fresh"), [(10, True), (5, True), (15, False), (11, False)])
def test_what_it_has_seen(seen: int, fresh: bool) -> None:
    assert of(sequence_number=10).is_fresh(seen) is fresh


def test_its_json() -> None:
    text = of(timestamp=NOON, variables={"foo": "bar"}).to_json()
    assert json.loads(text) == {
        "execution_id": "e",
        "tenant_id": "t",
        "state": "Running",
        "current_step_id": None,
        "step_outputs": {},
        "variables": {"foo": "bar"},
        "timestamp": "2026-01-31T12:00:00Z",
        "sequence_number": 5,
    }
    assert '"user_id":"ann"' in of(user_id="ann").to_json()
    assert '"state":{"Waiting":"approval"}' in of(state="Waiting", wait="approval").to_json()
    assert '"state":"Waiting"' in of(state="Waiting").to_json()


@given(
    st.sampled_from(ExecutionState),
    st.none() | st.sampled_from(WaitReason),
    st.dictionaries(TEXTS, VALUES),
    st.none() | TEXTS,
    st.none() | st.datetimes(timezones=st.just(UTC)),
)
def test_json_there_and_back(
    state: ExecutionState,
    wait: WaitReason | None,
    values: dict[str, Any],
    text: str | None,
    timestamp: datetime | None,
) -> None:
    snapshot = of(
        state=state,
        wait=wait if state is ExecutionState.WAITING else None,
        step_outputs=values,
        variables=values,
        user_id=text,
        current_step_id=text,
        timestamp=timestamp,
    )
    assert ExecutionSnapshot.from_json(snapshot.to_json()) == snapshot
    assert ExecutionSnapshot.from_json(snapshot.to_json().encode()) == snapshot


def test_what_others_wrote() -> None:
    text = (
        '{"execution_id":"e","tenant_id":"t","state":"Created","timestamp":"2026-01-31T13:00:00'
        '+01:00","sequence_number":0,"schema":9}'
    )
    found = ExecutionSnapshot.from_json(text)
    assert found == of(state="Created", sequence_number=0, timestamp=NOON)
    assert found.state is ExecutionState.CREATED


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"execution_id": ""}, "run id"),
        ({"tenant_id": None}, "tenant_id"),
        ({"tenant_id": 3}, "tenant_id"),
        ({"tenant_id": "\0"}, "tenant_id"),
        ({"user_id": 3}, "user_id"),
        ({"current_step_id": "\ud800"}, "current_step_id"),
        ({"state": "Dreaming"}, "state"),
        ({"state": None}, "state"),
        ({"state": "running"}, "state"),
        ({"sequence_number": -1}, "sequence_number"),
        ({"sequence_number": 1.0}, "sequence_number"),
        ({"sequence_number": True}, "sequence_number"),
        ({"sequence_number": 2**53}, "sequence_number"),
        ({"sequence_number": "5"}, "sequence_number"),
        ({"wait": "approval"}, "wait"),
        ({"state": "Waiting", "wait": "boredom"}, "wait"),
        ({"timestamp": NOON.replace(tzinfo=None)}, "aware datetime"),
        ({"timestamp": "2026"}, "aware datetime"),
        ({"step_outputs": []}, "step_outputs"),
        ({"variables": "x"}, "variables"),
    ],
)
def test_a_field_that_is_wrong_is_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInputError, match=named) as refused:
        of(**fields)
    assert refused.value.hint


@pytest.mark.parametrize("value", [float("nan"), b"x", {1: 2}, object()])
def test_a_value_that_json_does_not_have(value: object) -> None:
    with pytest.raises(InvalidInputError, match="snapshot cannot be written as JSON"):
        of(variables={"x": value}).to_json()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"execution_id": ...}, "no execution_id"),
        ({"timestamp": ...}, "no timestamp"),
        ({"execution_id": 5}, "execution_id"),
        ({"tenant_id": None}, "tenant_id"),
        ({"state": {"Waiting": "boredom"}}, "state"),
        ({"state": ["Running"]}, "state"),
        ({"timestamp": "noon"}, "RFC 3339"),
        ({"sequence_number": None}, "sequence_number"),
        ({"variables": None}, "variables"),
    ],
)
def test_a_text_with_a_field_that_is_wrong(change: dict[str, Any], named: str) -> None:
    fields = {**json.loads(of(timestamp=NOON).to_json()), **change}
    text = json.dumps({name: value for name, value in fields.items() if value is not ...})
    with pytest.raises(InvalidInputError, match=named):
        ExecutionSnapshot.from_json(text)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '"x"', b"\xff", "{}"])
def test_a_text_that_is_none(text: str | bytes) -> None:
    with pytest.raises(InvalidInputError, match="snapshot"):
        ExecutionSnapshot.from_json(text)


def test_it_does_not_follow_the_mappings_it_was_made_of() -> None:
    values: dict[str, Any] = {"a": 1}
    snapshot = of(variables=values)
    values["b"] = 2
    assert snapshot.variables == {"a": 1}
