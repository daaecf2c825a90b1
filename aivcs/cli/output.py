"""Writing: one JSON value, tables and fields on stdout; everything else on stderr."""

from __future__ import annotations

import errno
import json
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

from aivcs.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aivcs.cli.session import Session
    from aivcs.cli.views import View

    Column: TypeAlias = tuple[str, Callable[[View], object]]

ROWS: Final = 50
"""How many rows a listing has when nobody said."""

SHORT: Final = 12
_TO_SECOND: Final = len("2026-01-31T12:00:00")
_LONGEST_CELL: Final = 120
_KIBI: Final = 1024
_UNITS: Final = ("KiB", "MiB", "GiB", "TiB")
# What turns the direction of a line around, ends it, or makes two names look the same. What
# joins letters, as some scripts and emoji need, stays.
_UNSEEN: Final = (
    0xAD,
    0x061C,
    0x180E,
    0x200B,
    0x200E,
    0x200F,
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE0080),
)
_SHORT: Final = 0xFFFF
# What a terminal would act upon instead of showing it.
_CONTROLS: Final = {
    **{code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))},
    **{code: f"\\u{code:04x}" if code <= _SHORT else f"\\U{code:08x}" for code in _UNSEEN},
    ord("\t"): "\t",
    ord("\n"): "\\n",
    ord("\r"): "\\r",
}


def answer(session: Session, value: object, text: Callable[[], None]) -> None:
    """Print ``value`` when JSON was asked for, else let ``text`` print."""
    if session.json:
        write_json(value)
    else:
        text()


def json_text(value: object) -> str:
    """Return compact JSON that UTF-8 can carry, and that no terminal acts upon."""
    return _safe(json.dumps(value, ensure_ascii=False), value)


def write_json(value: object) -> None:
    """Print one JSON value: indented on a terminal, on one line elsewhere."""
    text = json_text(value)
    if sys.stdout.isatty():
        text = _safe(json.dumps(value, ensure_ascii=False, indent=2), value, indent=2)
    _write(f"{text}\n")


def write_json_items(values: Iterable[object]) -> None:
    """Print one JSON list, each value on a line of its own as soon as it comes.

    What was printed is a list also when an error or Ctrl-C ends it early.
    """
    opening = "["
    try:
        for value in values:
            _write(f"{opening}{json_text(value)}")
            opening = ",\n"
    finally:
        _write("[]\n" if opening == "[" else "]\n")


def write_json_lines(values: Iterable[object]) -> None:
    """Print one JSON value a line."""
    for value in values:
        write_bytes(f"{json_text(value)}\n".encode())
    sys.stdout.buffer.flush()


def write_bytes(data: bytes) -> None:
    """Write all of the bytes to stdout. Raises OSError."""
    rest = memoryview(data)
    while rest:
        # Without a buffer (PYTHONUNBUFFERED) it may take fewer, on a disk that fills up say,
        # or none, where nobody reads what was to be read at once.
        count = sys.stdout.buffer.write(rest) or 0
        if not count:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        rest = rest[count:]


def write_lines(lines: Iterable[str]) -> None:
    """Print lines; what a terminal would act upon is shown as an escape."""
    _write("".join(f"{printable(line)}\n" for line in lines))


def write_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Print named values, aligned."""
    pairs = [(f"{name}:", cell(value)) for name, value in fields]
    width = max((len(name) for name, _ in pairs), default=0)
    write_lines(f"{name:<{width}}  {value}" for name, value in pairs)


def write_table(columns: Sequence[Column], views: Iterable[View]) -> None:
    """Print a table: with rich on a terminal, aligned text elsewhere."""
    headings = [heading for heading, _ in columns]
    rows = [[clip(cell(value(view))) for _, value in columns] for view in views]
    if not sys.stdout.isatty():
        write_lines(_aligned([headings, *rows]))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        # Where it is too narrow the last column gives way; a row stays one line.
        table.add_column(heading, no_wrap=heading != headings[-1])
    for row in rows:
        table.add_row(*(Text(text, no_wrap=True, overflow="ellipsis") for text in row))
    Console(file=sys.stdout).print(table)


def listing(
    session: Session, rows: list[View], limit: int | None, text: Callable[[list[View]], None]
) -> None:
    """Print as many rows as are shown, then say on stderr how many more there are.

    ``limit`` None means all of them as JSON, else 50.
    """
    if session.json:
        write_json(rows[:limit])
        return
    shown = ROWS if limit is None else limit
    text(rows[:shown])
    more(len(rows) - shown, "--limit N shows more, --json all")


def more(count: int, how: str) -> None:
    """Say on stderr how many rows were left out and how to see them."""
    if count > 0:
        note(f"{count} more; {how}")


def note(text: str) -> None:
    """Print a line on stderr."""
    to_stderr(printable(text))


def to_stderr(line: str) -> None:
    """Print a line on stderr as it is; a closed stderr is nobody's failure."""
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass


def cell(value: object) -> str:
    """Return a value as a table shows it, on one line."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return printable(str(value))
    return printable(json_text(value))


def counted(count: int, noun: str) -> str:
    """Return a number and what it counts: ``1 event``, ``2 events``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def size(count: int) -> str:
    """Return a number of bytes as a person reads it: ``17 bytes``, ``1.5 KiB``, ``2.0 GiB``."""
    if count < _KIBI:
        return counted(count, "byte")
    power = min((count.bit_length() - 1) // 10, len(_UNITS))
    return f"{count / _KIBI**power:,.1f} {_UNITS[power - 1]}"


def short(digest: object) -> str:
    """Return the first 12 characters of a digest or id; ``-`` for None."""
    return "-" if digest is None else str(digest)[:SHORT]


def second(time: object) -> str:
    """Return an RFC 3339 time without the fraction of its second; ``-`` for None."""
    return "-" if time is None else f"{str(time)[:_TO_SECOND]}Z"


def printable(text: str) -> str:
    """Return text without characters that a terminal would act upon, on one line."""
    # What is printable has none, and telling so is much quicker.
    return text if text.isprintable() else text.translate(_CONTROLS)


def clip(text: str) -> str:
    """Return the beginning of a text that is too long for a line."""
    return (
        text
        if len(text) <= _LONGEST_CELL
        else f"{text[: _LONGEST_CELL - 1]}\N{HORIZONTAL ELLIPSIS}"
    )


def _aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(len(text) for text in column) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (f"{text:<{width}}" for text, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()


def _safe(text: str, value: object, indent: int | None = None) -> str:
    # Nearly all of it is ASCII, which needs no table.
    if text.isascii() and "\x7f" not in text:
        return text
    return text.translate(_in_json()) if _encodable(text) else json.dumps(value, indent=indent)


@cache
def _in_json() -> dict[int, str]:
    """Return the escapes that JSON has for what is not below 0x20, which it escapes itself."""
    return {code: json.dumps(chr(code))[1:-1] for code in (*range(0x7F, 0xA0), *_UNSEEN)}


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _write(text: str) -> None:
    try:
        sys.stdout.flush()
        write_bytes(text.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        msg = f"cannot write standard output: {error.strerror or error}"
        hint = "what the command did before stays done; only its answer is missing"
        raise StorageError(msg, hint=hint) from error
