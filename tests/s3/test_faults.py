"""A real server that is killed, hangs, is full or does not let us in."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.s3 import S3Blobs
from aivcs.adapters.s3.multipart import PART_SIZE
from aivcs.errors import RepositoryClosed, StorageError
from aivcs.testing.blobs import content, publish
from aivcs.testing.objects import noise
from tests.s3.conftest import bucket_of
from tests.s3.kills import survive
from tests.s3.server import BUCKET, READER, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

NAME = "large/ab/abcd.zst"
PLACE = f"s3://{BUCKET}/faults"
LONG = noise(2 * PART_SIZE + 1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("faulty") / "data") as running:
        yield running


@pytest.fixture
def blobs(server: Server, tmp_path: Path, url: str) -> S3Blobs:
    return S3Blobs(bucket_of(server, url, timeout=3), tmp_path / "tmp")


@pytest.mark.parametrize("data", [b"small", LONG], ids=["small", "long"])
def test_a_hung_server(server: Server, blobs: S3Blobs, data: bytes) -> None:
    publish(blobs, "other", b"other")
    with blobs.stage() as staged:
        staged.write(data)
        server.pause()
        try:
            start = time.monotonic()
            with pytest.raises(StorageError, match=r"no answer .*in time") as caught:
                staged.publish(NAME)
            with pytest.raises(StorageError, match=r"no answer .*in time"):
                blobs.read("other", 0, 3)
            with pytest.raises(StorageError, match=r"no answer .*in time"):
                list(blobs.names())
            assert time.monotonic() - start < 20
        finally:
            server.resume()
        assert server.endpoint in caught.value.message
        assert caught.value.hint
        staged.publish(NAME)
    assert content(blobs, NAME) == data


def test_a_server_that_was_killed(server: Server, blobs: S3Blobs) -> None:
    publish(blobs, "kept", b"kept")
    with blobs.stage() as staged:
        staged.write(b"data")
        server.kill()
        try:
            with pytest.raises(StorageError, match="no answer from the server"):
                staged.publish(NAME)
            with pytest.raises(StorageError, match="no answer from the server"):
                blobs.open("kept")
        finally:
            server.start()
        staged.publish(NAME)
    assert [content(blobs, name) for name in blobs.names()] == [b"kept", b"data"]


def test_killed_again_and_again_under_load(tmp_path: Path) -> None:
    outcome = survive(tmp_path, kills=2, seconds=0.5)
    assert outcome.lost == []
    assert outcome.surprises == []
    assert outcome.kills == 2
    assert outcome.acknowledged > 10


def test_a_full_server(tmp_path: Path) -> None:
    with Server(tmp_path / "data", "-volume.max=1", "-master.volumeSizeLimitMB=1") as server:
        blobs = S3Blobs(bucket_of(server, PLACE, timeout=3), tmp_path / "tmp")
        data = {f"large/{number:02}": os.urandom(600_000) for number in range(12)}
        done: list[str] = []

        def fill() -> None:
            for name, value in data.items():
                publish(blobs, name, value)
                done.append(name)
                time.sleep(0.2)  # it looks at its disk from time to time

        with pytest.raises(StorageError, match="500") as caught:
            fill()
        assert "full" in str(caught.value.hint)
        assert list(blobs.names()) == done
        server.kill()
        server.options = ()
        server.start()
        fill()
        assert all(content(blobs, name) == value for name, value in data.items())


def test_who_may_only_read(server: Server, blobs: S3Blobs, tmp_path: Path) -> None:
    publish(blobs, NAME, b"data")
    guest = S3Blobs(bucket_of(server, blobs.address.url, READER), tmp_path / "guest")
    assert content(guest, NAME) == b"data"
    assert list(guest.names()) == [NAME]
    for data in (b"small", LONG):
        with pytest.raises(StorageError, match=r"no permission for .*AccessDenied"):
            publish(guest, "new", data)
    with pytest.raises(StorageError, match="no permission"):
        guest.delete(NAME)
    assert content(blobs, NAME) == b"data"


@pytest.mark.parametrize(
    "keys",
    [
        {"AWS_ACCESS_KEY_ID": "owner", "AWS_SECRET_ACCESS_KEY": "wrong-secret"},
        {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "wrong-secret"},
    ],
)
def test_wrong_keys(server: Server, tmp_path: Path, keys: dict[str, str], url: str) -> None:
    blobs = S3Blobs(bucket_of(server, url, keys), tmp_path / "tmp")
    for data in (b"small", LONG):
        with pytest.raises(StorageError, match="no valid credentials") as caught:
            publish(blobs, NAME, data)
        assert "secret" not in caught.value.message
        assert "AWS_ACCESS_KEY_ID" in str(caught.value.hint)
    for use in (blobs.open, blobs.size, blobs.exists, blobs.delete):
        with pytest.raises(StorageError, match="no valid credentials"):
            use(NAME)


def test_no_bucket(server: Server, tmp_path: Path) -> None:
    blobs = S3Blobs(bucket_of(server, "s3://no-such-bucket/x"), tmp_path / "tmp")
    for data in (b"small", LONG):
        with pytest.raises(StorageError, match="there is no bucket 'no-such-bucket'"):
            publish(blobs, NAME, data)
    for use in (blobs.open, blobs.size, blobs.exists):
        with pytest.raises(StorageError, match="there is no bucket"):
            use(NAME)
    with pytest.raises(StorageError, match="there is no bucket"):
        list(blobs.names())


def test_a_child_process_does_not_use_the_connection(
    blobs: S3Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(blobs, NAME, b"data")
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(RepositoryClosed, match="parent process"):
        blobs.read(NAME, 0, 1)


def test_a_spool_that_cannot_be_written(blobs: S3Blobs, tmp_path: Path) -> None:
    (tmp_path / "tmp").write_text("in the way")
    with pytest.raises(StorageError, match="cannot write into"):
        blobs.stage()


def test_a_spool_that_is_full(blobs: S3Blobs) -> None:
    with blobs.stage() as staged:
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, staged._file.fileno())
        os.close(full)
        with pytest.raises(StorageError, match="no space left in"):
            staged.write(b"data")
