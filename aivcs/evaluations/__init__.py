"""Results of evaluations, in the forms that test programs write them.

Bytes in, values out: nothing here reads a file, a clock or a database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs import trajectories
from aivcs.errors import InvalidSource
from aivcs.evaluations.model import MAX_RESULTS, Report, Reported

if TYPE_CHECKING:
    from aivcs.evaluations.text import Text

__all__ = ["AUTO", "FORMATS", "MAX_RESULTS", "Report", "Reported", "read"]

AUTO: Final = trajectories.AUTO
FORMATS: Final[tuple[str, ...]] = (
    "junit",
    "json",
    "jsonl",
    *(name for name in trajectories.FORMATS if name != "jsonl"),
)
"""The names of the formats: those of results, then trajectories. Lines may be of either."""

_XML: Final = (b"\xff\xfe", b"\xfe\xff", b"<")
_UTF8: Final = b"\xef\xbb\xbf"
_KNOWN: Final = f"expected results or trajectories: {', '.join(FORMATS)}"


def read(
    data: bytes,
    format: str = AUTO,  # noqa: A002 - the word the command line and the records use
    *,
    name: str = "input",
) -> Report | str:
    """Return the results that ``data`` holds, unchecked; of trajectories only their format.

    ``format`` is one of FORMATS, or ``auto`` to recognise it by its content. ``name`` is
    how messages call the source. Raises InvalidSource for data that is too long, blank,
    binary, of no known format, or not what a named one says; messages name the line or the
    element.
    """
    if format not in {AUTO, *FORMATS}:
        msg = f"unknown format: {format!r}"
        raise InvalidSource(msg, hint=f"use {AUTO}, {', '.join(FORMATS)}")
    if format == "junit" or (format == AUTO and _looks_like_xml(data)):
        from aivcs.evaluations import junit

        return junit.read(data, name)
    if format not in {AUTO, "json", "jsonl"}:
        return format
    from aivcs.evaluations import document, jsonl
    from aivcs.evaluations.text import open_text

    text = open_text(data, name)
    if format == "json" or (format == AUTO and document.recognises(text.value)):
        return document.read(text)
    if (format == "jsonl" or not text.whole) and jsonl.recognises(text):
        return jsonl.read(text)
    return _trajectory(text)


def _looks_like_xml(data: bytes) -> bool:
    return data.removeprefix(_UTF8).lstrip().startswith(_XML)


def _trajectory(text: Text) -> str:
    from aivcs.trajectories.detect import detect
    from aivcs.trajectories.source import Source

    try:
        return detect(Source(text.name, text.text, text.whole, text.value))
    except InvalidSource as error:
        raise InvalidSource(error.message, hint=_KNOWN) from error
