"""What makes reported results evidence for one spec: all of it fits, or none counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from aivcs.domain import evaluation, jsontext
from aivcs.domain.digest import Digest
from aivcs.domain.evaluation import SPEC
from aivcs.errors import InvalidDigest, InvalidEvidence, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aivcs.domain.canonical import Json
    from aivcs.domain.evidence import Result

    Fields: TypeAlias = Mapping[str, Json]


def checked(
    reported: Iterable[tuple[str, Fields]], spec: Digest, suite: str | None, name: str
) -> list[tuple[Result, dict[str, Json]]]:
    """Return each report (where it stands, its fields) as a result with its event's payload.

    ``suite`` is that of all of them, ``name`` what errors call the whole. Raises
    InvalidEvidence for no result at all, one that is wrong or of another spec, one that no
    event can hold, and two of one trial of an example.
    """
    found: list[tuple[Result, dict[str, Json]]] = []
    seen: dict[tuple[str, str, int], str] = {}
    for where, fields in reported:
        check_spec(fields.get(SPEC), spec, where)
        result = evaluation.check(fields if suite is None else {**fields, "suite": suite}, where)
        payload = evaluation.payload(result, fields)
        _check_storable(payload, where)
        check_new(result, where, seen)
        found.append((result, payload))
    check_some(found, name)
    return found


def check_spec(said: Json, spec: Digest, where: str) -> None:
    """Raise InvalidEvidence where something says that it is of another spec."""
    if said is None:
        return
    try:
        same = Digest.parse(str(said)) == spec
    except InvalidDigest:
        same = False
    if not same:
        msg = f"{where} is evidence for spec {str(said)[:80]}, not for {spec}"
        raise InvalidEvidence(msg, hint="name the spec that was evaluated; nothing was recorded")


def check_new(result: Result, where: str, seen: dict[tuple[str, str, int], str]) -> None:
    """Raise InvalidEvidence for a trial that is in ``seen``, and add it there."""
    key = result.suite, result.example_id, result.trial
    if key in seen:
        msg = (
            f"{where} is a second result of trial {result.trial} of example"
            f" {result.example_id!r:.200} in suite {result.suite!r:.200}, after {seen[key]}"
        )
        raise InvalidEvidence(msg, hint="number repeated trials with 'trial'")
    seen[key] = where


def check_some(results: object, name: str) -> None:
    """Raise InvalidEvidence unless there is a result."""
    if not results:
        msg = f"{name} holds no result"
        raise InvalidEvidence(msg, hint="an empty suite is evidence of nothing")


def _check_storable(payload: dict[str, Json], where: str) -> None:
    try:
        jsontext.encode(payload)
    except InvalidInputError as error:
        msg = f"{where} cannot be stored: {error.message}"
        raise InvalidEvidence(msg, hint=error.hint) from error
