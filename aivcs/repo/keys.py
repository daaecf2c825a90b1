"""The keys that sign the public logs: outside of any repository, in a folder of the user's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aivcs.errors import ConflictError, InvalidInputError, KeyNotFound

if TYPE_CHECKING:
    from aivcs.adapters.files.keyring import Keyring
    from aivcs.domain.note import Signer
    from aivcs.ports import Salts

VARIABLE: Final = "AIVCS_KEY"
"""The variable that names the file of a key, in place of the folder of keys."""

_SEED: Final = 32


def folder() -> Path:
    """Return the folder of keys: ``aivcs/keys`` in XDG_DATA_HOME, else in ~/.local/share."""
    home = os.environ.get("XDG_DATA_HOME")
    data = Path(home) if home and Path(home).is_absolute() else Path.home() / ".local" / "share"
    return data / "aivcs" / "keys"


def keyring() -> Keyring:
    """Return the keys in that folder."""
    from aivcs.adapters.files.keyring import Keyring

    return Keyring(folder())


def signer(origin: str | None) -> Signer | None:
    """Return the key that signs for ``origin``, or None.

    AIVCS_KEY names its file, else it is the key of that name in the folder. Raises UnsafeKey,
    InvalidInputError, StorageError, and KeyNotFound for a file that is named and missing.
    """
    if is_named():
        from aivcs.adapters.files.keyring import read_key

        found = read_key(Path(os.environ[VARIABLE]))
        if origin is not None and found.name != origin:
            msg = f"{VARIABLE} names a key of {found.name}, and the log is of {origin}"
            raise InvalidInputError(msg, hint="name the key of this log, or unset it")
        return found
    # Without a name there is no key, and nothing needs to be loaded to find none.
    if origin is None or not os.path.lexists(folder()):
        return None
    return keyring().find(origin)


def is_named() -> bool:
    """Tell whether AIVCS_KEY names the key."""
    return bool(os.environ.get(VARIABLE))


def place(signer: Signer) -> Path:
    """Return where the key that ``signer`` gave is kept."""
    return Path(os.environ[VARIABLE]) if is_named() else keyring().place(signer.name)


def create(name: str, salts: Salts = os.urandom) -> tuple[Path, Signer]:
    """Make a key of this name and keep it; return where. Raises ConflictError, StorageError."""
    from aivcs.domain.note import Signer

    new = Signer(name, salts(_SEED))
    return keyring().create(new), new


def own(origin: str | None) -> Signer:
    """Return the key in the folder that signs for ``origin``.

    Raises KeyNotFound where there is none, ConflictError where AIVCS_KEY names another file.
    """
    if is_named():
        msg = f"{VARIABLE} names the key, and only a key in the folder of keys is rotated"
        raise ConflictError(msg, hint=f"unset {VARIABLE}, or make and announce the key there")
    if origin is None:
        msg = "the log has no name"
        raise InvalidInputError(msg, hint="set 'origin' in [log] of config.toml")
    found = signer(origin)
    if found is None:
        msg = f"there is no key of {origin} in {folder()}"
        raise KeyNotFound(msg, hint=f"'aivcs key create {origin}' makes one")
    return found
