"""A source's bytes as JSON: one document, or one value a line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.domain import strictjson
from aivcs.errors import InvalidSource
from aivcs.trajectories.model import MAX_SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.canonical import Json

_SPACE: Final = " \t\r\n"
_MANY: Final = "Extra data"
_TEXT_HINT: Final = "a source is UTF-8 text: one JSON document, or one JSON value a line"


@dataclass(frozen=True, slots=True)
class Source:
    """A source after its first look: ``whole`` says whether it is one document.

    ``document`` is its value then, else None. ``name`` is how messages call it.
    """

    name: str
    text: str
    whole: bool
    document: Json

    def lines(self) -> Iterator[tuple[int, Json]]:
        """Yield (number from 1, value) of each line that is not blank.

        Raises InvalidSource, naming the line, for one that is not JSON.
        """
        start, number = 0, 1
        while start < len(self.text):
            end = self.text.find("\n", start)
            end = len(self.text) if end < 0 else end
            line = self.text[start:end].strip(_SPACE)
            if line:
                yield number, self._value(line, number)
            start, number = end + 1, number + 1

    def records(self) -> Iterator[tuple[int, Json]]:
        """Yield (line number, value) as ``lines`` does; one document is one record."""
        if self.whole:
            blank = len(self.text) - len(self.text.lstrip(_SPACE))
            yield self.text.count("\n", 0, blank) + 1, self.document
        else:
            yield from self.lines()

    def _value(self, line: str, number: int) -> Json:
        try:
            return strict_loads(line)
        except ValueError as error:
            msg = f"line {number} of {self.name} is not JSON: {_reason(error)}"
            raise InvalidSource(
                msg, hint="mend or remove the line; a last line that was cut off counts too"
            ) from error

    def misfit(self, format_name: str, expected: str) -> InvalidSource:
        """Return the error for a source that is not of the format it was taken for."""
        found = _describe(self.document) if self.whole else "lines of JSON"
        return InvalidSource(
            f"{self.name} is not {format_name}: expected {expected}, found {found}",
            hint="leave --format out to have the format recognised",
        )


def open_source(data: bytes, name: str) -> Source:
    """Decode and take the first look.

    Raises InvalidSource for data over MAX_SOURCE, blank, binary or not UTF-8, for a first
    value that is not JSON, and for JSON nested too deeply.
    """
    if len(data) > MAX_SOURCE:
        msg = f"{name} is {len(data)} bytes long, over the limit of {MAX_SOURCE}"
        raise InvalidSource(msg, hint="split it into several files")
    text = decode(data, name)
    if not text.strip(_SPACE):
        msg = f"{name} is empty"
        raise InvalidSource(msg, hint="expected at least one event or message")
    try:
        return Source(name, text, whole=True, document=strict_loads(text))
    except json.JSONDecodeError as error:
        if error.msg == _MANY:
            return Source(name, text, whole=False, document=None)
        msg = f"line {error.lineno} of {name} is not JSON: {_reason(error)}"
        raise InvalidSource(msg, hint=_TEXT_HINT) from error
    except ValueError as error:
        msg = f"{name} is not JSON: {error}"
        raise InvalidSource(msg, hint=_TEXT_HINT) from error


def decode(data: bytes, name: str) -> str:
    """Return the text of UTF-8 bytes, without a byte order mark.

    Raises InvalidSource, naming the line, for NUL bytes and for what is not UTF-8.
    """
    nul = data.find(b"\0")
    if nul >= 0:
        msg = f"line {_line_at(data, nul)} of {name} holds a NUL byte: it is binary, not text"
        raise InvalidSource(msg, hint=_TEXT_HINT)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"line {_line_at(data, error.start)} of {name} is not UTF-8 (byte {error.start})"
        raise InvalidSource(msg, hint=_TEXT_HINT) from error


def strict_loads(text: str) -> Json:
    """Decode JSON and nothing beyond it; every number is finite.

    An event line is one level around a payload. Raises ValueError, also for nesting over
    the payload's bound and that level.
    """
    return strictjson.loads(text, deepest=strictjson.MAX_DEPTH + 1)


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return str(error)


def _line_at(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1


def _describe(value: Json) -> str:
    if isinstance(value, dict):
        keys = ", ".join(repr(key[:40]) for key in list(value)[:8])
        return f"an object with {keys}" if keys else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return f"the value {str(value)[:40]!r}"
