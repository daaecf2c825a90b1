"""One walk through an agent's folder, links included."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aivcs.domain.folder import FoundFile, LeftOut
from aivcs.domain.patterns import ignore_rules
from aivcs.domain.selection import NEVER
from aivcs.errors import InvalidSpec

if TYPE_CHECKING:
    from aivcs.domain.patterns import Patterns
    from aivcs.domain.selection import Selection

MAX_ENTRIES: Final = 250_000
"""More than this is no agent's folder; links can multiply a small one without end."""

_BROKEN: Final = frozenset({errno.ENOENT, errno.ENOTDIR})


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder to enter: where it is, its path in the spec, what holds inside it.

    ``origins`` are the real folders from which links led here.
    """

    real: str
    path: str
    rules: tuple[tuple[str, Patterns], ...] = ()
    origins: tuple[str, ...] = ()


class Walk:
    """Collects the files a selection takes, and what it leaves out."""

    def __init__(self, root: Path, selection: Selection) -> None:
        """Prepare a walk of ``root``, a real path."""
        self.files: list[FoundFile] = []
        self.left_out: list[LeftOut] = []
        self.secrets: list[str] = []
        self._root = str(root)
        self._selection = selection
        self._pending = [_Place(self._root, "")]
        self._seen = 0

    def run(self) -> None:
        """Walk. Raises InvalidSpec for what no spec may hold, OSError."""
        while self._pending:
            self._enter(self._pending.pop())

    def _enter(self, place: _Place) -> None:
        with os.scandir(place.real) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        self._seen += len(entries)
        if self._seen > MAX_ENTRIES:
            msg = f"{self._root} holds more than {MAX_ENTRIES} files and folders"
            raise InvalidSpec(msg, hint="give the folder of one agent")
        names = {entry.name: entry for entry in entries}
        named = self._selection.names(place.path, folder=True)
        if place.path and "pyvenv.cfg" in names and not named:
            self._leave(f"{place.path}/", "generated or local to one machine")
            return
        ignoring = names.get(".gitignore")
        if ignoring is not None and ignoring.is_file(follow_symlinks=False):
            prefix = f"{place.path}/" if place.path else ""
            text = Path(ignoring.path).read_bytes().decode("utf-8-sig", "replace")
            rules = (*place.rules, (prefix, ignore_rules(text)))
            place = _Place(place.real, place.path, rules, place.origins)
        for entry in entries:
            self._look(entry, place)

    def _look(self, entry: os.DirEntry[str], place: _Place) -> None:
        path = f"{place.path}/{entry.name}" if place.path else entry.name
        folder = entry.is_dir(follow_symlinks=False)
        if self._stays_out(path, place, folder=folder):
            return
        try:
            path.encode()
        except UnicodeEncodeError as error:
            msg = f"the name of {path!r} is not UTF-8"
            raise InvalidSpec(msg, hint="rename it, or exclude it in aivcs.toml") from error
        if folder:
            self._pending.append(_Place(entry.path, path, place.rules, place.origins))
        elif entry.is_symlink():
            self._follow(entry, path, place)
        else:
            self._take(path, Path(entry.path), None)

    def _stays_out(self, path: str, place: _Place, *, folder: bool) -> bool:
        why = self._selection.leaves_out(path, folder=folder)
        if why is None and not folder and self._selection.withholds(path):
            self.secrets.append(path)
            why = "looks like a secret"
        if why is None and _ignored(path, place, folder=folder):
            why = None if self._selection.names(path, folder=folder) else "ignored by .gitignore"
        if why is not None:
            self._leave(f"{path}/" if folder else path, why)
        return why is not None

    def _follow(self, entry: os.DirEntry[str], path: str, place: _Place) -> None:
        real = self._target(entry.path, path)
        inside = real.removeprefix(self._root).removeprefix("/")
        if not NEVER.isdisjoint(inside.split("/")):
            self._leave(path, "a link to what is never part of a spec")
        elif not Path(real).is_dir():
            self._take(path, Path(real), inside)
        elif not self._stays_out(path, place, folder=True):
            origins = (*place.origins, place.real)
            if any(f"{origin}/".startswith(f"{real}/") for origin in origins):
                msg = f"the link {path!r} leads back to a folder it lies in"
                raise InvalidSpec(msg, hint="remove the link, or exclude it in aivcs.toml")
            self._pending.append(_Place(real, path, place.rules, origins))

    def _target(self, link: str, path: str) -> str:
        try:
            real = os.path.realpath(link, strict=True)
        except OSError as error:
            if error.errno == errno.ELOOP:
                why = "is part of a loop of links"
            elif error.errno in _BROKEN:
                why = f"is broken: there is no {str(Path(link).readlink())!r}"
            else:
                raise
            msg = f"the link {path!r} {why}"
            raise InvalidSpec(msg, hint="repair the link, or exclude it in aivcs.toml") from error
        if not f"{real}/".startswith(f"{self._root.rstrip('/')}/"):
            msg = f"the link {path!r} leads out of the folder, to {real!r}"
            raise InvalidSpec(msg, hint="copy the file into the folder, or exclude the link")
        return real

    def _take(self, path: str, source: Path, target: str | None) -> None:
        found = source.stat()
        if not stat.S_ISREG(found.st_mode):
            self._leave(path, "a pipe, socket or device")
        elif self._selection.withholds(path, target):
            self.secrets.append(path)
            self._leave(path, "a link to what looks like a secret")
        elif (component := self._selection.component_of(path)) is None:
            self._leave(path, "matches no component")
        else:
            executable = bool(found.st_mode & stat.S_IXUSR)
            self.files.append(FoundFile(component, path, executable, source, found.st_size))

    def _leave(self, path: str, why: str) -> None:
        self.left_out.append(LeftOut(path.encode(errors="replace").decode(), why))


def _ignored(path: str, place: _Place, *, folder: bool) -> bool:
    """Ask the nearest ``.gitignore`` first; the first that says anything decides."""
    for prefix, patterns in reversed(place.rules):
        verdict = patterns.verdict(path.removeprefix(prefix), folder=folder)
        if verdict is not None:
            return verdict
    return False
