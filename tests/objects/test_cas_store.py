from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import zstandard

from aivcs.adapters.files import FileBlobs
from aivcs.adapters.memory_blobs import MemoryBlobs
from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.domain.batch import Batch
from aivcs.domain.digest import Digest
from aivcs.domain.log_writes import NewSpec
from aivcs.domain.spec import SpecFile, component_document, spec_document
from aivcs.domain.stored import HOT_LIMIT, Codec, StoredObject
from aivcs.errors import (
    CorruptionError,
    IntegrityError,
    InvalidInputError,
    StillReferenced,
    StorageError,
)
from aivcs.services import encoding, frames, storing
from aivcs.services.objects import CasStore
from aivcs.testing.faults import FailingLedger
from aivcs.testing.objects import noise, replace_stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs.domain.batch import Receipt


@pytest.fixture
def objects() -> CasStore:
    return CasStore(MemoryLedger(), MemoryBlobs())


def add_spec(objects: CasStore, name: str, paths: dict[str, Digest]) -> tuple[Digest, Digest]:
    files = [SpecFile(path, executable=False, digest=digest) for path, digest in paths.items()]
    component = objects.put(component_document(files))
    document = objects.put(spec_document({"prompts": component}))
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    objects.ledger.commit(Batch(specs=(NewSpec(document, name, None, None, None, moment),)))
    return document, component


def test_small_objects_are_compressed_when_that_saves_bytes(objects: CasStore) -> None:
    assert objects.stat(objects.put(b"a" * 1000)).codec is Codec.ZSTD
    assert objects.stat(objects.put(noise(1000))).codec is Codec.RAW


def test_what_a_spec_needs_is_kept(objects: CasStore) -> None:
    file, free = objects.put(b"prompt"), objects.put(b"free")
    document, component = add_spec(objects, "helper", {"system.md": file, "again.md": file})
    for needed, holder in ((file, "system.md"), (component, "prompts"), (document, "helper")):
        with pytest.raises(StillReferenced, match=holder):
            objects.delete(needed)
        assert objects.contains(needed)
    objects.delete(free)
    objects.delete(file, force=True)
    assert objects.list() == sorted([document, component])


def test_only_some_of_many_holders_are_named(objects: CasStore) -> None:
    file = objects.put(b"prompt")
    add_spec(objects, "helper", {f"{number}.md": file for number in range(9)})
    with pytest.raises(StillReferenced, match=r"4\.md in prompts of spec .* and 4 more"):
        objects.delete(file)


def test_a_component_that_two_specs_share_holds_for_both(objects: CasStore) -> None:
    file = objects.put(b"prompt")
    first, component = add_spec(objects, "first", {"system.md": file})
    second = objects.put(spec_document({"tools": component}))
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    objects.ledger.commit(Batch(specs=(NewSpec(second, "second", None, None, None, moment),)))
    with pytest.raises(StillReferenced) as caught:
        objects.delete(file)
    assert f"system.md in prompts of spec {first.short()}" in caught.value.message
    assert f"system.md in tools of spec {second.short()}" in caught.value.message


def test_lost_documents_need_nothing_but_damaged_ones_stop_a_deletion(objects: CasStore) -> None:
    file = objects.put(b"prompt")
    document, component = add_spec(objects, "helper", {"system.md": file})
    stored = objects.stat(component)
    replace_stored(objects, stored, b"damaged")
    with pytest.raises(CorruptionError):
        objects.delete(file)
    objects.delete(component, force=True)
    objects.delete(file)
    objects.delete(document, force=True)
    objects.delete(objects.put(b"another"))
    assert objects.list() == []


def test_a_file_stored_again_meanwhile_survives_its_deletion(
    objects: CasStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = noise(HOT_LIMIT + 1)
    digest = objects.put(data)
    real = objects.ledger.commit

    def commit(batch: Batch) -> Receipt:
        done = real(batch)
        if batch.deletions:
            objects.put(data)
        return done

    monkeypatch.setattr(objects.ledger, "commit", commit)
    objects.delete(digest)
    assert objects.get(digest) == data


def test_a_row_with_another_size_than_its_file_is_damaged(objects: CasStore) -> None:
    stored = objects.stat(objects.put(noise(HOT_LIMIT + 1)))
    with pytest.raises(IntegrityError, match="recorded"):
        objects.read(stored._replace(size=stored.size + 1))


@pytest.mark.parametrize("size", [3, 5, 2**40])
def test_a_frame_is_unpacked_only_to_its_recorded_size(objects: CasStore, size: int) -> None:
    row = StoredObject(Digest.of(b"data"), size, Codec.ZSTD, frames.pack(b"data"))
    with pytest.raises(IntegrityError, match=str(Digest.of(b"data"))):
        objects.read(row)


def test_frames_that_are_no_frames_or_too_long_are_refused() -> None:
    good = frames.pack(b"data" * 100)
    for bad in (b"", b"data", good[:-1], good + b"\0", good + good):
        with pytest.raises(CorruptionError):
            frames.unpack(bad, 400)
    with pytest.raises(CorruptionError):
        frames.unpack(frames.pack(bytes(frames.MAX_UNPACKED + 1)), frames.MAX_UNPACKED + 1)
    with pytest.raises(CorruptionError, match="holds 400 bytes where 401 are recorded"):
        frames.unpack(good, 401)
    without = zstandard.ZstdCompressor(write_content_size=False).compress(b"data")
    with pytest.raises(CorruptionError, match="does not say how many bytes it holds"):
        frames.unpack(without, 4)


def watch(objects: CasStore, monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    batches: list[Batch] = []
    real = objects.ledger.commit

    def commit(batch: Batch) -> Receipt:
        batches.append(batch)
        return real(batch)

    monkeypatch.setattr(objects.ledger, "commit", commit)
    return batches


def test_put_many_commits_in_bounded_batches(
    objects: CasStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = watch(objects, monkeypatch)
    items = [b"%d" % number for number in range(30_000)]
    assert objects.put_many(iter(items)) == [Digest.of(item) for item in items]
    assert sum(len(batch.objects) for batch in batches) == 30_000
    assert 2500 <= max(len(batch.objects) for batch in batches) <= 10_000
    batches.clear()
    objects.put_many(noise(100_000, seed) for seed in range(1000))
    assert max(len(batch.objects) for batch in batches) <= 4 * 84
    assert all(batch.hold and not batch.references for batch in batches)


def test_a_few_objects_need_one_commit_and_no_thread(
    objects: CasStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = watch(objects, monkeypatch)
    before = threading.active_count()
    objects.put_many(b"%d" % (number % 50) for number in range(100))
    objects.put_many([])
    assert [len(batch.objects) for batch in batches] == [50]
    assert threading.active_count() == before


def test_windows_are_committed_together_while_the_disk_is_busy(
    objects: CasStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    packed, real_pack = threading.Semaphore(0), encoding.encode_all
    real = objects.ledger.commit

    def pack(contents: dict[Digest, bytes]) -> list[StoredObject]:
        rows = real_pack(contents)
        packed.release()
        return rows

    def commit(batch: Batch) -> Receipt:
        if not sizes:
            for _ in range(3):
                assert packed.acquire(timeout=30)
        sizes.append(len(batch.objects))
        return real(batch)

    monkeypatch.setattr(storing, "encode_all", pack)
    monkeypatch.setattr(objects.ledger, "commit", commit)
    objects.put_many(b"%d" % number for number in range(10_000))
    windows = 5
    assert len(sizes) < windows
    assert sum(sizes) == 10_000


@pytest.mark.parametrize("landed", [True, False])
def test_a_commit_that_fails_ends_put_many(landed: bool) -> None:
    failing = FailingLedger(MemoryLedger(), landed=landed)
    objects = CasStore(failing.port, MemoryBlobs())
    taken = 0

    def items() -> Iterator[bytes]:
        nonlocal taken
        for number in range(100_000):
            taken += 1
            yield b"%d" % number

    failing.failures = 1
    before = threading.active_count()
    with pytest.raises(StorageError):
        objects.put_many(items())
    assert taken < 50_000
    assert threading.active_count() == before
    digests = objects.put_many(items())
    assert objects.get(digests[99_999]) == b"99999"
    assert len(objects.list(limit=10_000)) == 10_000


def test_put_many_of_something_unreadable_keeps_the_rest_out(objects: CasStore) -> None:
    def items() -> Iterator[bytes]:
        yield b"fine"
        yield "text"  # type: ignore[misc]

    with pytest.raises(InvalidInputError):
        objects.put_many(items())
    assert objects.list() == []


def test_a_broken_source_leaves_no_file(tmp_path: Path) -> None:
    class Source:
        name = "source"
        left = 5

        def read(self, _size: int) -> bytes:
            self.left -= 1
            if not self.left:
                raise OSError(5, "Input/output error")
            return noise(HOT_LIMIT)

    objects = CasStore(MemoryLedger(), FileBlobs(tmp_path / "objects", tmp_path / "tmp"))
    with pytest.raises(InvalidInputError, match="source"):
        objects.put(Source())  # type: ignore[arg-type]
    assert objects.list() == []
    assert list(objects.blobs.names()) == []
    assert list((tmp_path / "tmp").iterdir()) == []


LIMITED = """
import pathlib, resource, sys
from aivcs.adapters.files import FileBlobs
from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.errors import StorageError
from aivcs.services.objects import CasStore
from aivcs.testing.faults import FailingLedger
from aivcs.testing.objects import noise
root = pathlib.Path(sys.argv[1])
objects = CasStore(MemoryLedger(), FileBlobs(root / "objects", root / "tmp"))
data = root / "big"
data.write_bytes(noise(3 * 2**20))
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
try:
    objects.put(data)
except StorageError as error:
    assert error.message.startswith(f"cannot store {data}: {root}/tmp/blob"), error.message
    assert "may not become so long" in error.message, error.message
    assert isinstance(error.__cause__, OSError) and error.hint, error
else:
    sys.exit("the limit had no effect")
assert not objects.list() and not list(objects.blobs.names())
assert not list((root / "tmp").iterdir())
"""


def test_a_file_beyond_what_the_system_allows(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], check=False)
    assert done.returncode == 0


MEASURED = """
import pathlib, re, sys
from aivcs.adapters.files import FileBlobs
from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.services.objects import CasStore
root = pathlib.Path(sys.argv[1])
objects = CasStore(MemoryLedger(), FileBlobs(root / "objects", root / "tmp"))
def peak():
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) // 1024
objects.check(objects.put(bytes(2**20)))
before = peak()
digest = objects.put(root / "input")
objects.check(digest)
with objects.open(digest) as file:
    while file.read(100_000):
        pass
print(peak() - before)
"""


def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    with (tmp_path / "input").open("wb") as file:
        for seed in range(64):
            file.write(noise(2**20, seed))
    command = [sys.executable, "-c", MEASURED, str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert int(done.stdout) < 32
