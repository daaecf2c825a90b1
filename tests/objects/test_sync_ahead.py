from __future__ import annotations

import errno
import os
import threading
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.files import FileBlobs, staged
from aivcs.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

PIECE = bytes(600)


@pytest.fixture
def blobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileBlobs:
    monkeypatch.setattr(staged, "_SYNC_BYTES", 1000)
    return FileBlobs(tmp_path / "objects", tmp_path / "tmp")


def test_a_long_file_is_made_durable_while_it_is_written(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, begun, go_on = os.fdatasync, threading.Semaphore(0), threading.Event()
    calls: list[int] = []

    def sync(descriptor: int) -> None:
        calls.append(os.fstat(descriptor).st_size)
        begun.release()
        assert go_on.wait(30)
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", sync)
    with blobs.stage() as blob:
        blob.write(PIECE)
        assert not calls
        blob.write(PIECE)
        assert begun.acquire(timeout=30)
        for _ in range(10):
            blob.write(PIECE)  # one is under way, so no other begins
        go_on.set()
        blob.publish("name")
    assert calls == [1200]
    assert blobs.size("name") == 12 * 600


def test_what_failed_ahead_is_never_taken_for_durable(
    blobs: FileBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    with blobs.stage() as blob:
        blob.write(bytes(2000))
        for _ in range(2):
            with pytest.raises(StorageError, match="Input/output error"):
                blob.publish("name")
    assert not blobs.exists("name")
    assert list((tmp_path / "tmp").iterdir()) == []
    monkeypatch.undo()
    with blobs.stage() as blob:
        blob.write(bytes(2000))
        blob.publish("name")
    assert blobs.read("name", 0, 3000) == bytes(2000)


def test_without_threads_all_is_synced_at_the_end(
    blobs: FileBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        msg = "can't start new thread"
        raise RuntimeError(msg)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with blobs.stage() as blob:
        blob.write(bytes(2000))
        blob.write(bytes(2000))
        blob.publish("name")
    assert blobs.size("name") == 4000
    assert list((tmp_path / "tmp").iterdir()) == []


def test_who_writes_too_late_reaches_no_other_file(blobs: FileBlobs, tmp_path: Path) -> None:
    with blobs.stage() as late:
        late.write(b"given up")
    with (tmp_path / "other").open("wb", buffering=0) as other:
        with pytest.raises(StorageError, match="given up"):
            late.write(b"late")
        other.write(b"mine")
    assert (tmp_path / "other").read_bytes() == b"mine"
