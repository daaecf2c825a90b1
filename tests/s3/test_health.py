"""The health of a bucket: who may read and write, and what the server can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.s3 import S3Blobs
from aivcs.errors import StorageError
from aivcs.testing.backend import BackendContract
from tests.s3.conftest import bucket_of
from tests.s3.server import READER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.s3.server import Server


class TestBucket(BackendContract):
    network = True

    @pytest.fixture
    def backend(self, blobs: S3Blobs) -> S3Blobs:
        return blobs


def test_a_bucket_that_is_well_is_left_as_it_was(blobs: S3Blobs) -> None:
    blobs.health_check()
    assert list(blobs.names()) == []


def test_who_may_only_read(server: Server, url: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no permission"):
        S3Blobs(bucket_of(server, url, READER), tmp_path).health_check()


def test_a_bucket_that_is_not_there(server: Server, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="there is no bucket"):
        S3Blobs(bucket_of(server, "s3://no-such-bucket/x"), tmp_path).health_check()
