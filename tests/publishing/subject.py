"""Logs that are made up, and what a repository has published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.adapters.memory_log import MemoryLogFolder
from aivcs.domain.checkpoint import SignedCheckpoint
from aivcs.domain.published import CHECKPOINT
from aivcs.domain.release_leaf import release_leaf
from aivcs.domain.tile_tree import TileTree
from aivcs.services.publishing import Publisher
from aivcs.testing.subject import by

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aivcs.domain.digest import Digest
    from aivcs.domain.note import Signer
    from aivcs.repo import Repo

__all__ = ["CHECKPOINT", "release_leaf"]


class MadeUp:
    """A log whose entries are in memory."""

    name = "releases"

    def __init__(self, size: int = 0) -> None:
        self.entries: list[bytes] = []
        self.grow(size)

    def grow(self, count: int) -> None:
        self.entries += [b"entry %d" % (len(self.entries) + n) for n in range(count)]

    def page(self, after: int, limit: int = 1024) -> list[bytes]:
        return self.entries[after : after + limit]


class Counting(MemoryLogFolder):
    """Counts what is read and written."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []
        self.writes: list[str] = []

    def read(self, path: str) -> bytes | None:
        self.reads.append(path)
        return super().read(path)

    def write(self, path: str, data: bytes, *, final: bool) -> None:
        self.writes.append(path)
        super().write(path, data, final=final)

    def forget(self) -> None:
        self.reads.clear()
        self.writes.clear()


def publisher(
    leaves: MadeUp, folder: MemoryLogFolder, signers: Sequence[Signer] = (), name: str | None = "o"
) -> Publisher:
    """Return one that knows nothing of what others published."""
    return Publisher(leaves, folder, name, lambda: signers)


def files(folder: MemoryLogFolder) -> dict[str, bytes]:
    """Return all that is published."""
    return {path: folder.read(path) or b"" for path in folder.paths()}


def whole(folder: MemoryLogFolder) -> list[bytes]:
    """Return all entries, each checked against the checkpoint."""
    head = SignedCheckpoint.parse(folder.read(CHECKPOINT) or b"").checkpoint
    tree = TileTree(head.size, head.root, folder.read)
    return [tree.entry(index) for index in range(head.size)]


def log(place: Path, name: str = "releases") -> Path:
    """Return the folder of a repository's published log."""
    return place / ".aivcs" / "log" / name


def head(place: Path, name: str = "releases") -> SignedCheckpoint:
    """Return the checkpoint that a repository has published."""
    return SignedCheckpoint.parse((log(place, name) / CHECKPOINT).read_bytes())


def spec_of(repo: Repo) -> Digest:
    """Return the one spec that is stored."""
    return repo.specs.list()[0].digest


def promote(repo: Repo, count: int = 1, name: str = "agent") -> None:
    """Promote the spec so many times."""
    for _ in range(count):
        repo.releases.promote(name, spec_of(repo), by())
