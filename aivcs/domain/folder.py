"""What was found in an agent's folder, and what was not taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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
    because they look like secrets; they stand in ``left_out`` too.
    """

    root: Path
    files: tuple[FoundFile, ...]
    name: str | None
    manifest: bytes | None
    left_out: tuple[LeftOut, ...]
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GitState:
    """The commit a folder is at (hex), and whether its files differ from it."""

    sha: str
    dirty: bool
