from __future__ import annotations

import pytest

from aivcs.domain.kinds import KINDS, check_kind_payload
from aivcs.errors import InvalidEvent


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
