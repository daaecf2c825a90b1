"""What was found in an agent's folder, and what was not taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MANIFEST: Final = "aivcs.toml"
"""The manifest's name, at the root of an agent's folder."""

_RULES: Final = ".gitignore"


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
    """The commit a folder is at (hex), and what in the folder differs from it.

    ``changed`` are paths of the commit or the index that differ, ``untracked`` and ``ignored``
    those that are in neither; all relative to the folder. A folder's path ends with ``/`` and
    stands for all that is in it.
    """

    sha: str
    changed: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def dirty(self) -> bool:
        """Whether anything differs but what git was told to ignore."""
        return bool(self.changed or self.untracked)

    def lacks(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return what keeps a checkout of the commit from having just these ``paths``.

        That is every changed path, of the others those that are among ``paths``, and each
        ``.gitignore`` that is not committed: it may leave files out.
        """
        strange = [path.removesuffix("/") for path in (*self.untracked, *self.ignored)]
        found = [path for path in strange if path.rpartition("/")[2] == _RULES]
        if strange:
            alone = frozenset(strange)
            found += (path for path in paths if not alone.isdisjoint(_upward(path)))
        return tuple(dict.fromkeys([*self.changed, *found]))


def _upward(path: str) -> Iterator[str]:
    """Yield a path and the folders that it is in."""
    while path:
        yield path
        path = path.rpartition("/")[0]
