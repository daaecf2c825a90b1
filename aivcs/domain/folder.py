"""What was found in an agent's folder, and what was not taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.errors import InvalidSpec

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST: Final = "aivcs.toml"
"""The manifest's name, at the root of an agent's folder."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of a component: its path in the spec, and where to read it.

    ``size`` is in bytes, as it was when the folder was read.
    """

    component: str
    path: str
    executable: bool
    source: Path
    size: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A path that is no part of the spec, and why; a folder's path ends with ``/``."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Folder:
    """An agent's folder as read.

    ``files`` and ``left_out`` are sorted by path. ``name`` and ``manifest`` (the raw bytes)
    come from ``aivcs.toml``, None without one. ``secrets`` are paths that were left out
    because they look like secrets, and would be taken if they were allowed. ``refused`` are
    links that the patterns select and that lead nowhere they may. Both stand in
    ``left_out`` too.
    """

    root: Path
    files: tuple[FoundFile, ...]
    name: str | None
    manifest: bytes | None
    left_out: tuple[LeftOut, ...]
    secrets: tuple[str, ...]
    refused: tuple[LeftOut, ...] = ()

    def check_links(self) -> None:
        """Raise InvalidSpec naming the first link that is refused."""
        for link in self.refused:
            msg = f"{link.path!r} is {link.why}"
            raise InvalidSpec(
                msg, hint=f"repair it, put a copy in its place, or exclude it in {MANIFEST}"
            )


@dataclass(frozen=True, slots=True)
class GitState:
    """The commit a folder is at (hex), and whether its files differ from it."""

    sha: str
    dirty: bool
