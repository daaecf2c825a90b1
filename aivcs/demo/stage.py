"""The stage of the demo: its folder, its clock and ids, and what it compares."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aivcs.demo.story import AGENT, FIRST, SECOND
from aivcs.domain.commitment import SALT_SIZE
from aivcs.errors import IntegrityError, InvalidInputError, StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.ports import Clock, Ids, Salts

DATA: Final = Path(__file__).parent / "data"
_FOLDERS: Final = (FIRST, SECOND, "LICENSES")
_FILES: Final = ("tau-bench/runs-v1.json", "tau-bench/runs-v2.json", "SOURCES.md")
_START: Final = datetime(2026, 1, 5, 9, tzinfo=UTC)
_VERSION_4: Final = 4


def lay_out(directory: Path) -> None:
    """Copy the bundled agents and runs into a folder that is new or empty.

    Raises InvalidInputError for one that is neither, StorageError when it cannot be written.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        msg = f"{os.fspath(directory)!r} is there already and not an empty folder"
        raise InvalidInputError(msg, hint="name a new folder: 'aivcs demo DIR'")
    try:
        _copy(directory)
    except OSError as error:
        msg = f"the demo cannot be laid out in {os.fspath(directory)!r}: {error}"
        raise StorageError(msg, hint="name a folder that can be written") from error


def _copy(directory: Path) -> None:
    from shutil import copyfile, copytree

    directory.mkdir(parents=True, exist_ok=True)
    for name in _FOLDERS:
        copytree(DATA / name, directory / name, copy_function=copyfile)
    for name in _FILES:
        copyfile(DATA / name, directory / Path(name).name)


def digests(directory: Path) -> tuple[str, str]:
    """Return the beginnings of the digests that the two agents of the folder will have."""
    from aivcs.repo import MEMORY, open_repo

    with open_repo(MEMORY) as repo:
        first, second = (
            repo.specs.add(directory / name, name=AGENT).digest.short() for name in (FIRST, SECOND)
        )
    return first, second


def environment(directory: Path) -> Mapping[str, str]:
    """Return the environment of the steps: no other repository, a fixed actor, no git around."""
    kept = {name: value for name, value in os.environ.items() if name != "AIVCS_DIR"}
    ceiling = os.fspath(directory.absolute().parent)
    return {**kept, "AIVCS_ACTOR": "demo", "GIT_CEILING_DIRECTORIES": ceiling}


def clock() -> Clock:
    """Return a clock that goes on by one second whenever it is asked."""
    seconds = count()
    return lambda: _START + timedelta(seconds=next(seconds))


def ids() -> Ids:
    """Return what makes the same ids in the same order each time."""
    from uuid import UUID

    numbers = count(1)

    def next_id() -> str:
        seed = sha256(f"demo {next(numbers)}".encode()).digest()[:16]
        return str(UUID(bytes=seed, version=_VERSION_4))

    return next_id


def salts() -> Salts:
    """Return what makes the same salts in the same order each time, one by one or many."""
    numbers = count(1)

    def next_salt(size: int) -> bytes:
        seeds = (f"demo salt {next(numbers)}".encode() for _ in range(0, size, SALT_SIZE))
        return b"".join(sha256(seed).digest()[:SALT_SIZE] for seed in seeds)[:size]

    return next_salt


def check_identical(one: Path, other: Path) -> None:
    """Compare two folders byte for byte; IntegrityError names the files that differ."""
    left, right = _contents(one), _contents(other)
    differing = sorted(
        path for path in left.keys() | right.keys() if left.get(path) != right.get(path)
    )
    if differing:
        msg = f"{one.name}/ and {other.name}/ differ in {', '.join(differing)}"
        raise IntegrityError(msg, hint="'aivcs verify' names what is damaged")


def _contents(folder: Path) -> Mapping[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
