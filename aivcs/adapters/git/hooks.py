"""The folder of a git repository's hooks, as core.hooksPath or the repository has it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from aivcs.adapters.git.program import Program
from aivcs.errors import InvalidInputError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike


class GitHookFolder:
    """Hooks as files; see ports.HookFolder. A linked working tree has those of the main one."""

    def __init__(self, place: str | PathLike[str] = ".") -> None:
        self._git = Program(place)
        if self._git("rev-parse", "--is-inside-work-tree").text != "true":
            msg = f"{os.path.realpath(place)} is no working tree: nobody commits or pushes there"
            raise InvalidInputError(msg, hint="install hooks in a clone that has files")

    @cached_property
    def _top(self) -> Path:
        return Path(self._git("rev-parse", "--show-toplevel").text)

    @cached_property
    def path(self) -> Path:
        """Return where it is."""
        found = Program(self._top)("rev-parse", "--git-path", "hooks").text
        return self._top / found

    @property
    def shared(self) -> bool:
        """Tell whether it lies outside of the repository and its working tree."""
        own = self._git("rev-parse", "--git-common-dir").text
        homes = self._top, Path(self._git.place, own)
        real = Path(os.path.realpath(self.path))
        return not any(real.is_relative_to(os.path.realpath(home)) for home in homes)

    def read(self, name: str) -> bytes | None:
        """Return what a hook says."""
        path = self.path / name
        with _translated(path):
            if path.is_file():
                return path.read_bytes()
            return b"" if os.path.lexists(path) else None

    def runs(self, name: str) -> bool:
        """Tell whether git would run it."""
        path = self.path / name
        return path.is_file() and os.access(path, os.X_OK)

    def write(self, name: str, data: bytes) -> None:
        """Write an executable hook in one step."""
        path = self.path / name
        draft = path.with_name(f".{name}.{os.getpid()}.{os.urandom(8).hex()}")
        with _translated(path):
            self.path.mkdir(parents=True, exist_ok=True)
            try:
                # As git's own: the umask decides who besides the owner may run it.
                with open(draft, "xb", opener=_executable) as file:
                    file.write(data)
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)

    def move(self, name: str, to: str) -> None:
        """Give a hook another name."""
        path, target = self.path / name, self.path / to
        with _translated(path):
            if path.is_dir() and not path.is_symlink():
                # A folder takes no file's place.
                target.unlink(missing_ok=True)
            path.rename(target)

    def remove(self, name: str) -> None:
        """Remove a hook."""
        path = self.path / name
        with _translated(path):
            path.unlink()


def _executable(path: str, flags: int) -> int:
    return os.open(path, flags, 0o777)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        hint = "check the folder of hooks; 'git config core.hooksPath' may have named it"
        raise StorageError(msg, hint=hint) from error
