"""What differs between two specs, file by file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aivcs.domain.spec import Component

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aivcs.domain.digest import Digest
    from aivcs.domain.spec import SpecFile


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


def _kind(old: SpecFile | None, new: SpecFile | None) -> ChangeKind:
    if old is None:
        return ChangeKind.ADDED
    if new is None:
        return ChangeKind.REMOVED
    return ChangeKind.MODE if old.digest == new.digest else ChangeKind.MODIFIED
