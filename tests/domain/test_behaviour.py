from __future__ import annotations

import json
from typing import Any

from aivcs.domain.behaviour import IDENTITIES, MEASURED, Behaviour
from aivcs.domain.events import RunEvent
from aivcs.domain.kinds import FIELDS


def _said(*events: tuple[str, Any]) -> list[Any]:
    run = Behaviour()
    return [run.of(RunEvent(None, kind, payload)) for kind, payload in events]


def test_ids_made_up_in_each_run_are_numbered() -> None:
    first = [
        ("step_started", {"step_id": "step_x", "step_type": "ToolNode", "name": "n"}),
        ("tool_call_started", {"tool_call_id": "c9", "step_id": "step_x"}),
        ("step_started", {"step_id": "step_y", "parent_step_id": "step_x"}),
        ("step_failed", {"step_id": "step_y", "error": {"step_id": "step_y", "occurred_at": 5}}),
        ("step_discovered", {"step_id": "z", "discovered_by": None}),
    ]
    text = json.dumps(first)
    for old, new in (("step_x", "s1"), ("step_y", "s2"), ("c9", "c1"), ('"z"', '"s3"')):
        text = text.replace(old, new)
    assert _said(*first) == _said(*json.loads(text))
    assert _said(*first)[3] == {"step_id": "step 3", "error": {"step_id": "step 3"}}
    mixed = [first[0], ("step_completed", {"step_id": "other"})]
    assert _said(*mixed) != _said(first[0], ("step_completed", {"step_id": "step_x"}))


def test_measured_times_of_known_kinds_are_left_out() -> None:
    payload = {"node_id": "a", "duration_ms": 5}
    assert _said(("node_exited", payload), ("mine", payload)) == [{"node_id": "a"}, payload]


def test_payloads_that_are_no_objects_stay() -> None:
    assert _said(("node_exited", [1]), ("custom", None)) == [[1], None]


def test_the_names_are_those_of_the_registry() -> None:
    names = {field.name for fields in FIELDS.values() for field in fields}
    assert IDENTITIES.keys() <= names
    assert "duration_ms" in names & MEASURED
