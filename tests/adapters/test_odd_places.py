"""Objects and locks whose place holds something else, or lies elsewhere, or may not grow."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.folder.failures import translated
from aivcs.adapters.s3.failures import spool_failure
from aivcs.domain.digest import Digest
from aivcs.errors import CorruptionError, StorageError
from aivcs.repo import examine, init
from aivcs.testing.objects import noise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aivcs.repo import Repo

BIG = noise(300_000)
_LIMITED = """
import resource, sys
from aivcs.repo import open_repo
from aivcs.errors import StorageError
from aivcs.testing.objects import noise
most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
with open_repo(sys.argv[1]) as repo:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, most))
    for put in (
        lambda: repo.objects.put(noise(2_000_000)),
        lambda: repo.objects.put_many([noise(3000, one) for one in range(1000)]),
    ):
        try:
            put()
        except StorageError as error:
            print(error.message, error.hint, sep=" | ")
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    print(repo.verify().ok, len(repo.objects.put_many([noise(2_000_000), b"1"])))
"""


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with init(tmp_path / "here") as repo:
        yield repo


@pytest.fixture
def folder(repo: Repo) -> Path:
    assert repo.folder is not None
    return repo.folder


def objects_check(folder: Path) -> str | None:
    """Return what is wrong with the objects, as ``aivcs doctor`` says it."""
    (found,) = (one for one in examine(folder) if one.name == "objects")
    return None if found.ok else found.detail


@pytest.mark.parametrize("known", [True, False])
def test_a_folder_where_a_large_object_belongs(repo: Repo, folder: Path, known: bool) -> None:
    digest = str(Digest.of(BIG))
    place = folder / "objects" / "large" / digest[:2] / f"{digest}.zst"
    if known:
        repo.objects.put(BIG)
        place.unlink()
    place.mkdir(parents=True)
    with pytest.raises(CorruptionError, match=f"{digest}.zst is not a regular file"):
        repo.objects.put(BIG)
    place.rmdir()
    assert repo.objects.get(repo.objects.put(BIG)) == BIG


def test_objects_on_another_file_system(
    repo: Repo, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    (folder / "objects").symlink_to(tmp_path / "other")
    assert objects_check(folder) is None

    def link(source: object, target: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), source, None, target)

    monkeypatch.setattr(os, "link", link)
    said = f"objects leads to {tmp_path}/other and is on another file system than {folder / 'tmp'}"
    assert said in (objects_check(folder) or "")
    with pytest.raises(StorageError, match="on another file system") as raised:
        repo.objects.put(BIG)
    assert "move the whole of .aivcs" in (raised.value.hint or "")
    repo.objects.put(b"small")
    with pytest.raises(StorageError, match=f"objects/packs leads to {tmp_path}/other/packs and is"):
        repo.seal()
    (folder / "objects" / "packs").rmdir()
    (folder / "objects").unlink()
    assert f"{folder}/objects is on another file system" in (objects_check(folder) or "")


def test_without_links_all_is_well(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(source: object, target: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), source, None, target)

    monkeypatch.setattr(os, "link", link)
    assert objects_check(folder) is None


def test_objects_that_are_away(repo: Repo, folder: Path) -> None:
    repo.objects.put(b"sealed", pin=True)
    repo.seal()
    (folder / "objects").rename(folder / "elsewhere")
    (folder / "objects").symlink_to("/nonexistent/away")
    said = "objects is a link to /nonexistent/away, and nothing is there"
    assert said in (objects_check(folder) or "")
    calls: list[Callable[[], object]] = [repo.verify, repo.repair, lambda: repo.objects.put(BIG)]
    for call in calls:
        with pytest.raises(StorageError, match=said):
            call()


@pytest.mark.parametrize(
    ("make", "stays"),
    [
        (os.mkfifo, True),
        (os.mkdir, True),
        (lambda path: path.symlink_to(path), True),
        (lambda path: path.touch(), False),
    ],
)
def test_what_is_no_lease_is_left_alone(
    repo: Repo, folder: Path, make: Callable[[Path], None], stays: bool
) -> None:
    repo.objects.put(b"held")
    odd = folder / "tmp" / "lease-1.ab"
    make(odd)
    script = "import sys; from aivcs.repo import open_repo; open_repo(sys.argv[1]).gc()"
    subprocess.run([sys.executable, "-c", script, folder], check=True, timeout=60)
    assert os.path.lexists(odd) == stays
    assert repo.objects.get(Digest.of(b"held")) == b"held"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(path)])
def test_a_lease_that_was_replaced_counts_as_dead(
    repo: Repo, folder: Path, make: Callable[[Path], None]
) -> None:
    repo.objects.put(b"held")
    (lease,) = (folder / "tmp").glob("lease-*")
    lease.unlink()
    make(lease)
    assert repo._ledger.abandoned() == 1


def test_a_folder_in_the_place_of_the_lock(repo: Repo, folder: Path) -> None:
    lock = folder / "tmp" / "upkeep.lock"
    lock.mkdir(parents=True)
    with pytest.raises(StorageError, match=f"{lock} is in its place") as raised:
        repo.gc()
    assert "move it away" in (raised.value.hint or "")


def test_a_limit_of_the_size_of_files(repo: Repo, folder: Path) -> None:
    repo.close()
    command = [sys.executable, "-c", _LIMITED, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    large, ledger, after = done.stdout.splitlines()
    assert "may not become so long: File too large | 'ulimit -f' shows" in large
    assert "no file of this process may be longer than 1000000 bytes | 'ulimit -f'" in ledger
    assert after == "True 2"


def test_without_a_limit_none_is_named() -> None:
    import apsw

    from aivcs.adapters.sqlite import failures

    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    error = apsw.IOError("disk I/O error")
    vars(error)["extendedresult"] = apsw.SQLITE_IOERR_WRITE
    with pytest.raises(StorageError, match=r"disk I/O error$"), failures.translated("aivcs.db"):
        raise error


def test_the_other_places_of_files_name_the_limit(tmp_path: Path) -> None:
    error = OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    assert "ulimit -f" in (spool_failure(tmp_path, error).hint or "")
    with pytest.raises(StorageError) as raised, translated("write"):
        raise error
    assert "ulimit -f" in (raised.value.hint or "")
