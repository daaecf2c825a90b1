"""Examining a repository and what is around it, also one that cannot be opened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from aivcs.domain.checkup import Check, failed, look
from aivcs.errors import AivcsError, CorruptionError, RepositoryTooNew, StorageError
from aivcs.repo.surroundings import chosen_place, now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.ports import Clock


def examine(
    path: str | os.PathLike[str] | None = None, *, upward: bool = True, clock: Clock = now
) -> list[Check]:
    """Look at all that a repository needs, and return what was seen, in order.

    Finds it like ``open_repo``. What is wrong is in the answer; only a repository that is
    not there raises, NoRepository.
    """
    from aivcs.adapters.files import directory

    place, upward = chosen_place(path, upward=upward)
    versions = look("versions", _versions)
    try:
        folder = directory.locate(place, upward=upward)
    except (RepositoryTooNew, CorruptionError, StorageError) as error:
        return [versions, failed("format", error)]
    return [versions, *_around(folder), *_inside(folder, clock)]


def _versions() -> str:
    import platform
    import sqlite3

    import aivcs
    from aivcs.adapters.sqlite import engine

    engines = f"SQLite {engine.safe_version()} (ledger), {sqlite3.sqlite_version} (cache)"
    return f"aivcs {aivcs.__version__}, Python {platform.python_version()}, {engines}"


def _around(folder: Path) -> Iterator[Check]:
    from aivcs.adapters.files import directory, health
    from aivcs.adapters.sqlite.medium import check_medium

    def medium() -> str:
        check_medium(folder)
        return "no network file system"

    def space() -> str:
        health.check_space(folder)
        return f"{health.free_bytes(folder):,} bytes are free"

    yield Check("format", ok=True, detail=f"format {directory.FORMAT} in {folder}")
    yield look("config", lambda: _config(folder))
    yield look("medium", medium)
    yield look("permissions", lambda: _permissions(folder))
    yield look("space", space)


def _config(folder: Path) -> str:
    from aivcs.adapters.files.config import read_config
    from aivcs.repo.network import is_air_gapped

    config = read_config(folder)
    network = "forbidden" if is_air_gapped(os.environ, configured=config.air_gapped) else "allowed"
    where = f"ledger {_shown(config.ledger_url)}, objects {_shown(config.objects.url)}"
    return f"{where}, durability {config.durability}, network {network}"


def _shown(url: str) -> str:
    """Return a URL without who opens it."""
    scheme, mark, rest = url.rpartition("@")
    return f"{scheme.partition('//')[0]}//{rest}" if mark else url


def _permissions(folder: Path) -> str:
    from aivcs.adapters.files.failures import translated

    with translated(folder):
        for path in (folder, *sorted(folder.iterdir())):
            wanted = os.R_OK | os.W_OK | (os.X_OK if path.is_dir() else 0)
            _check_access(path, wanted, "read and write")
        for place, folders, files in os.walk(folder / "objects"):
            for name in folders:
                _check_access(Path(place, name), os.R_OK | os.W_OK | os.X_OK, "read and write")
            for name in files:  # they are never written again
                _check_access(Path(place, name), os.R_OK, "read")
    return "all of the folder may be read and written"


def _check_access(path: Path, wanted: int, what: str) -> None:
    if not os.access(path, wanted):
        msg = f"no permission to {what} {path}"
        raise StorageError(msg, hint="check who owns it and which modes it has")


def _inside(folder: Path, clock: Clock) -> Iterator[Check]:
    from aivcs.repo.opening import open_repo

    try:
        repo = open_repo(folder, upward=False, clock=clock)
    except AivcsError as error:
        yield failed("opening", error)
        return
    with repo:
        yield from repo.examined()
