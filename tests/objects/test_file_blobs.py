from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.files import FileBlobs, durable, staged, write_atomically
from aivcs.errors import CorruptionError, MissingObject, StorageError
from aivcs.testing.blobs import content, publish

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "large/ab/abcd.zst"


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    return FileBlobs(tmp_path / "objects", tmp_path / "tmp")


def failing(monkeypatch: pytest.MonkeyPatch, function: str, code: int, after: int = 0) -> list[int]:
    """Let an operation of the system fail, once it has worked ``after`` times."""
    real = getattr(os, function)
    calls: list[int] = []

    def fake(*args: object, **options: object) -> object:
        calls.append(1)
        if len(calls) > after:
            raise OSError(code, os.strerror(code))
        return real(*args, **options)

    monkeypatch.setattr(os, function, fake)
    return calls


def test_a_store_that_is_only_read_makes_no_folder(blobs: FileBlobs, tmp_path: Path) -> None:
    assert not blobs.exists(NAME)
    assert list(blobs.names()) == []
    assert blobs.sweep() == 0
    assert list(tmp_path.iterdir()) == []


def test_a_removed_staging_folder_comes_back(blobs: FileBlobs) -> None:
    publish(blobs, "one", b"1")
    blobs.staging.rmdir()
    publish(blobs, "two", b"2")
    assert list(blobs.names()) == ["one", "two"]
    assert list(blobs.staging.iterdir()) == []


def test_foreign_files_are_named_too(blobs: FileBlobs) -> None:
    publish(blobs, NAME, b"data")
    (blobs.root / "stray").write_text("x")
    (blobs.root / "large" / "empty").mkdir()
    assert list(blobs.names()) == [NAME, "stray"]


def test_files_have_the_mode_of_the_umask(blobs: FileBlobs) -> None:
    old = os.umask(0o027)
    try:
        publish(blobs, NAME, b"data")
    finally:
        os.umask(old)
    assert stat.S_IMODE((blobs.root / NAME).stat().st_mode) == 0o640


def test_everything_is_synced_before_publish_returns(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    real_sync, real_link = os.fsync, os.link

    def sync(descriptor: int) -> None:
        steps.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real_sync(descriptor)

    def link(source: Path, target: Path) -> None:
        steps.append("link")
        real_link(source, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "link", link)
    publish(blobs, NAME, b"data")
    folders = [blobs.root / "large", blobs.root, blobs.root.parent]
    assert steps[:3] == [str(folder) for folder in folders]
    assert steps[3].startswith(str(blobs.staging))
    assert steps[4:] == ["link", str(blobs.root / "large" / "ab")]


def publish_in_parts(blobs: FileBlobs) -> None:
    with blobs.stage() as blob:
        blob.write(b"one")
        blob.write(b"two")
        blob.publish(NAME)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EDQUOT, "no space left"),
        (errno.EACCES, "no permission"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "failed"),
    ],
)
@pytest.mark.parametrize(("function", "after"), [("write", 1), ("fsync", 3), ("link", 0)])
def test_a_failing_disk_leaves_nothing(
    blobs: FileBlobs,
    monkeypatch: pytest.MonkeyPatch,
    function: str,
    after: int,
    code: int,
    text: str,
) -> None:
    with monkeypatch.context() as patch:
        failing(patch, function, code, after)
        with pytest.raises(StorageError, match=text) as caught:
            publish_in_parts(blobs)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.hint
    assert list(blobs.names()) == []
    assert list(blobs.staging.iterdir()) == []
    publish(blobs, NAME, b"data")
    assert content(blobs, NAME) == b"data"


def test_a_short_write_is_continued(blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:3]))
    publish(blobs, NAME, b"0123456789")
    assert content(blobs, NAME) == b"0123456789"


def test_a_failed_sync_is_not_repeated(blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    with blobs.stage() as blob:
        blob.write(b"data")
        with monkeypatch.context() as patch:
            failing(patch, "fsync", errno.EIO, after=3)  # the folders come first
            with pytest.raises(StorageError):
                blob.publish(NAME)
        with pytest.raises(StorageError, match="durable"):
            blob.publish(NAME)
    assert not blobs.exists(NAME)


def test_without_hard_links_the_file_is_renamed(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for code, name in ((errno.EPERM, "a"), (errno.ENOTSUP, "b")):
        with monkeypatch.context() as patch:
            failing(patch, "link", code)
            publish(blobs, name, name.encode())
    assert [content(blobs, name) for name in blobs.names()] == [b"a", b"b"]
    assert list(blobs.staging.iterdir()) == []


def test_two_publishers_that_meet_at_the_link(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def slow(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", real)
        publish(blobs, NAME, b"first")
        real(source, target)

    monkeypatch.setattr(os, "link", slow)
    publish(blobs, NAME, b"second")
    assert content(blobs, NAME) == b"first"


def test_what_cannot_be_unlinked_is_left_for_the_sweep(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        failing(patch, "unlink", errno.EIO)
        publish(blobs, NAME, b"data")
    assert content(blobs, NAME) == b"data"
    assert blobs.sweep() == 1
    assert list(blobs.staging.iterdir()) == []


def test_sweep_takes_only_what_the_dead_left(blobs: FileBlobs) -> None:
    script = """
import os, pathlib, sys
from aivcs.adapters.files import FileBlobs
blobs = FileBlobs(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
blob = blobs.stage()
blob.write(b"half")
os._exit(9)
"""
    command = [sys.executable, "-c", script, str(blobs.root), str(blobs.staging)]
    assert subprocess.run(command, check=False).returncode == 9
    (dead,) = blobs.staging.iterdir()
    (blobs.staging / "note.txt").write_text("not ours")
    assert FileBlobs(blobs.root, blobs.staging).sweep() == 1
    assert not dead.exists()
    assert subprocess.run(command, check=False).returncode == 9
    (left,) = blobs.staging.glob("*.part")
    assert FileBlobs(blobs.root, blobs.staging).unfinished() == [(left.name, 4)]
    with blobs.stage() as blob:
        assert [path.suffix for path in blobs.staging.iterdir()].count(".part") == 1
        assert blobs.sweep() == 0
        blob.write(b"alive")
        blob.publish(NAME)
    assert content(blobs, NAME) == b"alive"
    assert [path.name for path in blobs.staging.iterdir()] == ["note.txt"]


def test_a_file_swept_before_it_was_locked_is_made_anew(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = durable.lock
    swept: list[int] = []

    def late(descriptor: int) -> bool:
        if not swept:
            monkeypatch.setattr("aivcs.adapters.files.drafts.lock", real)
            swept.append(blobs.sweep())
        return real(descriptor)

    monkeypatch.setattr(staged, "lock", late)
    publish(blobs, NAME, b"data")
    assert swept == [1]
    assert content(blobs, NAME) == b"data"


def test_sweep_passes_over_what_vanished(blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs.staging.mkdir()
    path = blobs.staging / "gone.part"
    path.touch()
    real = os.open

    def vanish(name: Path, flags: int) -> int:
        path.unlink(missing_ok=True)
        return real(name, flags)

    monkeypatch.setattr(os, "open", vanish)
    assert blobs.sweep() == 0


def test_a_disk_that_cannot_be_read(blobs: FileBlobs) -> None:
    blobs.root.mkdir()
    # The first page of a process's own memory cannot be read: a true input/output error.
    (blobs.root / "bad").symlink_to("/proc/self/mem")
    for size in (10, -1):
        with blobs.open("bad") as file, pytest.raises(StorageError, match="bad"):
            file.read(size)
    with pytest.raises(StorageError):
        blobs.open(".".join(["x"] * 300))


def open_descriptors(below: Path) -> int:
    links = list(Path("/proc/self/fd").iterdir())
    return sum(str(link.readlink()).startswith(str(below)) for link in links if link.is_symlink())


def test_few_files_stay_open(blobs: FileBlobs) -> None:
    names = [f"packs/{number:03}.pack" for number in range(100)]
    for name in names:
        publish(blobs, name, name.encode())
    for name in names * 2:
        assert blobs.read(name, 6, 3) == name[6:9].encode()
    assert open_descriptors(blobs.root) == 64
    blobs.delete(names[-1])
    assert open_descriptors(blobs.root) == 63
    blobs.close()
    assert open_descriptors(blobs.root) == 0


def test_a_file_that_was_replaced_is_read_anew(blobs: FileBlobs) -> None:
    publish(blobs, NAME, b"damaged")
    assert blobs.read(NAME, 0, 10) == b"damaged"
    write_atomically(blobs.root / NAME, b"healed")
    assert blobs.read(NAME, 0, 10) == b"healed"
    (blobs.root / NAME).unlink()
    with pytest.raises(MissingObject, match="abcd"):
        blobs.read(NAME, 0, 10)
    assert open_descriptors(blobs.root) == 0


def test_a_short_read_is_continued(blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(blobs, NAME, b"0123456789")
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda file, length, at: real(file, min(length, 3), at))
    assert blobs.read(NAME, 1, 8) == b"12345678"
    monkeypatch.setattr(os, "pread", lambda file, length, at: real(file, length, at)[: 4 - at])
    assert blobs.read(NAME, 0, 10) == b"0123"


def test_a_failing_read_is_a_storage_error(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(blobs, NAME, b"data")
    failing(monkeypatch, "pread", errno.EIO)
    with pytest.raises(StorageError, match="abcd"):
        blobs.read(NAME, 0, 4)


def put_folder(path: Path) -> None:
    path.mkdir()


def put_link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def put_link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def put_socket(path: Path) -> None:
    home = Path.cwd()
    os.chdir(path.parent)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(home)


@pytest.mark.parametrize(
    "put", [put_folder, os.mkfifo, put_link_to_a_device, put_link_to_itself, put_socket]
)
def test_what_has_the_place_of_a_file(blobs: FileBlobs, put: Callable[[Path], None]) -> None:
    path = blobs.root / NAME
    path.parent.mkdir(parents=True)
    put(path)
    with pytest.raises(CorruptionError, match=r"abcd\.zst is not a regular file"):
        blobs.open(NAME)
    with pytest.raises(CorruptionError, match="not a regular file"):
        blobs.read(NAME, 0, 1)
    with pytest.raises(CorruptionError, match="not a regular file"):
        blobs.size(NAME)
    with pytest.raises(CorruptionError, match="not a regular file"):
        publish(blobs, NAME, b"data")
    assert list(blobs.staging.iterdir()) == []


def test_sweep_waits_for_no_pipe(blobs: FileBlobs) -> None:
    blobs.staging.mkdir()
    os.mkfifo(blobs.staging / "pipe.part")
    (blobs.staging / "folder.part").mkdir()
    assert blobs.sweep() == 0


def test_a_folder_that_cannot_be_listed(blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(blobs, NAME, b"data")
    failing(monkeypatch, "scandir", errno.EACCES)
    with pytest.raises(StorageError, match="no permission"):
        list(blobs.names())


def test_write_atomically_replaces_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "format"
    for data in (b"1\n", b"2\n", b""):
        write_atomically(path, data)
        assert path.read_bytes() == data
    assert [found.name for found in tmp_path.iterdir()] == ["format"]


@pytest.mark.parametrize("function", ["write", "fsync", "replace"])
def test_write_atomically_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    path = tmp_path / "format"
    write_atomically(path, b"old")
    failing(monkeypatch, function, errno.ENOSPC)
    with pytest.raises(StorageError, match=str(path)):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["format"]


def test_write_atomically_into_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="missing"):
        write_atomically(tmp_path / "missing" / "file", b"data")
