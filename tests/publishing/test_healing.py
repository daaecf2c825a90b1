"""What a power cut leaves of files that were not synced is found, and written again."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.files import log_folder
from aivcs.adapters.files.log_folder import FileLogFolder
from aivcs.repo import open_repo
from aivcs.services.check_published import PublishedChecks
from tests.publishing.subject import (
    CHECKPOINT,
    Counting,
    MadeUp,
    files,
    log,
    promote,
    publisher,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable

TORN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "zeros": lambda data: bytes(len(data)),
    "half": lambda data: data[: len(data) // 2],
    "half, then zeros": lambda data: data[: len(data) // 2].ljust(len(data), b"\0"),
}


def named(leaves: MadeUp, folder: Counting) -> set[str]:
    """Return the files that verifying names."""
    problems = PublishedChecks(leaves, folder).problems()
    return {problem.id.removeprefix("log/releases/") for problem in problems}


@pytest.mark.parametrize("torn", [*TORN, "lost"])
@pytest.mark.parametrize("sizes", [(1, 3, 4), (255, 256), (250, 257, 259, 261)])
def test_every_file_that_a_power_cut_spoils_is_healed(sizes: tuple[int, ...], torn: str) -> None:
    leaves, folder = MadeUp(), Counting()
    for size in sizes:
        leaves.grow(size - len(leaves.entries))
        publisher(leaves, folder).publish()
    entries, good = list(leaves.entries), files(folder)
    for path, data in good.items():
        leaves.entries = list(entries)
        folder.remove(path)
        if torn != "lost":
            folder.write(path, TORN[torn](data), final=False)
        # Who publishes next mends it, or leaves what verifying names.
        leaves.grow(1)
        publisher(leaves, folder).publish()
        left = named(leaves, folder)
        assert left <= {path}
        if not left:
            assert whole(folder) == leaves.entries
        publisher(leaves, folder).publish(rebuild=True)
        assert named(leaves, folder) == set()
        assert whole(folder) == leaves.entries
        for name in [*files(folder)]:
            folder.remove(name)
        for name, content in good.items():
            folder.write(name, content, final=False)


def test_what_the_edge_needs_is_healed_by_the_next_publishing() -> None:
    leaves, folder = MadeUp(300), Counting()
    publisher(leaves, folder).publish()
    for path in (CHECKPOINT, "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"):
        before = folder.read(path) or b""
        folder.write(path, bytes(len(before)), final=False)
        publisher(leaves, folder).publish()
        assert folder.read(path) == before
        assert named(leaves, folder) == set()


def test_a_rebuild_leaves_nothing_that_no_log_has() -> None:
    leaves, folder = MadeUp(259), Counting()
    publisher(leaves, folder).publish()
    good = files(folder)
    beyond = ["tile/0/002", "tile/0/001.p/9", "tile/1/000.p/2", "tile/2/000.p/1", "tile/3/000"]
    for path in [*beyond, "tile/0/000.p/7", "tile/entries/001.p/4"]:
        folder.write(path, b"torn", final=False)
    # What older checkpoints refer to is written again, and no tile is left alone.
    folder.write("tile/entries/001.p/2", b"", final=False)
    folder.write("index.html", b"for people", final=False)
    publisher(leaves, folder).publish(rebuild=True)
    assert named(leaves, folder) == set()
    kept = files(folder)
    assert kept.keys() - good == {"tile/entries/001.p/2", "index.html"}
    assert good.items() <= kept.items()
    assert kept["tile/entries/001.p/2"] == b"\0\x09entry 256\0\x09entry 257"


def test_torn_files_of_a_repository(place: Path) -> None:
    with open_repo(place) as repo:
        promote(repo, 4)
    tiles = log(place) / "tile"
    for path in (tiles / "0" / "000.p" / "3", tiles / "entries" / "000.p" / "2"):
        os.truncate(path, 0)
        with open_repo(place) as repo:
            assert repo.verify(objects=False).problems
            repo.publish(rebuild=True)
            assert repo.verify(objects=False).ok
    for path in (log(place) / CHECKPOINT, tiles / "0" / "000.p" / "4"):
        os.truncate(path, 0)
        with open_repo(place) as repo:
            repo.publish()
            assert repo.verify(objects=False).ok


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is synced, as it happens: folders by name, else ``file``."""
    found: list[str] = []

    def fsync(descriptor: int) -> None:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        found.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()) if folder else "file")

    monkeypatch.setattr(os, "fsync", fsync)
    return found


def test_only_what_is_final_is_synced_with_all_that_leads_to_it(
    tmp_path: Path, synced: list[str]
) -> None:
    folder = FileLogFolder(tmp_path / "log" / "releases")
    with folder.alone():
        folder.write("tile/0/000.p/1", b"open", final=False)
        folder.write("checkpoint", b"head", final=False)
    assert synced == []
    above = ["log/releases/tile/0", "log/releases/tile", "log/releases", "log", ""]
    folder.write("tile/0/000", b"full", final=True)
    assert synced == ["file", *(str(tmp_path / name) for name in above)]
    synced.clear()
    folder.write("tile/0/001", b"full", final=True)
    assert synced == ["file", str(tmp_path / above[0])]
    shutil.rmtree(tmp_path / "log")
    folder.write("tile/0/000", b"full", final=True)
    assert len(synced) == 2 + 1 + len(above)


@pytest.mark.parametrize("lacking", ["files without a name", "links to open files"])
def test_a_file_system_that_can_do_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    if lacking == "links to open files":

        def link(*_: object, **__: object) -> None:
            raise FileNotFoundError

        monkeypatch.setattr(os, "link", link)
    else:
        monkeypatch.setattr(log_folder, "_NAMELESS", os.O_WRONLY)
    folder = FileLogFolder(tmp_path / "log")
    for data in (b"one", b"two"):
        folder.write("tile/0/000.p/1", data, final=False)
        assert folder.read("tile/0/000.p/1") == data
    assert [path.name for path in (tmp_path / "log" / "tile" / "0" / "000.p").iterdir()] == ["1"]


def test_a_file_has_the_mode_of_files_that_are_shared(tmp_path: Path) -> None:
    folder = FileLogFolder(tmp_path / "log")
    before = os.umask(0o022)
    try:
        folder.write("new", b"", final=False)
        folder.write("new", b"replaced", final=False)
        folder.write("other", b"", final=False)
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / "log" / name).stat().st_mode) for name in ("new", "other")]
    assert modes == [0o644, 0o644]
