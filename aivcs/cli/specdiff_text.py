"""How a person reads in what two specs differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.cli import output
from aivcs.domain.textdiff import fits, text_diff
from aivcs.domain.valuediff import ValueKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.canonical import Json
    from aivcs.domain.diff import FileChange
    from aivcs.domain.filediff import FileDiff
    from aivcs.domain.spec import SpecFile
    from aivcs.domain.valuediff import ValueChange

_LONG: Final = 50
_HEADER: Final = 2


def lines(found: FileDiff) -> Iterator[str]:
    """Yield the lines about one file: what happened to it, then what differs in it."""
    change = found.change
    yield f"{change.component}: {change.path} ({_what(change)})"
    if found.note is not None:
        yield f"    {found.note}"
    if found.values is not None:
        for value in found.values:
            yield from _value(value)
    elif found.lines is not None:
        yield from found.lines
    elif found.note is not None:
        yield f"    old: {_size(change.old, found.old_size)}"
        yield f"    new: {_size(change.new, found.new_size)}"


def _what(change: FileChange) -> str:
    if change.old and change.new and change.old.executable != change.new.executable:
        return f"{change.kind.value}, {'executable' if change.new.executable else 'plain'} now"
    return change.kind.value


def _size(file: SpecFile | None, size: int | None) -> str:
    if file is None or size is None:
        return "-"
    return f"{output.counted(size, 'byte')}, {file.digest.short()}"


def _value(change: ValueChange) -> Iterator[str]:
    path = change.path or "the whole"
    match change.kind:
        case ValueKind.ADDED:
            yield f"  + {path}: {output.json_text(change.new)}"
        case ValueKind.REMOVED:
            yield f"  - {path}: {output.json_text(change.old)}"
        case ValueKind.MOVED:
            yield f"  > {path}: from {change.old_pointer} to {change.new_pointer}"
        case ValueKind.CHANGED:
            yield from _changed(path, change.old, change.new)


def _changed(path: str, old: Json, new: Json) -> Iterator[str]:
    """Yield old and new on one line, below one another where they are long, texts by line."""
    if isinstance(old, str) and isinstance(new, str) and "\n" in old + new:
        one, other = (text.encode("utf-8", "replace") for text in (old, new))
        found = text_diff(one, other, "") if fits(one) and fits(other) else None
        if found:
            yield f"  ~ {path}:"
            yield from (f"    {line}" for line in found[_HEADER:])
            return
    before, after = output.json_text(old), output.json_text(new)
    if max(len(before), len(after)) > _LONG:
        yield f"  ~ {path}:"
        yield f"    - {before}"
        yield f"    + {after}"
    else:
        yield f"  ~ {path}: {before} -> {after}"
