"""One result of an evaluation: as somebody reports it, and as an event has it.

What is reported is held to the form and refused when it does not fit; an event of a run
that has ended cannot be mended, so of those that do not fit the reader is only told.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from aivcs.domain.evidence import Result
from aivcs.domain.fields import name_of
from aivcs.errors import InvalidEvidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.canonical import Json

SPEC: Final = "spec_digest"
"""The field by which a result may say which spec it is of."""

_FORM: Final = (
    "a result is {suite, example_id, passed, score?, tags?, trial?}, and what else you like"
)
_OWN: Final = frozenset({"suite", "example_id", "passed", "score", "tags", "trial", SPEC})
_MAX_TRIAL: Final = 2**31 - 1


def check(fields: Mapping[str, Json], where: str) -> Result:
    """Return the result that a report has; ``where`` is how errors call it.

    An ``example_id`` may be a whole number, ``tags`` a text, a list of texts or an object of
    texts (``{"kind": "refund"}`` is the tag ``kind=refund``). Raises InvalidEvidence for a field
    that is missing or of a wrong type, and for a score that is no finite number.
    """
    return Result(
        suite=_name(fields, "suite", where),
        example_id=_name(fields, "example_id", where),
        passed=_passed(fields, where),
        score=_score(fields.get("score"), where),
        tags=_tags(fields.get("tags"), where),
        trial=_trial(fields.get("trial"), where),
    )


def payload(result: Result, more: Mapping[str, Json]) -> dict[str, Json]:
    """Return the payload of a result's event: its fields, then ``more`` of the report."""
    fields: dict[str, Json] = {
        "suite": result.suite,
        "example_id": result.example_id,
        "passed": result.passed,
    }
    if result.score is not None:
        fields["score"] = result.score
    if result.tags:
        fields["tags"] = list(result.tags)
    fields["trial"] = result.trial
    return {**fields, **{name: value for name, value in more.items() if name not in _OWN}}


def read(found: Json, run_id: str, seq: int, spec: str) -> Result | None:
    """Return the result of an event's payload in a run of ``spec``.

    None where it is not of the form, or says of itself that it is of another spec.
    """
    if not isinstance(found, dict) or not _is_of(spec, found.get(SPEC)):
        return None
    try:
        return check(found, "")._replace(run_id=run_id, seq=seq)
    except InvalidEvidence:
        return None


def _is_of(spec: str, said: Json) -> bool:
    return said is None or (isinstance(said, str) and said.lower().removeprefix("sha256:") == spec)


def _name(fields: Mapping[str, Json], field: str, where: str) -> str:
    value = fields.get(field)
    if field == "example_id" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value.strip():
        return value
    if value is None:
        hint = "name one with --suite (suite=)" if field == "suite" else _FORM
        msg = f"{where} has no {field}"
        raise InvalidEvidence(msg, hint=hint)
    raise _misfit(where, field, "a text that is not blank", value)


def _passed(fields: Mapping[str, Json], where: str) -> bool:
    value = fields.get("passed")
    if isinstance(value, bool):
        return value
    if value is None:
        msg = f"{where} does not say whether it passed"
        raise InvalidEvidence(msg, hint=_FORM)
    raise _misfit(where, "passed", "true or false", value)


def _score(value: Json, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            score = float(value)
        except OverflowError:
            score = math.inf
        if math.isfinite(score):
            return score
    raise _misfit(where, "score", "a finite number", value)


def _tags(value: Json, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        value = [value]
    elif isinstance(value, dict):
        value = [f"{key}={item}" if isinstance(item, str) else None for key, item in value.items()]
    if isinstance(value, list | tuple):
        tags = tuple(tag for tag in value if isinstance(tag, str) and tag.strip())
        if len(tags) == len(value):
            return tuple(dict.fromkeys(tags))
    raise _misfit(where, "tags", "texts that are not blank", value)


def _trial(value: Json, where: str) -> int:
    if value is None:
        return 1
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_TRIAL:
        return value
    raise _misfit(where, "trial", "a whole number from 0", value)


def _misfit(where: str, field: str, wanted: str, value: object) -> InvalidEvidence:
    msg = f"the {field} of {where} must be {wanted}, not {name_of(value)}"
    return InvalidEvidence(msg, hint=_FORM)
