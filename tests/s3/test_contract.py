"""The contract of every blob store and of the objects above it, over a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.services.objects import CasStore
from aivcs.testing.blobs import BlobStoreContract
from aivcs.testing.objects import CasStoreContract

if TYPE_CHECKING:
    from aivcs.adapters.s3 import S3Blobs


class TestS3Blobs(BlobStoreContract):
    pass


class TestObjectsInABucket(CasStoreContract):
    @pytest.fixture
    def objects(self, blobs: S3Blobs) -> CasStore:
        return CasStore(MemoryLedger(), blobs)
