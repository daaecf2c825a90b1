"""The repository's folder: where it is, which format it has, how it is made."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.adapters.files.durable import write_atomically
from aivcs.adapters.files.failures import translated
from aivcs.errors import CorruptionError, InvalidConfig, NoRepository, RepositoryTooNew

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDER: Final = ".aivcs"
FORMAT: Final = 1
LEDGER_URL: Final = "sqlite:aivcs.db"
OBJECTS_URL: Final = "files:objects"
DURABILITIES: Final = ("sync", "group", "os")
_KEYS: Final = {"ledger": {"url", "durability"}, "objects": {"url"}}
_CONFIG: Final = f"""\
# Where this repository keeps its data. Never write a password here.
[ledger]
url = "{LEDGER_URL}"
durability = "group"

[objects]
url = "{OBJECTS_URL}"
"""


@dataclass(frozen=True, slots=True)
class Config:
    """What ``config.toml`` says."""

    ledger_url: str = LEDGER_URL
    objects_url: str = OBJECTS_URL
    durability: str = "group"


def locate(start: Path, *, upward: bool) -> Path:
    """Return the repository's folder at ``start`` or, going ``upward``, above it.

    ``start`` may be the folder itself. Raises NoRepository, RepositoryTooNew.
    """
    start = start.absolute()
    for place in (start, *(start.parents if upward else ())):
        folder = place if place.name == FOLDER else place / FOLDER
        if (folder / "format").is_file():
            check_format(folder)
            return folder
    where = f"in {start} or above it" if upward else f"in {start}"
    msg = f"no repository {where}"
    raise NoRepository(msg, hint="'aivcs init' makes one; --repo or AIVCS_DIR choose one")


def check_format(folder: Path) -> None:
    """Refuse a format this program does not know, by its name.

    Raises RepositoryTooNew, and CorruptionError for a file that names no format.
    """
    with translated(folder / "format"):
        text = (folder / "format").read_bytes().decode("ascii", "replace").strip()
    if not (text.isascii() and text.isdigit()):
        msg = f"{folder}/format holds no format number: {text[:40]!r}"
        raise CorruptionError(msg, hint=f"it should hold {FORMAT}; restore it from a copy")
    if text != str(FORMAT):
        msg = f"{folder} has format {text[:40]}; this aivcs knows format {FORMAT}"
        raise RepositoryTooNew(msg, hint="install the aivcs that wrote it, or a newer one")


def create(place: Path, fill: Callable[[Path], None]) -> tuple[Path, bool]:
    """Make the repository's folder in ``place`` and tell whether it is new.

    ``fill`` makes what lies inside. The file ``format`` is written last and makes the
    repository one; a lock on the folder lets one of several processes do the work. Raises
    StorageError, RepositoryTooNew.
    """
    place = place.absolute()
    folder = place if place.name == FOLDER else place / FOLDER
    with translated(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not (folder / "format").exists():
                fcntl.flock(lock, fcntl.LOCK_EX)
            if (folder / "format").exists():
                check_format(folder)
                return folder, False
            fill(folder)
            write_atomically(folder / ".gitignore", b"*\n")
            write_atomically(folder / "config.toml", _CONFIG.encode())
            write_atomically(folder / "format", f"{FORMAT}\n".encode())
        finally:
            os.close(lock)
    return folder, True


def read_config(folder: Path) -> Config:
    """Read ``config.toml``; a missing one means the defaults.

    Raises InvalidConfig naming the key that is wrong.
    """
    path = folder / "config.toml"
    try:
        with translated(path):
            data = path.read_bytes() if path.exists() else b""
        if data == _CONFIG.encode():
            return Config()
        return _parse(path, data.decode())
    except UnicodeDecodeError as error:
        msg = f"{path} is not UTF-8 text"
        raise InvalidConfig(msg) from error


def _parse(path: Path, text: str) -> Config:
    import tomllib

    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{path} is not TOML: {error}"
        raise InvalidConfig(msg) from error
    for table, keys in tables.items():
        known = _KEYS.get(table)
        unknown = set(keys) - known if known and isinstance(keys, dict) else {table}
        if unknown:
            msg = f"{path} has an unknown key: {', '.join(sorted(unknown))}"
            raise InvalidConfig(msg, hint="docs/format.md lists the keys")
    ledger, objects = tables.get("ledger", {}), tables.get("objects", {})
    config = Config(
        ledger.get("url", LEDGER_URL),
        objects.get("url", OBJECTS_URL),
        ledger.get("durability", "group"),
    )
    if config.durability not in DURABILITIES:
        msg = f"{path}: durability is {config.durability!r}"
        raise InvalidConfig(msg, hint=f"one of {', '.join(DURABILITIES)}")
    for url, known_url in ((config.ledger_url, LEDGER_URL), (config.objects_url, OBJECTS_URL)):
        if url != known_url:
            msg = f"{path}: no adapter serves {str(url).split('@')[-1]!r}"
            raise InvalidConfig(msg, hint=f"this aivcs knows {known_url!r}")
    return config
