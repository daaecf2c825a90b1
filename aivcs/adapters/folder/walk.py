"""One walk through an agent's folder, links included."""

from __future__ import annotations

import os
import stat
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aivcs.adapters.folder.links import follow
from aivcs.domain.folder import FoundFile, LeftOut
from aivcs.domain.patterns import ignore_rules
from aivcs.domain.secrets import KEY_FILE, KEY_HEAD, holds_key
from aivcs.domain.selection import NEVER
from aivcs.errors import InvalidSpec

if TYPE_CHECKING:
    from aivcs.domain.patterns import Patterns
    from aivcs.domain.selection import Selection

MAX_ENTRIES: Final = 250_000
"""More than this is no agent's folder; links can multiply a small one without end."""


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
        self.refused: list[LeftOut] = []
        self._root = str(root)
        self._selection = selection
        self._pending = [_Place(self._root, "")]
        self._seen = Counter[bool]()

    def run(self) -> None:
        """Walk. Raises InvalidSpec for what no spec may hold, OSError."""
        while self._pending:
            self._enter(self._pending.pop())

    def _enter(self, place: _Place) -> None:
        with os.scandir(place.real) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        linked = bool(place.origins)
        self._seen[linked] += len(entries)
        if self._seen[linked] > MAX_ENTRIES:
            if linked:
                self._refuse(place.path, f"reached by links that lead to over {MAX_ENTRIES} files")
                return
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
        if why is None and not folder and self._selection.suspects(path):
            self._withhold(path)
            why = "looks like a secret"
        if why is None and _ignored(path, place, folder=folder):
            why = None if self._selection.names(path, folder=folder) else "ignored by .gitignore"
        if why is not None:
            self._leave(f"{path}/" if folder else path, why)
        return why is not None

    def _follow(self, entry: os.DirEntry[str], path: str, place: _Place) -> None:
        link = follow(entry.path, self._root)
        if link.folder and self._stays_out(path, place, folder=True):
            return
        if link.trouble is not None:
            wanted = self._selection.could_take(path, anywhere=link.folder)
            (self._refuse if wanted else self._leave)(path, link.trouble)
        elif not NEVER.isdisjoint(link.inside.split("/")):
            self._leave(path, "a link to what is never part of a spec")
        elif not link.folder:
            self._take(path, Path(link.real), link.inside)
        elif not self._selection.could_take(path, anywhere=True):
            self._leave(path, "matches no component")
        else:
            origins = (*place.origins, place.real)
            if any(f"{origin}/".startswith(f"{link.real}/") for origin in origins):
                self._refuse(path, "a link that leads back to a folder it lies in")
                return
            self._pending.append(_Place(link.real, path, place.rules, origins))

    def _take(self, path: str, source: Path, target: str | None) -> None:
        found = source.stat()
        if not stat.S_ISREG(found.st_mode):
            self._leave(path, "a pipe, socket or device")
        elif self._selection.suspects(path, target):
            self._withhold(path)
            self._leave(path, "a link to what looks like a secret")
        elif (component := self._selection.component_of(path)) is None:
            self._leave(path, "matches no component")
        elif not self._selection.allows(path) and _holds_key(source, found.st_size):
            self._withhold(path)
            self._leave(path, "looks like a secret: it holds a private key")
        else:
            executable = bool(found.st_mode & stat.S_IXUSR)
            self.files.append(FoundFile(component, path, executable, source, found.st_size))

    def _withhold(self, path: str) -> None:
        if self._selection.withholds(path):
            self.secrets.append(path)

    def _refuse(self, path: str, why: str) -> None:
        self.refused.append(LeftOut(path, why))
        self._leave(path, why)

    def _leave(self, path: str, why: str) -> None:
        self.left_out.append(LeftOut(path.encode(errors="replace").decode(), why))


def _ignored(path: str, place: _Place, *, folder: bool) -> bool:
    """Ask the nearest ``.gitignore`` first; the first that says anything decides."""
    for prefix, patterns in reversed(place.rules):
        verdict = patterns.verdict(path.removeprefix(prefix), folder=folder)
        if verdict is not None:
            return verdict
    return False


def _holds_key(source: Path, size: int) -> bool:
    if size > KEY_FILE:
        return False
    with source.open("rb") as file:
        return holds_key(file.read(KEY_HEAD))
