"""Uploads in parts to a real server: interrupted, shared, repeated."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.s3 import S3Blobs, multipart
from aivcs.adapters.s3.requests import Requests
from aivcs.errors import StorageError
from aivcs.testing.blobs import content, publish
from aivcs.testing.objects import noise

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from aivcs.adapters.s3 import Bucket
    from aivcs.adapters.s3.requests import Answer

pytestmark = pytest.mark.slow

NAME = "large/ab/abcd.zst"
PART = 5 * 2**20
DATA = noise(3 * PART + 7)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let parts be as small as the server allows: the tests need not move much."""
    monkeypatch.setattr(multipart, "PART_SIZE", PART)


class Watched:
    """Counts the parts that are sent, and fails from one of them on."""

    def __init__(self, patch: pytest.MonkeyPatch, fail_from: int = 10**6) -> None:
        self.sent: list[int] = []
        self.completed = 0
        self.fail_from = fail_from
        self._lock = threading.Lock()
        real = Requests.ask
        watched = self

        def ask(
            self: Requests,
            method: str,
            query: Mapping[str, str],
            body: bytes = b"",
            *,
            of_bucket: bool = False,
        ) -> Answer:
            if "partNumber" in query:
                with watched._lock:
                    if len(watched.sent) >= watched.fail_from:
                        raise StorageError("the line is cut")  # noqa: EM101, TRY003 - a test's own
                    watched.sent.append(int(query["partNumber"]))
            answer = real(self, method, query, body, of_bucket=of_bucket)
            watched.completed += method == "POST" and "uploadId" in query
            return answer

        patch.setattr(Requests, "ask", ask)


@pytest.mark.parametrize("size", [PART - 1, PART, PART + 1, 2 * PART])
def test_sizes_around_a_part(blobs: S3Blobs, size: int) -> None:
    publish(blobs, NAME, DATA[:size])
    assert blobs.size(NAME) == size
    assert content(blobs, NAME) == DATA[:size]


def test_an_interrupted_upload_goes_on(
    blobs: S3Blobs, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        cut = Watched(patch, fail_from=2)
        with pytest.raises(StorageError, match="line is cut"):
            publish(blobs, NAME, DATA)
    assert not blobs.exists(NAME)
    assert list(blobs.names()) == []
    # Another process: it knows nothing but the server and the bytes.
    with monkeypatch.context() as patch:
        again = Watched(patch)
        publish(S3Blobs(bucket, tmp_path / "other"), NAME, DATA)
    assert sorted(cut.sent + again.sent) == [1, 2, 3, 4]
    assert content(blobs, NAME) == DATA


def test_parts_of_other_bytes_are_sent_again(
    blobs: S3Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = bytes(PART) + DATA[PART:-1]
    with monkeypatch.context() as patch:
        Watched(patch, fail_from=3)
        with pytest.raises(StorageError):
            publish(blobs, NAME, other)
    with monkeypatch.context() as patch:
        again = Watched(patch)
        publish(blobs, NAME, DATA)
    assert 1 in again.sent
    assert content(blobs, NAME) == DATA


def test_a_blob_that_is_there_is_not_sent_again(
    blobs: S3Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(blobs, NAME, DATA)
    with monkeypatch.context() as patch:
        again = Watched(patch)
        publish(blobs, NAME, DATA)
    assert again.sent == []


def test_many_writers_of_one_long_blob(blobs: S3Blobs) -> None:
    start = threading.Barrier(3)

    def work() -> None:
        with blobs.stage() as staged:
            staged.write(DATA)
            start.wait()
            staged.publish(NAME)

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(work) for _ in range(3)]:
            done.result()
    assert list(blobs.names()) == [NAME]
    assert content(blobs, NAME) == DATA


def test_the_size_of_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    least = multipart.PART_SIZE
    assert multipart.part_size(1) == least == 8 * 2**20
    assert multipart.part_size(10_000 * least) == least
    assert multipart.part_size(10_000 * least + 1) == 2 * least
    assert -(-(5 * 2**40) // multipart.part_size(5 * 2**40)) <= 10_000


def test_parts_of_their_own_size(blobs: S3Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    data = noise(2 * multipart.PART_SIZE + 1)
    publish(blobs, NAME, data)
    assert content(blobs, NAME) == data
