"""What differs between two specs, file by file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from aivcs.domain.spec import Component

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aivcs.domain.digest import Digest
    from aivcs.domain.spec import SpecFile

_UNENDED: Final = "\n\\ No newline at end of file"


class ChangeKind(StrEnum):
    """How a file differs; ``mode`` means only its executable bit."""

    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"
    MODE = "mode"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that differs; ``old`` is None for an added file, ``new`` for a removed one."""

    component: str
    path: str
    kind: ChangeKind
    old: SpecFile | None
    new: SpecFile | None


@dataclass(frozen=True, slots=True)
class SpecDiff:
    """The changes from spec ``old`` to spec ``new``, by component and then by path."""

    old: Digest
    new: Digest
    changes: tuple[FileChange, ...]


def compare(
    old: Mapping[str, Iterable[SpecFile]], new: Mapping[str, Iterable[SpecFile]]
) -> tuple[FileChange, ...]:
    """Return what changed between the files of two specs, given by component."""
    changes: list[FileChange] = []
    for part in Component:
        before = {file.path: file for file in old.get(part.value, ())}
        after = {file.path: file for file in new.get(part.value, ())}
        for path in sorted(before.keys() | after.keys(), key=str.encode):
            one, other = before.get(path), after.get(path)
            if one != other:
                changes.append(FileChange(part.value, path, _kind(one, other), one, other))
    return tuple(changes)


def text_diff(old: bytes, new: bytes, path: str) -> list[str] | None:
    """Return the lines of a unified diff, none of them with a line end.

    None when one side is binary: not UTF-8, or with a NUL. Equal contents give no lines.
    """
    from difflib import unified_diff

    if b"\0" in old or b"\0" in new:
        return None
    try:
        before, after = _lines(old.decode()), _lines(new.decode())
    except UnicodeDecodeError:
        return None
    found = unified_diff(before, after, f"a/{path}", f"b/{path}", lineterm="")
    return [line for piece in found for line in piece.split("\n")]


def _kind(old: SpecFile | None, new: SpecFile | None) -> ChangeKind:
    if old is None:
        return ChangeKind.ADDED
    if new is None:
        return ChangeKind.REMOVED
    return ChangeKind.MODE if old.digest == new.digest else ChangeKind.MODIFIED


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    last = lines.pop()
    return [*lines, last + _UNENDED] if last else lines
