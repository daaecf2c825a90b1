from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.execution import WaitReason
from aivcs.domain.fields import JSON
from aivcs.domain.kinds import FIELDS, KINDS, check_kind_payload, check_payload
from aivcs.errors import InvalidEvent

if TYPE_CHECKING:
    from aivcs.domain.fields import Field


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_payload_with_the_required_fields_passes(kind: str) -> None:
    check_kind_payload(kind, dict.fromkeys(KINDS[kind]))


@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind in sorted(KINDS) for field in KINDS[kind]]
)
def test_a_missing_field_is_named_with_its_kind(kind: str, field: str) -> None:
    payload = {name: 1 for name in KINDS[kind] if name != field}
    with pytest.raises(InvalidEvent, match=f"payload of {kind} has no field '{field}'"):
        check_kind_payload(kind, payload)


def test_both_vocabularies_and_evaluations_are_known() -> None:
    assert {"graph_started", "execution_started", "evaluation_result"} <= KINDS.keys()
    assert KINDS["checkpoint_saved"] == ("checkpoint_id",)
    assert KINDS["execution_resumed"] == ()


def test_custom_kinds_take_anything() -> None:
    check_kind_payload("custom", None)
    check_kind_payload("Custom:deploy_started", [1])


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="unknown event kind: 'deploy_started'") as caught:
        check_kind_payload("deploy_started", {})
    assert "Custom:" in str(caught.value.hint)


@pytest.mark.parametrize("payload", [None, [], "tool_name", 1])
def test_a_payload_that_is_no_object_is_refused(payload: object) -> None:
    with pytest.raises(InvalidEvent, match="must be an object"):
        check_kind_payload("tool_called", payload)


def _fitting(kind: str, *, optional: bool) -> dict[str, Any]:
    fields = [field for field in FIELDS[kind] if optional or field.required]
    return {field.name: next(v for v in VALUES if field.type.fits(v)) for field in fields}


VALUES: list[Any] = [1, True, "approval", "met", [], {}]


@pytest.mark.parametrize("kind", sorted(FIELDS))
def test_checked_payloads_have_their_fields_and_may_have_more(kind: str) -> None:
    check_payload(kind, _fitting(kind, optional=False))
    check_payload(kind, {**_fitting(kind, optional=True), "more": [1]})


@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind in sorted(FIELDS) for field in FIELDS[kind]]
)
def test_a_field_of_a_wrong_type_is_named_with_its_kind(kind: str, field: Field) -> None:
    wrong = next((value for value in (b"", [b""]) if not field.type.fits(value)), None)
    payload = _fitting(kind, optional=True)
    if wrong is None:
        assert field.type is JSON
        return
    with pytest.raises(InvalidEvent, match=f"the field '{field.name}' of the payload of {kind}"):
        check_payload(kind, {**payload, field.name: wrong})
    without = {name: value for name, value in payload.items() if name != field.name}
    if field.required:
        with pytest.raises(InvalidEvent, match=f"payload of {kind} has no field '{field.name}'"):
            check_payload(kind, without)
    else:
        check_payload(kind, without)
        check_payload(kind, {**payload, field.name: None})


def test_the_loose_check_looks_at_no_value_and_the_strict_one_does() -> None:
    check_kind_payload("tool_called", {"tool_name": 5})
    with pytest.raises(InvalidEvent, match=r"'tool_name' of the payload of tool_called .* not 5"):
        check_payload("tool_called", {"tool_name": 5})
    check_payload("custom", None)
    check_payload("Custom:x", 1)
    with pytest.raises(InvalidEvent, match="unknown event kind"):
        check_payload("deploy_started", {})
    with pytest.raises(InvalidEvent, match="must be an object"):
        check_payload("tool_called", [])


def test_every_wait_reason_is_a_reason_to_wait() -> None:
    for reason in WaitReason:
        check_payload("execution_waiting", {"reason": reason.value})
    with pytest.raises(InvalidEvent, match="one of approval"):
        check_payload("execution_waiting", {"reason": "lunch"})
