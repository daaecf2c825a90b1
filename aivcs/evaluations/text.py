"""The JSON of a file of results: one document, or one value a line.

Numbers that JSON does not have (NaN, Infinity, 1e999) are read as they stand: so the error
names the result that has one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.domain import strictjson
from aivcs.errors import InvalidSource
from aivcs.trajectories.model import MAX_SOURCE
from aivcs.trajectories.source import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.canonical import Json

_SPACE: Final = " \t\r\n"
_MANY: Final = "Extra data"
_DEEPEST: Final = strictjson.MAX_DEPTH + 3
_HINT: Final = "a file of results is UTF-8 text: one JSON document, or one result a line"
_DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Text:
    """A file after its first look: ``whole`` says whether it is one document.

    ``value`` is that of the document then, else None.
    """

    name: str
    text: str
    whole: bool
    value: Json

    def lines(self) -> Iterator[tuple[int, Json]]:
        """Yield (number from 1, value) of each line that is not blank.

        Raises InvalidSource, naming the line, for one that is not JSON.
        """
        for number, line in enumerate(self.text.split("\n"), 1):
            if line.strip(_SPACE):
                try:
                    yield number, _loads(line.strip(_SPACE))
                except ValueError as error:
                    where = f"line {number} of {self.name}"
                    raise _malformed(where, error) from error


def open_text(data: bytes, name: str) -> Text:
    """Decode and take the first look.

    Raises InvalidSource for data that is too long, blank, binary or not UTF-8, and for a
    first value that is not JSON or is nested too deeply.
    """
    check_length(data, name)
    text = decode(data, name)
    if not text.strip(_SPACE):
        msg = f"{name} is empty"
        raise InvalidSource(msg, hint=_HINT)
    try:
        return Text(name, text, whole=True, value=_loads(text))
    except json.JSONDecodeError as error:
        if error.msg == _MANY:
            return Text(name, text, whole=False, value=None)
        where = f"line {error.lineno} of {name}"
        raise _malformed(where, error) from error
    except ValueError as error:
        raise _malformed(name, error) from error


def check_length(data: bytes, name: str) -> None:
    """Raise InvalidSource for data over the limit."""
    if len(data) > MAX_SOURCE:
        msg = f"{name} is {len(data)} bytes long, over the limit of {MAX_SOURCE}"
        raise InvalidSource(msg, hint="split it into several files")


def _loads(text: str) -> Json:
    return strictjson.loads(text, deepest=_DEEPEST, decoder=_DECODER)


def _malformed(where: str, error: ValueError) -> InvalidSource:
    why = (
        f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else error
    )
    return InvalidSource(f"{where} is not JSON: {why}", hint=_HINT)
