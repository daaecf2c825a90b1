from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.files import FileBlobs
from aivcs.adapters.memory_blobs import MemoryBlobs
from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.adapters.sqlite import SqliteLedger
from aivcs.services.objects import CasStore
from aivcs.testing.blobs import BlobStoreContract
from aivcs.testing.objects import CasStoreContract

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class TestMemoryBlobs(BlobStoreContract):
    @pytest.fixture
    def blobs(self) -> MemoryBlobs:
        return MemoryBlobs()


class TestFileBlobs(BlobStoreContract):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> FileBlobs:
        return FileBlobs(tmp_path / "objects", tmp_path / "tmp")


class TestObjectsInMemory(CasStoreContract):
    @pytest.fixture
    def objects(self) -> CasStore:
        return CasStore(MemoryLedger(), MemoryBlobs())


class TestObjectsOnDisk(CasStoreContract):
    @pytest.fixture
    def objects(self, tmp_path: Path) -> Iterator[CasStore]:
        blobs = FileBlobs(tmp_path / "objects", tmp_path / "tmp")
        ledger = SqliteLedger(tmp_path / "aivcs.db", create=True)
        yield CasStore(ledger, blobs)
        ledger.close()
        assert list((tmp_path / "tmp").glob("*")) == []
