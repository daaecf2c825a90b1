"""What a repository has promised to a process, told line by line while it works.

A line is the name of who tells, a word, and digests. It is written after the call it tells
of returned, but for ``drop`` and ``left``, which are written before. Nothing is expected of
what was dropped last, neither that it is there nor that it is not.

``put``   stored, and held as long as the process lives
``keep``  pinned, or named by a run or a spec
``drop``  about to be unpinned or deleted
``gone``  deleted
``left``  about to close the repository
``lost``  a promise that was not kept, seen by the process itself
``did``   something else was done (``seal``, ``gc``, ``get``)
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aivcs import Digest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(slots=True)
class Promises:
    """The promises that stand, in the order of the lines that were heard."""

    kept: set[Digest] = field(default_factory=set)
    held: set[Digest] = field(default_factory=set)
    gone: set[Digest] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    steps: dict[str, int] = field(default_factory=dict)

    def hear(self, line: str) -> None:
        """Take note of one line, without the name of who tells."""
        word, *rest = line.split()
        what = rest[0] if word == "did" else word
        self.steps[what] = self.steps.get(what, 0) + 1
        if word == "did":
            return
        if word == "lost":
            self.lost.append(line)
            return
        digests = {Digest.parse(text) for text in rest}
        self.gone -= digests
        if word == "put":
            self.held |= digests
        elif word == "keep":
            self.kept |= digests
        elif word == "left":
            self.held.clear()
        else:
            self.kept -= digests
            self.held -= digests
            if word == "gone":
                self.gone |= digests


def hear(lines: Iterable[str]) -> dict[str, Promises]:
    """Return what was promised to whom; a line that was not finished is not told."""
    heard: dict[str, Promises] = {}
    for line in lines:
        if line.endswith("\n"):
            name, _, rest = line.partition(" ")
            heard.setdefault(name, Promises()).hear(rest.rstrip())
    return heard


class Teller:
    """Writes lines to a file, each by one call of the operating system."""

    def __init__(self, path: Path, name: str) -> None:
        self._name = name
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)

    def tell(self, word: str, *what: object) -> None:
        """Write one line."""
        line = " ".join([self._name, word, *map(str, what)]) + "\n"
        os.write(self._descriptor, line.encode())
