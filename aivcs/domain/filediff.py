"""What differs between two versions of a file: by value, by line, or by size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.domain.diff import ChangeKind
from aivcs.domain.textdiff import MAX_LINES, MAX_TEXT, fits, readable, text_diff
from aivcs.domain.valuefile import by_value, read_values

if TYPE_CHECKING:
    from aivcs.domain.canonical import Json
    from aivcs.domain.diff import FileChange
    from aivcs.domain.valuediff import ValueChange

NOT_TEXT: Final = "not text"
TOO_LONG: Final = f"over {MAX_TEXT} bytes or {MAX_LINES} lines"
SAME_VALUES: Final = "the values are the same, written differently"


@dataclass(frozen=True, slots=True)
class FileDiff:
    """The content of one change.

    ``values`` are the places that differ, where the file was compared by value, and
    ``lines`` a unified diff without line ends, where by lines; both are None for a file of
    which only sizes are compared, or only the mode differs. Sizes are in bytes, None where
    there is no such file. ``note`` says why it was not compared as its name suggests.
    """

    change: FileChange
    old_size: int | None
    new_size: int | None
    values: tuple[ValueChange, ...] | None = None
    lines: tuple[str, ...] | None = None
    note: str | None = None


def worth_reading(change: FileChange, old_size: int | None, new_size: int | None) -> bool:
    """Tell whether contents of these sizes are looked at by ``file_diff``."""
    return change.kind is not ChangeKind.MODE and max(old_size or 0, new_size or 0) <= MAX_TEXT


def size_diff(change: FileChange, old_size: int | None, new_size: int | None) -> FileDiff:
    """Return what is told of a change whose contents are not worth reading."""
    note = None if change.kind is ChangeKind.MODE else TOO_LONG
    return FileDiff(change, old_size, new_size, note=note)


def file_diff(change: FileChange, old: bytes | None, new: bytes | None) -> FileDiff:
    """Return what differs between the contents; None is that of a file that is not there.

    A file whose values cannot be compared is compared by lines, and so are one that is new,
    one that is gone, and one whose values are the same.
    """
    sizes = None if old is None else len(old), None if new is None else len(new)
    note = None
    if old is not None and new is not None and by_value(change.component, change.path):
        from aivcs.domain.valuediff import value_diff

        try:
            values = value_diff(_values(change, "old", old), _values(change, "new", new))
        except ValueError as error:
            note = str(error)
        else:
            if values:
                return FileDiff(change, *sizes, values=values)
            note = SAME_VALUES
    before, after = old or b"", new or b""
    if not (readable(before) and readable(after)):
        return FileDiff(change, *sizes, note=NOT_TEXT)
    if not (fits(before) and fits(after)):
        return FileDiff(change, *sizes, note=TOO_LONG)
    lines = text_diff(before, after, change.path)
    return FileDiff(change, *sizes, lines=tuple(lines or ()), note=note)


def _values(change: FileChange, which: str, content: bytes) -> Json:
    try:
        return read_values(change.path, content)
    except ValueError as error:
        msg = f"the {which} one is {error}"
        raise ValueError(msg) from error
