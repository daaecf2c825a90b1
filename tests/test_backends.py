"""The contract of backends, for all that need no server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.cache import CachedStates
from aivcs.adapters.files import FileBlobs
from aivcs.adapters.memory_blobs import MemoryBlobs
from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.adapters.memory_states import MemoryStates
from aivcs.adapters.s3 import Bucket, S3Blobs
from aivcs.adapters.sqlite import SqliteLedger
from aivcs.errors import RepositoryClosed, Unreachable
from aivcs.testing.backend import BackendContract

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aivcs.ports import StorageBackend

LOCAL: dict[str, Callable[[Path], StorageBackend]] = {
    "cache": lambda folder: CachedStates(folder / "cache.db"),
    "files": lambda folder: FileBlobs(folder / "objects", folder / "tmp"),
    "memory blobs": lambda _: MemoryBlobs(),
    "memory ledger": lambda _: MemoryLedger(),
    "memory states": lambda _: MemoryStates(),
    "sqlite": lambda folder: SqliteLedger(folder / "aivcs.db", create=True),
}


class TestLocal(BackendContract):
    @pytest.fixture(params=LOCAL)
    def backend(self, request: pytest.FixtureRequest, tmp_path: Path) -> StorageBackend:
        return LOCAL[request.param](tmp_path)


def test_a_bucket_whose_server_does_not_answer(tmp_path: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    bucket = Bucket.find("s3://bucket", keys, endpoint="http://127.0.0.1:1", timeout=0.5)
    blobs = S3Blobs(bucket, tmp_path)
    assert not blobs.supports_air_gapped()
    with pytest.raises(Unreachable):
        blobs.health_check()
    blobs.shutdown()
    with pytest.raises(RepositoryClosed):
        blobs.health_check()
