"""Typed events out of JSON: strict for what is handed in, lenient for what is stored."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aivcs.domain.executions import facts, lifecycle, steps
from aivcs.domain.executions.data import TAG
from aivcs.domain.executions.facts import CUSTOM_FIELDS, Custom, KnownEvent
from aivcs.domain.fields import check_fields, name_of
from aivcs.domain.kinds import CUSTOM, FIELDS
from aivcs.errors import InvalidEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.canonical import Json
    from aivcs.domain.execution import Action
    from aivcs.domain.executions.data import ExecutionEventData

VARIANTS: Final[Mapping[str, type[ExecutionEventData]]] = MappingProxyType(
    {
        variant.TYPE: variant
        for variant in (
            lifecycle.ExecutionPlanning,
            lifecycle.ExecutionStarted,
            lifecycle.ExecutionPaused,
            lifecycle.ExecutionResumed,
            lifecycle.ExecutionWaiting,
            lifecycle.ExecutionInputReceived,
            lifecycle.ExecutionCompleted,
            lifecycle.ExecutionFailed,
            lifecycle.ExecutionCancelled,
            steps.StepDiscovered,
            steps.StepStarted,
            steps.StepCompleted,
            steps.StepFailed,
            facts.ArtifactStored,
            facts.ToolCallStarted,
            facts.ToolCallCompleted,
            facts.CheckpointSaved,
            facts.GoalEvaluated,
        )
    }
)
"""The variants by their type; ``custom`` and the other kinds of the registry stand outside."""

ACTIONS: Final[Mapping[str, Action]] = MappingProxyType(
    {name: variant.ACTION for name, variant in VARIANTS.items() if variant.ACTION is not None}
)
"""How events of each kind move the state of an execution; the others move nothing."""


def event_from_dict(value: object) -> ExecutionEventData:
    """Read an object tagged with ``type``; InvalidEvent as in ``ExecutionEventData.from_dict``."""
    if not isinstance(value, dict):
        msg = f"an event must be an object, not {name_of(value)}"
        raise InvalidEvent(msg, hint=f"its field {TAG!r} says which kind it is")
    name = value.get(TAG)
    if not isinstance(name, str):
        problem = f"must be a text, not {name_of(name)}" if TAG in value else "is missing"
        msg = f"the field {TAG!r} of an event {problem}"
        raise InvalidEvent(msg, hint="for example step_started")
    return _parsed(name, {key: item for key, item in value.items() if key != TAG})


def event_from_stored(kind: str, payload: Json) -> ExecutionEventData:
    """Return the event of a stored entry; never raises.

    What does not fit its kind, or has a kind of the writer's own, is ``Custom`` with the
    kind as its type and the whole payload as its data.
    """
    if isinstance(payload, dict):
        try:
            return _parsed(kind, payload)
        except InvalidEvent:
            pass
    return Custom(kind, payload)


def _parsed(name: str, payload: dict[str, Json]) -> ExecutionEventData:
    variant = VARIANTS.get(name)
    if variant is not None:
        return variant.from_payload(payload)
    if name == CUSTOM:
        check_fields(CUSTOM, CUSTOM_FIELDS, payload, open_ended=False)
        return Custom(**payload)  # type: ignore[arg-type]  # just checked
    if name in FIELDS:
        return KnownEvent(name, payload)
    msg = f"unknown event type: {name!r:.80}"
    raise InvalidEvent(msg, hint=f"use {CUSTOM}, with event_type and data, for your own types")
