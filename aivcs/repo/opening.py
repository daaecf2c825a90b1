"""Making and opening a repository: which adapters serve it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from aivcs.errors import InvalidConfig
from aivcs.repo.network import check_backends, check_place, is_air_gapped
from aivcs.repo.repository import Repo
from aivcs.repo.surroundings import chosen_place, new_id, now

if TYPE_CHECKING:
    from aivcs.adapters.files.config import Objects, Seal
    from aivcs.adapters.s3 import Bucket
    from aivcs.ports import BlobStore, Clock, Ids, Salts
    from aivcs.repo.ledgers import WritingLedger
    from aivcs.services.auto_sealing import AutoSeal

MEMORY = "memory:"


def init(  # noqa: PLR0913 - one argument a choice
    path: str | os.PathLike[str] = ".",
    *,
    ledger: str | None = None,
    objects: str | None = None,
    endpoint: str | None = None,
    region: str | None = None,
    clock: Clock = now,
    ids: Ids = new_id,
    salts: Salts = os.urandom,
) -> Repo:
    """Make a repository in ``path`` (and missing parents), or open the one that is there.

    ``objects`` may be ``s3://bucket/prefix``, with the URL of the server as ``endpoint``;
    what is missing comes from the environment. The server is tested before anything is
    made. ``ledger`` may be ``postgresql://user@host/database``; where that has a repository
    with the same objects, this folder joins it. Raises StorageError, RepositoryTooNew,
    InvalidConfig, and ConflictError where another repository has the bucket's prefix or
    the database.
    """
    from aivcs.adapters.files import config, directory
    from aivcs.repo import ledgers

    if ledger is not None:
        check_place(ledger, air_gapped=is_air_gapped(os.environ))
        ledgers.check_url(ledger)
    wanted = config.Objects(objects or config.OBJECTS_URL, endpoint, region)
    bucket = None
    if wanted != config.Objects():
        check_place(wanted.url, air_gapped=is_air_gapped(os.environ))
        bucket = _bucket(wanted)
    if bucket is not None:
        # What the environment said today is kept: tomorrow's may name another server.
        place = bucket.address
        wanted = config.Objects(place.url, place.endpoint or None, place.region)

    url = ledger or config.LEDGER_URL
    there = str(bucket.address) if bucket is not None else wanted.url

    def fill(folder: Path) -> None:
        in_file = url == config.LEDGER_URL
        new = in_file or undo.enter_context(ledgers.made(url, folder, there))
        if bucket is not None and new:
            from aivcs.adapters.s3 import claimed

            undo.enter_context(claimed(bucket))
        if in_file:
            # Last: what cannot be made leaves an empty folder, which is removed.
            undo.enter_context(ledgers.made(url, folder, there))

    with ExitStack() as undo:
        folder, created = directory.create(Path(path), fill, config.config_text(wanted, url))
    if not created:
        _check_same(folder, ledger, objects and wanted.url)
    return _open(folder, None, created=created, clock=clock, ids=ids, salts=salts)


def _check_same(folder: Path, ledger: str | None, objects: str | None) -> None:
    """Refuse to find a repository that keeps its data elsewhere than was asked (InvalidConfig)."""
    from aivcs.adapters.files import config

    found = config.read_config(folder)
    for what, asked, there in (
        ("objects", objects, found.objects.url),
        ("ledger", ledger, found.ledger_url),
    ):
        if asked and asked != there:
            msg = f"{folder} keeps its {what} elsewhere than in {asked}"
            raise InvalidConfig(msg, hint="make a repository in another folder")


def open_repo(
    path: str | os.PathLike[str] | None = None,
    durability: str | None = None,
    *,
    upward: bool = True,
    clock: Clock = now,
    ids: Ids = new_id,
    salts: Salts = os.urandom,
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
            MemoryLedger(),
            MemoryBlobs(),
            durability=durability or "group",
            clock=clock,
            ids=ids,
            salts=salts,
        )
    place, upward = chosen_place(path, upward=upward)
    folder = directory.locate(place, upward=upward)
    return _open(folder, durability, created=False, clock=clock, ids=ids, salts=salts)


def _open(
    folder: Path, durability: str | None, *, created: bool, clock: Clock, ids: Ids, salts: Salts
) -> Repo:
    from aivcs.adapters.files import config
    from aivcs.repo.ledgers import open_ledger

    chosen = config.read_config(folder)
    air_gapped = is_air_gapped(os.environ, configured=chosen.air_gapped)
    for url in (chosen.ledger_url, chosen.objects.url):
        check_place(url, air_gapped=air_gapped)
    durable = durability or chosen.durability
    blobs = _blobs(folder, chosen.objects)
    ledger = open_ledger(chosen, folder, durable=durable != "os")
    if air_gapped:
        check_backends(ledger, blobs)
    return Repo(
        ledger,
        blobs,
        folder=folder,
        created=created,
        durability=durable,
        clock=clock,
        ids=ids,
        salts=salts,
        retention=chosen.retention,
        sealing=_sealing(folder, ledger, chosen.seal),
        policies=chosen.policies,
        origin=chosen.log_origin,
        git=chosen.git,
    )


def _sealing(folder: Path, ledger: WritingLedger, seal: Seal) -> AutoSeal:
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
