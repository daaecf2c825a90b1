"""Signing keys as files that nobody else may read."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from aivcs.adapters.files.durable import make_folder, sync_folder, write_all
from aivcs.adapters.files.failures import translated
from aivcs.adapters.files.whole import check_link
from aivcs.domain.note import Signer
from aivcs.errors import ConflictError, InvalidInputError, KeyNotFound, UnsafeKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs.domain.note import Verifier

_SUFFIX: Final = ".key"
_NEXT: Final = ".next"
_RETIRED: Final = ".retired"
_MAX: Final = 2**12
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class Key(NamedTuple):
    """A key in a file: ``state`` is ``current``, ``next`` (being rotated to) or ``retired``."""

    path: Path
    verifier: Verifier
    state: str


def read_key(path: Path) -> Signer:
    """Return the key in a file.

    Raises UnsafeKey where others may read it, KeyNotFound, InvalidInputError, StorageError.
    """
    with translated(path):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError as error:
            msg = f"there is no key {path}"
            raise KeyNotFound(msg, hint="'aivcs key create' makes one") from error
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode) or mode & _OTHERS:
                msg = f"others may read the key {path} (mode {stat.S_IMODE(mode):04o})"
                raise UnsafeKey(msg, hint=f"'chmod 600 {path}', and rotate it if they did")
            text = os.read(descriptor, _MAX)
        finally:
            os.close(descriptor)
    try:
        return Signer.parse(text.decode("utf-8", "replace").strip())
    except InvalidInputError as error:
        msg = f"{path}: {error.message}"
        raise InvalidInputError(msg, hint=error.hint) from error


class Keyring:
    """The keys in a folder, one current key for each name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(self, name: str) -> Path:
        """Return where the current key of a name is kept."""
        return self.folder / f"{quote(name, safe='')}{_SUFFIX}"

    def create(self, signer: Signer) -> Path:
        """Keep a new key; ConflictError where the name has one."""
        return self._write(self.place(signer.name), signer)

    def find(self, name: str) -> Signer | None:
        """Return the current key of a name, or None.

        Raises as ``read_key``, and StorageError for a link that leads nowhere: what must be
        signed would go unsigned.
        """
        place = self.place(name)
        try:
            return read_key(place)
        except KeyNotFound:
            for one in (self.folder, place):
                check_link(one)
            return None

    def prepare(self, signer: Signer) -> Signer:
        """Keep the key that comes next; return the one that was kept for that before."""
        place = self.place(signer.name)
        waiting = place.with_name(place.name + _NEXT)
        try:
            return read_key(waiting)
        except KeyNotFound:
            self._write(waiting, signer)
            return signer

    def change(self, old: Signer) -> Path:
        """Retire a key in favour of the one that was prepared; return where the old one is."""
        place = self.place(old.name)
        retired = place.with_name(f"{place.name}.{old.verifier().key_id.hex()}{_RETIRED}")
        with translated(place):
            # The old one keeps a name at every moment.
            if not retired.exists():
                os.link(place, retired)
            place.with_name(place.name + _NEXT).replace(place)
            sync_folder(self.folder)
        return retired

    def __iter__(self) -> Iterator[Key]:
        """Yield all keys by name, the current ones first."""
        states = {_SUFFIX: "current", _NEXT: "next", _RETIRED: "retired"}
        check_link(self.folder)
        with translated(self.folder):
            found = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        for path in found:
            state = states.get(path.suffix)
            if state is not None:
                yield Key(path, read_key(path).verifier(), state)

    def _write(self, path: Path, signer: Signer) -> Path:
        with translated(path):
            if not self.folder.is_dir():
                make_folder(self.folder, self.folder)
                self.folder.chmod(stat.S_IRWXU)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            try:
                descriptor = os.open(path, flags, stat.S_IRUSR | stat.S_IWUSR)
            except FileExistsError as error:
                msg = f"there is a key of {signer.name} in {path}"
                raise ConflictError(msg, hint="'aivcs key rotate' replaces it") from error
            try:
                write_all(descriptor, f"{signer.text()}\n".encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            sync_folder(self.folder)
        return path
