"""A server that is killed again and again while eight writers load it."""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final

from aivcs.adapters.s3 import Bucket, S3Blobs
from aivcs.errors import MissingObject, StorageError
from tests.s3.server import BUCKET, Server

if TYPE_CHECKING:
    from pathlib import Path

_WRITERS: Final = 8
_LONG: Final = 20 * 2**20
_PIECE: Final = 2**20
_TIMEOUT: Final = 4.0


@dataclass
class Outcome:
    """What happened: blobs that were acknowledged, tries that failed, and what was lost."""

    kills: int = 0
    acknowledged: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)


class _Load:
    def __init__(self, blobs: S3Blobs, seed: int) -> None:
        self.blobs = blobs
        self.seed = seed
        self.ending = threading.Event()
        self.outcome = Outcome()
        self.kept: dict[str, str] = {}
        self.lock = threading.Lock()

    def write(self, worker: int) -> None:
        """Publish blobs until the end, each again and again until it is acknowledged."""
        dice = Random(self.seed * _WRITERS + worker)  # noqa: S311 - no secret
        number = 0
        try:
            while not self.ending.is_set():
                number += 1
                long = worker == 0 and number % 4 == 1
                data = dice.randbytes(_LONG if long else dice.randrange(200_000))
                name = f"large/{worker:02}/{number}.zst"
                if self._publish(name, data):
                    with self.lock:
                        self.kept[name] = hashlib.sha256(data).hexdigest()
        except Exception as error:  # noqa: BLE001 - whatever it is, it must be told
            self.outcome.surprises.append(f"writer {worker}: {error!r}")

    def _publish(self, name: str, data: bytes) -> bool:
        with self.blobs.stage() as staged:
            staged.write(data)
            while True:
                try:
                    staged.publish(name)
                except StorageError:
                    with self.lock:
                        self.outcome.refused += 1
                    if self.ending.wait(0.05):
                        return False
                else:
                    return True

    def check(self) -> Outcome:
        """Read everything that was acknowledged."""
        with ThreadPoolExecutor(_WRITERS) as pool:
            found = pool.map(self._digest, self.kept)
            pairs = zip(self.kept.items(), found, strict=True)
            self.outcome.lost += [name for (name, digest), read in pairs if read != digest]
        self.outcome.acknowledged = len(self.kept)
        return self.outcome

    def _digest(self, name: str) -> str:
        found = hashlib.sha256()
        with suppress(MissingObject), self.blobs.open(name) as file:
            while piece := file.read(_PIECE):
                found.update(piece)
            return found.hexdigest()
        return "missing"


def survive(folder: Path, kills: int, seed: int = 1, seconds: float = 1.0) -> Outcome:
    """Kill a server under load ``kills`` times and return what became of the blobs.

    It runs for up to ``seconds`` between two kills; ``folder`` takes its data.
    """
    dice = Random(seed)  # noqa: S311 - no secret
    with Server(folder / "data") as server:
        bucket = Bucket.find(f"s3://{BUCKET}/load", server.environment(), timeout=_TIMEOUT)
        load = _Load(S3Blobs(bucket, folder / "tmp"), seed)
        writers = [threading.Thread(target=load.write, args=(n,)) for n in range(_WRITERS)]
        for writer in writers:
            writer.start()
        try:
            for _ in range(kills):
                time.sleep(seconds * dice.uniform(0.3, 1.0))
                server.kill()
                load.outcome.kills += 1
                time.sleep(dice.uniform(0.0, 0.5))
                server.start()
            time.sleep(seconds)
        finally:
            load.ending.set()
            for writer in writers:
                writer.join()
        return load.check()
