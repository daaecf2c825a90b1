"""Results in one JSON document: a list of them, one alone, or ``{suite?, results: [...]}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.evaluation import SPEC
from aivcs.errors import InvalidSource
from aivcs.evaluations.model import MAX_RESULTS, Report, Reported, too_many

if TYPE_CHECKING:
    from aivcs.domain.canonical import Json
    from aivcs.evaluations.text import Text

FORMAT: Final = "json"
_HINT: Final = 'expected a list of results, or {"suite": ..., "results": [...]}'


def is_result(value: Json) -> bool:
    """Say whether this is a result, perhaps one with a mistake in it, and no event."""
    return (
        isinstance(value, dict)
        and "kind" not in value
        and ("passed" in value or "example_id" in value)
    )


def recognises(value: Json) -> bool:
    """Say whether this is a document of results; an empty list is one without any."""
    if isinstance(value, list):
        return not value or is_result(value[0])
    return is_result(value) or (isinstance(value, dict) and isinstance(value.get("results"), list))


def read(text: Text) -> Report:
    """Return the results of a document; InvalidSource for one of another form.

    What the document says of suite and spec holds for each result that says nothing of it.
    """
    value = text.value
    about: dict[str, Json] = {}
    found: Json = value
    if isinstance(value, dict) and not is_result(value):
        found = value.get("results")
        about = {"suite": value["suite"]} if "suite" in value else {}
    elif isinstance(value, dict):
        found = [value]
    if not text.whole or not isinstance(found, list):
        msg = f"{text.name} is not a document of results"
        raise InvalidSource(msg, hint=_HINT)
    if len(found) > MAX_RESULTS:
        raise too_many(text.name)
    spec = value.get(SPEC) if isinstance(value, dict) else None
    results = (
        reported(item, f"result {number} of {text.name}", about)
        for number, item in enumerate(found, 1)
    )
    return Report(FORMAT, tuple(results), spec_digest=spec)


def reported(value: Json, where: str, about: dict[str, Json]) -> Reported:
    """Return a value as a result; InvalidSource where it is no object."""
    if not isinstance(value, dict):
        msg = f"{where} is not an object"
        raise InvalidSource(msg, hint=_HINT)
    return Reported(where, {**about, **value})
