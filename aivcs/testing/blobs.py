"""What every BlobStore must do. Subclass it and give a fixture ``blobs``."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from aivcs.errors import InvalidInputError, MissingObject, RepositoryClosed

if TYPE_CHECKING:
    from aivcs.ports import BlobStore

_NAME = "large/ab/abcd.zst"


def publish(blobs: BlobStore, name: str, data: bytes) -> None:
    """Store ``data`` under ``name``."""
    with blobs.stage() as staged:
        staged.write(data)
        staged.publish(name)


def content(blobs: BlobStore, name: str) -> bytes:
    """Return what is stored under ``name``."""
    with blobs.open(name) as file:
        return file.read()


class BlobStoreContract:
    """The sequential and concurrent contract; ``blobs`` is an empty BlobStore."""

    def test_published_bytes_come_back(self, blobs: BlobStore) -> None:
        """Several writes make one blob, and so do several pieces, however many are expected."""
        for expected in (0, 3, 2**40):
            blobs.delete(_NAME)
            with blobs.stage(expected) as staged:
                staged.write(b"one", memoryview(b" "))
                staged.write(b"", b"")
                staged.write()
                staged.write(b"two")
                staged.publish(_NAME)
        assert content(blobs, _NAME) == b"one two"
        assert blobs.exists(_NAME)

    def test_an_empty_blob_is_legal(self, blobs: BlobStore) -> None:
        """Zero bytes are a blob too."""
        publish(blobs, _NAME, b"")
        assert content(blobs, _NAME) == b""

    def test_an_unpublished_blob_is_invisible(self, blobs: BlobStore) -> None:
        """Neither while it is written nor after it was given up is there a name."""
        with blobs.stage() as staged:
            staged.write(b"lost")
            assert list(blobs.names()) == []
        assert list(blobs.names()) == []
        assert not blobs.exists(_NAME)

    def test_an_error_discards_the_blob(self, blobs: BlobStore) -> None:
        """The writer's error passes through, and nothing is left."""

        def fail() -> None:
            with blobs.stage() as staged:
                staged.write(b"lost")
                raise KeyError

        with pytest.raises(KeyError):
            fail()
        assert list(blobs.names()) == []

    def test_a_present_blob_is_never_replaced(self, blobs: BlobStore) -> None:
        """The second of two publishers leaves the first one's bytes."""
        publish(blobs, _NAME, b"first")
        publish(blobs, _NAME, b"second")
        assert content(blobs, _NAME) == b"first"
        assert list(blobs.names()) == [_NAME]

    def test_publishing_twice_is_harmless(self, blobs: BlobStore) -> None:
        """A publish that may have landed can be repeated, also after a deletion."""
        with blobs.stage() as staged:
            staged.write(b"data")
            staged.publish(_NAME)
            staged.publish(_NAME)
            blobs.delete(_NAME)
            staged.publish(_NAME)
        assert content(blobs, _NAME) == b"data"

    def test_a_file_can_be_read_anywhere(self, blobs: BlobStore) -> None:
        """What is opened is seekable."""
        publish(blobs, _NAME, bytes(range(256)))
        with blobs.open(_NAME) as file:
            assert file.seek(0, 2) == 256
            file.seek(100)
            assert file.read(3) == b"def"

    def test_any_range_can_be_read(self, blobs: BlobStore) -> None:
        """Exactly what is there, and nothing from behind the end on."""
        data = bytes(range(256))
        publish(blobs, _NAME, data)
        for start, length in ((0, 256), (0, 1), (100, 3), (255, 1), (7, 0), (0, 2**62)):
            assert blobs.read(_NAME, start, length) == data[start : start + length]
        assert blobs.read(_NAME, 250, 100) == data[250:]
        for start in (256, 257, 2**40):
            assert blobs.read(_NAME, start, 10) == b""
        assert blobs.size(_NAME) == 256

    def test_no_range_is_negative(self, blobs: BlobStore) -> None:
        """Counting from the end is no part of it."""
        publish(blobs, _NAME, b"data")
        for start, length in ((-1, 1), (0, -1)):
            with pytest.raises(InvalidInputError):
                blobs.read(_NAME, start, length)

    def test_an_empty_blob_has_nothing_to_read(self, blobs: BlobStore) -> None:
        """Its size is zero."""
        publish(blobs, _NAME, b"")
        assert blobs.size(_NAME) == 0
        assert blobs.read(_NAME, 0, 10) == b""

    def test_a_deleted_blob_is_not_read(self, blobs: BlobStore) -> None:
        """Also when it was read before; published again, it is read again."""
        publish(blobs, _NAME, b"first")
        assert blobs.read(_NAME, 0, 10) == b"first"
        blobs.delete(_NAME)
        with pytest.raises(MissingObject):
            blobs.read(_NAME, 0, 10)
        publish(blobs, _NAME, b"again")
        assert blobs.read(_NAME, 0, 10) == b"again"

    def test_opening_nothing_is_a_missing_object(self, blobs: BlobStore) -> None:
        """The error names the blob."""
        publish(blobs, _NAME, b"data")
        for name in ("large/ab/none", "other/none", f"{_NAME}/below"):
            assert not blobs.exists(name)
            with pytest.raises(MissingObject, match=name):
                blobs.open(name)
            for length in (0, 4):
                with pytest.raises(MissingObject, match=name):
                    blobs.read(name, 0, length)
            with pytest.raises(MissingObject, match=name):
                blobs.size(name)

    def test_settling_changes_nothing(self, blobs: BlobStore) -> None:
        """Whether there is such a blob or not."""
        publish(blobs, _NAME, b"data")
        for name in (_NAME, "large/ab/none", f"{_NAME}/below"):
            blobs.settle(name)
        assert list(blobs.names()) == [_NAME]
        assert content(blobs, _NAME) == b"data"

    def test_names_are_in_order(self, blobs: BlobStore) -> None:
        """The order is that of the whole names as text."""
        names = ["large/b/1", "large/a/2", "large-1", "large/a/1", "z", "a"]
        for name in names:
            publish(blobs, name, name.encode())
        assert list(blobs.names()) == sorted(names)

    def test_delete_is_idempotent(self, blobs: BlobStore) -> None:
        """Deleting what is absent is no error."""
        blobs.delete(_NAME)
        publish(blobs, _NAME, b"data")
        blobs.delete(_NAME)
        blobs.delete(_NAME)
        blobs.delete(f"{_NAME}/below")
        assert not blobs.exists(_NAME)
        assert list(blobs.names()) == []

    @pytest.mark.parametrize(
        "name", ["", "/a", "../a", "a/../b", "a//b", "a/", "./a", "a\0b", "a\\b", ".."]
    )
    def test_no_name_leads_out_of_the_store(self, blobs: BlobStore, name: str) -> None:
        """Every operation refuses such a name, and nothing is written."""
        with pytest.raises(InvalidInputError):
            blobs.open(name)
        with pytest.raises(InvalidInputError):
            blobs.read(name, 0, 1)
        with pytest.raises(InvalidInputError):
            blobs.size(name)
        with pytest.raises(InvalidInputError):
            blobs.exists(name)
        with pytest.raises(InvalidInputError):
            blobs.settle(name)
        with pytest.raises(InvalidInputError):
            blobs.delete(name)
        with pytest.raises(InvalidInputError):
            publish(blobs, name, b"data")
        assert list(blobs.names()) == []

    def test_many_threads_publish_one_name(self, blobs: BlobStore) -> None:
        """All of them succeed, and there is one blob."""
        data = b"same" * 1000
        start = threading.Barrier(8)

        def work() -> None:
            with blobs.stage() as staged:
                staged.write(data)
                start.wait()
                staged.publish(_NAME)

        with ThreadPoolExecutor(8) as pool:
            for done in [pool.submit(work) for _ in range(8)]:
                done.result()
        assert list(blobs.names()) == [_NAME]
        assert content(blobs, _NAME) == data

    def test_many_threads_read_and_delete(self, blobs: BlobStore) -> None:
        """Each read gives the right bytes, or says that the blob is missing."""
        names = [f"packs/{number}.pack" for number in range(6)]
        for name in names:
            publish(blobs, name, name.encode() * 500)
        start = threading.Barrier(5)

        def read(seed: int) -> int:
            start.wait()
            hits = 0
            for step in range(60):
                name = names[(seed + step) % len(names)]
                with suppress(MissingObject):
                    assert blobs.read(name, len(name) * step, len(name)) == name.encode()
                    hits += 1
            return hits

        def delete() -> int:
            start.wait()
            for name in names[:3]:
                blobs.delete(name)
            return 1

        with ThreadPoolExecutor(5) as pool:
            work = [pool.submit(read, seed) for seed in range(4)] + [pool.submit(delete)]
            assert all(done.result() for done in work)
        assert list(blobs.names()) == names[3:]

    def test_what_is_being_written_is_not_unfinished(self, blobs: BlobStore) -> None:
        """Nobody takes a blob away from a writer that lives."""
        with blobs.stage() as staged:
            staged.write(b"data")
            assert blobs.unfinished() == []
            assert blobs.sweep() == 0
            staged.publish(_NAME)
        assert blobs.read(_NAME, 0, 9) == b"data"

    def test_a_closed_store_refuses(self, blobs: BlobStore) -> None:
        """Closing twice is fine; every use afterwards says that the store is closed."""
        with blobs.stage() as staged:
            blobs.close()
            blobs.close()
            with pytest.raises(RepositoryClosed):
                staged.publish(_NAME)
        with pytest.raises(RepositoryClosed):
            blobs.stage()
        with pytest.raises(RepositoryClosed):
            blobs.open(_NAME)
        with pytest.raises(RepositoryClosed):
            blobs.read(_NAME, 0, 1)
        with pytest.raises(RepositoryClosed):
            blobs.size(_NAME)
        with pytest.raises(RepositoryClosed):
            blobs.exists(_NAME)
        with pytest.raises(RepositoryClosed):
            blobs.settle(_NAME)
        with pytest.raises(RepositoryClosed):
            list(blobs.names())
        with pytest.raises(RepositoryClosed):
            blobs.delete(_NAME)
        with pytest.raises(RepositoryClosed):
            blobs.unfinished()
        with pytest.raises(RepositoryClosed):
            blobs.sweep()
