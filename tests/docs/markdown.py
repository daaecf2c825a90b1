"""A page of the documentation, read: its blocks, headings and links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"
SETUP: Final = "setup"

_FENCE: Final = re.compile(r"(?P<indent> *)(?P<ticks>`{3,})(?P<info>[^`]*)")
_COMMENT: Final = re.compile(r"<!-- (setup|not run): (.*?) *-->", re.DOTALL)
_HEADING: Final = re.compile(r"#{1,6} +(.*?) *#*")
_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block or a hidden set-up; ``line`` is that of its first line of text.

    ``reason`` says why a block is not run. ``mark`` is ``output`` where the block shows
    what the one before it prints, ``exact`` where ids and digests are the same at every run.
    """

    line: int
    language: str
    text: str
    mark: str = ""
    reason: str | None = None


def pages() -> list[Path]:
    """Return every page whose blocks are executed."""
    return [page for page in all_pages() if "adr" not in page.parts]


def all_pages() -> list[Path]:
    """Return every page of the documentation."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]


def blocks(text: str) -> list[Block]:
    """Return the blocks and set-ups of a page in order."""
    found: list[Block] = []
    lines = text.split("\n")
    place, reason = 0, None
    while place < len(lines):
        fence = _FENCE.fullmatch(lines[place])
        if fence is not None:
            start = place + 1
            place = _closing(lines, start, fence["ticks"])
            indent = len(fence["indent"])
            body = "".join(f"{line[indent:]}\n" for line in lines[start:place])
            language, _, mark = fence["info"].strip().partition(" ")
            found.append(Block(start + 1, language, body, mark, reason))
            reason = None
        elif lines[place].startswith("<!-- "):
            comment = _COMMENT.match("\n".join(lines[place:]))
            if comment is not None and comment[1] == SETUP:
                found.append(Block(place + 1, SETUP, comment[2]))
            elif comment is not None:
                reason = comment[2]
            place += comment[0].count("\n") if comment is not None else 0
        place += 1
    return found


def _closing(lines: list[str], start: int, ticks: str) -> int:
    for place in range(start, len(lines)):
        if lines[place].strip() == ticks:
            return place
    msg = f"line {start}: the block is never closed"
    raise ValueError(msg)


def prose(text: str) -> str:
    """Return a page without its fenced blocks; lines keep their numbers."""
    inside = False
    kept: list[str] = []
    for line in text.split("\n"):
        fence = _FENCE.fullmatch(line)
        inside = inside != bool(fence)
        kept.append("" if inside or fence else line)
    return "\n".join(kept)


def anchors(text: str) -> set[str]:
    """Return the anchors that a page's headings make."""
    found: set[str] = set()
    for line in prose(text).split("\n"):
        heading = _HEADING.fullmatch(line)
        if heading is None:
            continue
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        count = 1
        while anchor in found:
            anchor = f"{anchor.removesuffix(f'-{count - 1}')}-{count}"
            count += 1
        found.add(anchor)
    return found


def links(text: str) -> list[tuple[int, str]]:
    """Return (line, target) of each link."""
    return [
        (number, target)
        for number, line in enumerate(prose(text).split("\n"), 1)
        for target in _LINK.findall(re.sub(r"`[^`]*`", "", line))
    ]


def table(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its head."""
    lines = text.split("\n")
    start = lines.index(heading)
    rows: list[list[str]] = []
    for line in lines[start + 1 :]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows or line.startswith("#"):
            break
    return rows[2:]
