"""What every CasStore must do. Subclass it and give a fixture ``objects``."""

from __future__ import annotations

import hashlib
import io
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.batch import Batch, Role
from aivcs.domain.blobname import large_name
from aivcs.domain.digest import Digest
from aivcs.domain.stored import HOT_LIMIT, Codec, StoredObject
from aivcs.errors import (
    IntegrityError,
    InvalidDigest,
    InvalidInputError,
    MissingObject,
    NotFound,
)

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.services.objects import CasStore

_ABSENT = Digest.of(b"never stored")
_FIXTURE = b'{"step": 1, "value": "test"}'
_FIXTURE_HEX = "5f9f952875271bb5028e3e7423f1fa131d8cde5cebc8722f3ba4e8977bfebc8a"


def noise(size: int, seed: int = 1) -> bytes:
    """Return ``size`` bytes that do not compress, the same for the same seed."""
    return random.Random(seed).randbytes(size)  # noqa: S311 - test data, no secret


SIZES = (0, 1, 2**16, 2**16 + 1, HOT_LIMIT, HOT_LIMIT + 1, 1_100_000, 2**20, 2**21 + 1)


def replace_stored(objects: CasStore, stored: StoredObject, data: bytes) -> None:
    """Put other bytes into the place where the store keeps an object."""
    if stored.data is None:
        name = large_name(stored.digest)
        objects.blobs.delete(name)
        with objects.blobs.stage() as staged:
            staged.write(data)
            staged.publish(name)
        return
    objects.ledger.commit(Batch(deletions=(stored.digest,)))
    row = StoredObject(stored.digest, stored.size, Codec.RAW, data)
    objects.ledger.commit(Batch(objects=(row,)))


class CasStoreContract:
    """``objects`` is an empty CasStore."""

    def test_put_returns_the_sha256(self, objects: CasStore) -> None:
        """The digest is that of the raw bytes, without a header."""
        assert objects.put(b"data") == Digest(hashlib.sha256(b"data").digest())

    def test_the_interchange_fixture(self, objects: CasStore) -> None:
        """One object is known from the system this store is compatible with."""
        assert str(objects.put(_FIXTURE)) == _FIXTURE_HEX
        assert objects.get(_FIXTURE_HEX) == _FIXTURE

    @pytest.mark.parametrize("size", SIZES)
    def test_any_size_comes_back(self, objects: CasStore, size: int) -> None:
        """From nothing to several chunks, whether the bytes compress or not."""
        for data in (noise(size), bytes(size)):
            digest = objects.put(data)
            assert digest == Digest.of(data)
            assert objects.get(digest) == data
            assert objects.stat(digest).size == size
            objects.check(digest)

    def test_all_byte_values_are_kept(self, objects: CasStore) -> None:
        """No byte is special."""
        data = bytes(range(256)) * 3
        assert objects.get(objects.put(data)) == data

    def test_get_of_nothing_is_not_found(self, objects: CasStore) -> None:
        """The error names the digest, for every way to read."""
        reads = (objects.get, objects.open, objects.stat, objects.check)
        for read in reads:
            with pytest.raises(NotFound, match=str(_ABSENT)):
                read(_ABSENT)

    def test_putting_twice_gives_one_object(self, objects: CasStore) -> None:
        """Equal bytes have one digest and one place."""
        small, large = b"same", noise(HOT_LIMIT + 1)
        for data in (small, large):
            assert objects.put(data) == objects.put(data)
        assert objects.list() == sorted([Digest.of(small), Digest.of(large)])
        assert list(objects.blobs.names()) == [large_name(Digest.of(large))]

    def test_different_bytes_have_different_digests(self, objects: CasStore) -> None:
        """One bit is enough."""
        assert objects.put(b"a") != objects.put(b"b")

    def test_contains(self, objects: CasStore) -> None:
        """True for what was put, false for the rest."""
        digest = objects.put(b"data")
        assert objects.contains(digest)
        assert objects.contains(f"sha256:{str(digest).upper()}")
        assert not objects.contains(_ABSENT)

    @pytest.mark.parametrize("size", [10, HOT_LIMIT + 1])
    def test_delete_removes(self, objects: CasStore, size: int) -> None:
        """Afterwards it is neither contained nor readable, and may be put again."""
        data = noise(size)
        digest = objects.put(data, pin=True)
        objects.delete(digest)
        assert not objects.contains(digest)
        with pytest.raises(NotFound):
            objects.get(digest)
        assert objects.get(objects.put(data)) == data

    def test_delete_of_nothing_is_fine(self, objects: CasStore) -> None:
        """It is no error, with or without force."""
        objects.delete(_ABSENT)
        objects.delete(str(_ABSENT), force=True)

    @pytest.mark.parametrize("bad", ["", "5f9f", "x" * 64, f" {_FIXTURE_HEX}", f"md5:{'0' * 64}"])
    def test_a_bad_digest_is_refused(self, objects: CasStore, bad: str) -> None:
        """Nothing is trimmed or completed."""
        for use in (objects.get, objects.contains, objects.delete, objects.open):
            with pytest.raises(InvalidDigest):
                use(bad)

    def test_text_is_refused(self, objects: CasStore) -> None:
        """A str is neither bytes nor a path."""
        for bad in ("text", 3, None, io.StringIO("text")):
            with pytest.raises(InvalidInputError):
                objects.put(bad)  # type: ignore[arg-type]
        assert objects.list() == []

    def test_paths_files_and_buffers(self, objects: CasStore, tmp_path: Path) -> None:
        """The same bytes have the same digest wherever they come from."""
        for size in (100, HOT_LIMIT + 1, 3 * 2**20):
            data = noise(size)
            path = tmp_path / str(size)
            path.write_bytes(data)
            with path.open("rb") as file:
                from_file = objects.put(file)
            digests = [from_file, objects.put(path), objects.put(io.BytesIO(data))]
            digests += [objects.put(bytearray(data)), objects.put(memoryview(data))]
            assert set(digests) == {Digest.of(data)}
            assert objects.get(from_file) == data

    def test_an_unreadable_path_is_refused(self, objects: CasStore, tmp_path: Path) -> None:
        """The error names the path; nothing is stored."""
        for path in (tmp_path / "missing", tmp_path):
            with pytest.raises(InvalidInputError, match=str(path)):
                objects.put(path)
        assert objects.list() == []

    def test_put_many_and_get_many_keep_the_order(self, objects: CasStore) -> None:
        """Also with repeated and large items, over several commits and fetches."""
        items = [b"%d" % (number % 1100) for number in range(1500)]
        items[700] = noise(HOT_LIMIT + 1)
        digests = objects.put_many(items)
        assert digests == [Digest.of(item) for item in items]
        assert list(objects.get_many(map(str, digests))) == list(zip(digests, items, strict=True))
        assert objects.put_many([]) == []

    def test_get_many_stops_at_what_is_absent(self, objects: CasStore) -> None:
        """What comes before it is handed out."""
        first = objects.put(b"first")
        found = objects.get_many([first, _ABSENT])
        assert next(found) == (first, b"first")
        with pytest.raises(NotFound, match=str(_ABSENT)):
            next(found)

    @pytest.mark.parametrize("size", [0, 1000, HOT_LIMIT + 1, 2**21 + 5])
    def test_open_reads_anywhere(self, objects: CasStore, size: int) -> None:
        """The file behaves as one over the bytes themselves."""
        data = noise(size)
        with objects.open(objects.put(data)) as file:
            assert file.readable()
            assert file.seekable()
            assert file.read() == data
            assert file.read(1) == b""
            assert file.seek(-min(size, 7), io.SEEK_END) == size - min(size, 7)
            assert file.read() == data[size - min(size, 7) :]
            assert file.seek(size // 2) == size // 2
            assert file.read(10) == data[size // 2 :][:10]

    def test_list_pages_through_all(self, objects: CasStore) -> None:
        """Digests ascend, and each page begins behind the one before."""
        digests = sorted(objects.put_many(b"%d" % number for number in range(10)))
        assert objects.list() == digests
        assert objects.list(limit=4) == digests[:4]
        assert objects.list(after=digests[3], limit=4) == digests[4:8]
        assert objects.list(after=str(digests[-1])) == []

    def test_pins(self, objects: CasStore) -> None:
        """What is pinned at or after storing is so in the ledger; the absent cannot be."""
        now, later = objects.put(b"now", pin=True), objects.put(b"later")
        objects.pin([later, str(later)])
        objects.pin([])
        for digest in (now, later):
            roles = [reference.role for reference in objects.ledger.references(digest)]
            assert roles == [Role.PIN]
        with pytest.raises(NotFound, match=str(_ABSENT)):
            objects.pin([now, _ABSENT])

    def test_a_damaged_small_object_is_detected(self, objects: CasStore) -> None:
        """Other bytes, fewer bytes and an undecodable frame never come out."""
        digest = objects.put(b"data" * 10)
        good = objects.stat(digest)
        for bad in (b"dada" * 10, b"data" * 9, b""):
            replace_stored(objects, good, bad)
            for read in (objects.get, objects.open, objects.check):
                with pytest.raises(IntegrityError, match=str(digest)):
                    read(digest)

    def test_a_damaged_large_object_is_detected(self, objects: CasStore) -> None:
        """Also when the file is a sound one of something else."""
        data, other = noise(HOT_LIMIT + 1), noise(HOT_LIMIT + 1, seed=2)
        digest = objects.put(data)
        with objects.blobs.open(large_name(objects.put(other))) as file:
            foreign = file.read()
        for bad in (foreign, foreign[:-1], b"", data):
            replace_stored(objects, objects.stat(digest), bad)
            for read in (objects.get, objects.open, objects.check):
                with pytest.raises(IntegrityError, match=str(digest)):
                    read(digest)

    def test_a_lost_file_is_a_missing_object(self, objects: CasStore) -> None:
        """The ledger lists it, so it is not merely unknown; storing it again heals."""
        data = noise(HOT_LIMIT + 1)
        digest = objects.put(data)
        objects.blobs.delete(large_name(digest))
        for read in (objects.get, objects.open, objects.check):
            with pytest.raises(MissingObject, match=str(digest)):
                read(digest)
        objects.put(data)
        assert objects.get(digest) == data

    def test_a_damaged_large_object_is_healed_by_its_bytes(self, objects: CasStore) -> None:
        """Wherever the damage is: in a chunk, in the footer, or at the end."""
        data = noise(2**20 + HOT_LIMIT)
        digest = objects.put(data)
        with objects.blobs.open(large_name(digest)) as file:
            sound = file.read()
        for place in (0, 500_000, 2**20 + 500, len(sound) - 1):
            bad = sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :]
            replace_stored(objects, objects.stat(digest), bad)
            with pytest.raises(IntegrityError, match=str(digest)):
                objects.check(digest)
            assert objects.put(data) == digest
            assert objects.get(digest) == data

    def test_prepared_rows_land_with_their_batch(self, objects: CasStore) -> None:
        """Until somebody commits the row, the object is not there."""
        for data in (b"small", noise(HOT_LIMIT + 1)):
            row = objects.prepare(data)
            assert not objects.contains(row.digest)
            objects.ledger.commit(Batch(objects=(row,)))
            assert objects.get(row.digest) == data
            assert objects.read(row) == data

    def test_many_threads_put_at_once(self, objects: CasStore) -> None:
        """Nothing is lost or mixed up, whether they store the same or not."""
        start = threading.Barrier(6)
        shared = [b"shared %d" % number for number in range(10)] + [noise(HOT_LIMIT + 1)]

        def work(worker: int) -> None:
            start.wait()
            own = [b"own %d %d" % (worker, number) for number in range(10)]
            for data in (*shared, *own):
                assert objects.get(objects.put(data)) == data

        with ThreadPoolExecutor(6) as pool:
            for done in [pool.submit(work, worker) for worker in range(6)]:
                done.result()
        assert len(objects.list()) == len(shared) + 60
        assert len(list(objects.blobs.names())) == 1
