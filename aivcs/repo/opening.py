"""Making and opening a repository: which adapters serve it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from aivcs.errors import InvalidConfig
from aivcs.repo.repository import Repo
from aivcs.repo.surroundings import new_id, now

if TYPE_CHECKING:
    from aivcs.adapters.files.config import Objects, Seal
    from aivcs.adapters.s3 import Bucket
    from aivcs.adapters.sqlite import SqliteLedger
    from aivcs.ports import BlobStore, Clock, Ids
    from aivcs.services.auto_sealing import AutoSeal

MEMORY = "memory:"


def init(
    path: str | os.PathLike[str] = ".",
    *,
    objects: str | None = None,
    endpoint: str | None = None,
    region: str | None = None,
    clock: Clock = now,
    ids: Ids = new_id,
) -> Repo:
    """Make a repository in ``path`` (and missing parents), or open the one that is there.

    ``objects`` may be ``s3://bucket/prefix``, with the URL of the server as ``endpoint``;
    what is missing comes from the environment. The server is tested before anything is
    made. Raises StorageError, RepositoryTooNew, InvalidConfig, and ConflictError where
    another repository has the bucket's prefix.
    """
    from aivcs.adapters.files import config, directory
    from aivcs.adapters.sqlite import SqliteLedger

    wanted = config.Objects(objects or config.OBJECTS_URL, endpoint, region)
    bucket = _bucket(wanted) if wanted != config.Objects() else None
    if bucket is not None:
        # What the environment said today is kept: tomorrow's may name another server.
        place = bucket.address
        wanted = config.Objects(place.url, place.endpoint or None, place.region)

    def fill(folder: Path) -> None:
        if bucket is not None:
            from aivcs.adapters.s3 import claimed

            undo.enter_context(claimed(bucket))
        SqliteLedger(folder / "aivcs.db", create=True).close()

    with ExitStack() as undo:
        folder, created = directory.create(Path(path), fill, config.config_text(wanted))
    if not created and objects and config.read_config(folder).objects.url != wanted.url:
        msg = f"{folder} keeps its objects elsewhere than in {wanted.url}"
        raise InvalidConfig(msg, hint="make a repository in another folder")
    return _open(folder, None, created=created, clock=clock, ids=ids)


def open_repo(
    path: str | os.PathLike[str] | None = None,
    durability: str | None = None,
    *,
    upward: bool = True,
    clock: Clock = now,
    ids: Ids = new_id,
) -> Repo:
    """Open the repository at ``path`` or, going ``upward``, above it.

    Without a path AIVCS_DIR chooses (no search), else the current folder is where the
    search begins; ``memory:`` is a new repository in memory at each call. ``durability``
    is ``sync``, ``group`` or ``os``. Raises NoRepository, RepositoryTooNew, InvalidConfig,
    StorageError, CorruptionError.
    """
    from aivcs.adapters.files import config, directory

    if durability is not None and durability not in config.DURABILITIES:
        msg = f"not a durability: {durability!r}"
        raise InvalidConfig(msg, hint=f"one of {', '.join(config.DURABILITIES)}")
    if path == MEMORY:
        from aivcs.adapters.memory_blobs import MemoryBlobs
        from aivcs.adapters.memory_ledger import MemoryLedger

        return Repo(
            MemoryLedger(), MemoryBlobs(), durability=durability or "group", clock=clock, ids=ids
        )
    if path is None and (chosen := os.environ.get("AIVCS_DIR")):
        path, upward = chosen, False
    folder = directory.locate(Path(path or "."), upward=upward)
    return _open(folder, durability, created=False, clock=clock, ids=ids)


def _open(folder: Path, durability: str | None, *, created: bool, clock: Clock, ids: Ids) -> Repo:
    from aivcs.adapters.files import config
    from aivcs.adapters.sqlite import SqliteLedger

    chosen = config.read_config(folder)
    durable = durability or chosen.durability
    blobs = _blobs(folder, chosen.objects)
    ledger = SqliteLedger(folder / "aivcs.db", durable=durable != "os")
    return Repo(
        ledger,
        blobs,
        folder=folder,
        created=created,
        durability=durable,
        clock=clock,
        ids=ids,
        retention=chosen.retention,
        sealing=_sealing(folder, ledger, chosen.seal),
    )


def _sealing(folder: Path, ledger: SqliteLedger, seal: Seal) -> AutoSeal:
    def start() -> None:
        from aivcs.adapters.background import start

        start(["-C", str(folder), "seal", "--auto"])

    from aivcs.services.auto_sealing import AutoSeal

    return AutoSeal(ledger, seal.threshold, lambda: ledger.wrote, start if seal.auto else None)


def _blobs(folder: Path, objects: Objects) -> BlobStore:
    from aivcs.adapters.files.config import OBJECTS_URL

    if objects.url == OBJECTS_URL:
        from aivcs.adapters.files import FileBlobs

        return FileBlobs(folder / "objects", folder / "tmp")
    from aivcs.adapters.s3 import S3Blobs

    return S3Blobs(_bucket(objects), folder / "tmp")


def _bucket(objects: Objects) -> Bucket:
    from aivcs.adapters.s3 import Bucket

    return Bucket.find(environment=os.environ, **objects._asdict())
