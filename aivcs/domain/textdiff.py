"""What differs between two texts, line by line: a unified diff with as few lines as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from aivcs.domain.alignment import align

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_TEXT: Final = 4 * 2**20
"""The longest file in bytes that is compared by lines."""
MAX_LINES: Final = 50_000
"""The most lines of a file that is compared by lines."""

_CONTEXT: Final = 3
_UNENDED: Final = "\n\\ No newline at end of file"


class _Change(NamedTuple):
    """Lines ``i`` up to ``i_end`` of the old text become ``j`` up to ``j_end`` of the new."""

    i: int
    i_end: int
    j: int
    j_end: int


def readable(content: bytes) -> bool:
    """Tell whether a content is text: UTF-8 without a NUL."""
    if b"\0" in content:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def fits(content: bytes) -> bool:
    """Tell whether a content is short enough to be compared by lines."""
    return len(content) <= MAX_TEXT and content.count(b"\n") < MAX_LINES


def text_diff(old: bytes, new: bytes, path: str) -> list[str] | None:
    """Return the lines of a unified diff, none of them with a line end.

    No diff of the two has fewer added and removed lines. Lines end with LF alone. None when
    one side is binary: not UTF-8, or with a NUL. Equal contents give no lines.
    """
    if not (readable(old) and readable(new)):
        return None
    found = list(hunks(_lines(old.decode()), _lines(new.decode())))
    return [f"--- a/{path}", f"+++ b/{path}", *found] if found else []


def hunks(a: Sequence[str], b: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the hunks of a unified diff; three lines around each change."""
    for group in _groups(a, b):
        first, last = group[0], group[-1]
        before = min(first.i, _CONTEXT)
        after = min(len(a) - last.i_end, _CONTEXT)
        old = _range(first.i - before, last.i_end + after)
        new = _range(first.j - before, last.j_end + after)
        yield f"@@ -{old} +{new} @@"
        yield from _marked(" ", a[first.i - before : first.i])
        ends = [*(following.i for following in group[1:]), last.i_end + after]
        for one, end in zip(group, ends, strict=True):
            yield from _marked("-", a[one.i : one.i_end])
            yield from _marked("+", b[one.j : one.j_end])
            yield from _marked(" ", a[one.i_end : end])


def _groups(a: Sequence[str], b: Sequence[str]) -> list[list[_Change]]:
    """Return the changes; those whose surroundings touch stand together."""
    groups: list[list[_Change]] = []
    i = j = 0
    for one, other in [*align(a, b), (len(a), len(b))]:
        if one > i or other > j:
            change = _Change(i, one, j, other)
            if groups and i - groups[-1][-1].i_end <= 2 * _CONTEXT:
                groups[-1].append(change)
            else:
                groups.append([change])
        i, j = one + 1, other + 1
    return groups


def _range(start: int, end: int) -> str:
    count = end - start
    if count == 1:
        return str(start + 1)
    return f"{start + 1 if count else start},{count}"


def _marked(mark: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield from f"{mark}{line}".split("\n")


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    last = lines.pop()
    return [*lines, last + _UNENDED] if last else lines
