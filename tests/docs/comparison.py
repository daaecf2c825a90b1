"""Whether shown output is what a command printed, up to what differs at every run."""

from __future__ import annotations

import difflib
import re
from typing import Final

ELLIPSIS: Final = "..."
"""A line that stands for any number of lines."""

_UUID: Final = r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
_VARYING: Final = (
    (_UUID, "<uuid>"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{3}\b", "<uuid>"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z| ?UTC|[+-]\d\d:\d\d)?", "<time>"),
    (r"\b[0-9a-f]{7,64}\b", "<hex>"),
    (r'\bduration_ms("?: *)\d+', "duration_ms: <number>"),
    (r"\b\d+(\.\d+)? ?(ms|s|seconds?)\b", "<duration>"),
    (r"[─━-]{3,}", "<rule>"),
    (r"\s+", " "),
)


def normal(text: str, home: str, *, exact: bool = False) -> list[str]:
    """Return lines in which ids, digests, times, durations and widths are all alike.

    ``exact`` leaves them as they are; then only the home folder is replaced.
    """
    lines = []
    for line in text.replace(home, "~").split("\n"):
        plain = line
        for pattern, name in () if exact else _VARYING:
            plain = re.sub(pattern, name, plain)
        lines.append(plain.strip())
    while lines and not lines[-1]:
        lines.pop()
    return lines


def difference(shown: str, printed: str, home: str, *, exact: bool = False) -> str | None:
    """Return how the output differs from what the page shows, or None."""
    expected, found = normal(shown, home, exact=exact), normal(printed, home, exact=exact)
    parts = [".*?" if line == ELLIPSIS else f"{re.escape(line)}\n" for line in expected]
    if re.fullmatch("".join(parts), "".join(f"{line}\n" for line in found), re.DOTALL):
        return None
    changed = difflib.unified_diff(expected, found, "the page", "the output", lineterm="")
    return "\n".join(changed) + f"\n--- the output as printed\n{printed}"
