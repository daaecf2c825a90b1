"""Versions of an agent as git has them: what changed between two, told by git alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST: Final = "aivcs.toml"
_PROMPTS: Final = frozenset({".md", ".j2", ".txt"})
_SPECIAL: Final = re.compile(r"[^\w./@+,=-]")
_RAW: Final = re.compile(r":(\d+) (\d+) (\w+) (\w+) ([ADMT])")
_KINDS: Final = {"A": "added", "D": "removed", "T": "modified"}
_GIT: Final = (
    *("-c", "user.name=soak", "-c", "user.email=soak@example.org", "-c", "core.autocrlf=false"),
    *(
        "-c",
        "core.quotePath=false",
        "-c",
        "core.excludesFile=/dev/null",
        "-c",
        "core.fileMode=true",
    ),
)


def histories(root: Path) -> Iterator[tuple[str, list[Path]]]:
    """Yield each history's name and its versions, oldest first: files, or folders of files."""
    for folder in sorted(root.iterdir()):
        if folder.is_dir():
            versions = sorted(one for one in folder.iterdir() if not one.name.startswith("."))
            if versions:
                yield folder.name, versions


def git(place: Path, *arguments: str, said: bytes = b"") -> bytes:
    """Return what git prints in a folder, whatever the settings of who runs it."""
    command = ["git", "-C", str(place), *_GIT, *arguments]
    environment = {name: text for name, text in os.environ.items() if name[:4] != "GIT_"}
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CEILING_DIRECTORIES": str(place.parent)}
    done = subprocess.run(
        command, check=True, capture_output=True, input=said, env={**environment, **own}
    )
    return done.stdout


@dataclass(frozen=True, slots=True)
class Edited:
    """What git says of one file that differs: how, and its lines added and removed.

    ``lines`` is None for a file that git takes for binary.
    """

    kind: str
    lines: tuple[int, int] | None


class Workplace:
    """A folder under git that becomes each version of a history in turn."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir()
        self.git("init", "-q")
        self.git("commit", "-q", "--allow-empty", "-m", "nothing yet")

    def git(self, *arguments: str) -> bytes:
        """Return what git prints here."""
        return git(self.place, *arguments)

    def become(self, version: Path) -> list[str]:
        """Hold exactly this version, committed, and a manifest that names every file."""
        for old in self.place.iterdir():
            if old.name != ".git":
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        if version.is_dir():
            shutil.copytree(version, self.place, dirs_exist_ok=True)
        else:
            shutil.copy(version, self.place / f"agent{version.suffix}")
        paths = sorted(files(self.place))
        self.git("add", "--all", "--force")
        self.git("commit", "-q", "--allow-empty", "-m", version.name)
        (self.place / MANIFEST).write_text(_manifest(paths))
        return paths

    def edits(self) -> dict[str, Edited]:
        """Return what differs between the newest commit and the one before it, by path."""
        between = ("--no-renames", "--minimal", "HEAD~1", "HEAD")
        raw = self.git("diff", "--raw", "--abbrev=40", "-z", *between).decode().split("\0")
        counted = self.git("diff", "--numstat", "-z", *between).decode().split("\0")
        lines: dict[str, tuple[int, int] | None] = {}
        for row in filter(None, counted):
            added, removed, path = row.split("\t", 2)
            lines[path] = None if added == "-" else (int(added), int(removed))
        found = {}
        for what, path in zip(raw[:-1:2], raw[1::2], strict=True):
            if (parts := _RAW.fullmatch(what)) is None:
                msg = f"git says {what!r}"
                raise ValueError(msg)
            same = parts[3] == parts[4]
            kind = _KINDS.get(parts[5]) or ("mode" if same else "modified")
            found[path] = Edited(kind, lines.get(path, (0, 0)))
        return found


def files(root: Path) -> Iterator[str]:
    """Yield the paths of all files below a folder, but git's and the manifest."""
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if path.is_file() and name != MANIFEST and not name.startswith(".git/"):
            yield name


def _manifest(paths: list[str]) -> str:
    prompts: list[str] = []
    config: list[str] = []
    for path in paths:
        escaped = _SPECIAL.sub(lambda found: f"\\{found[0]}", path)
        (prompts if Path(path).suffix in _PROMPTS else config).append(f"    '/{escaped}',")
    tables = [("prompts", prompts), ("config", config)]
    parts = [f"{name} = [\n" + "\n".join(rows) + "\n]\n" for name, rows in tables if rows]
    return 'name = "history"\n[components]\n' + "".join(parts)
