"""Logs for the tests: their entries, their files in a dict, and keys that are always the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from aivcs.domain.checkpoint import Checkpoint
from aivcs.domain.log_proof import Proof
from aivcs.domain.note import KeyKind, Signer
from aivcs.domain.tile_edge import Edge
from aivcs.domain.tile_tree import TileTree

if TYPE_CHECKING:
    from collections.abc import Callable

ORIGIN: Final = "example.com/agents/releases"
KEY: Final = Signer("example.com/agents", bytes(range(32)))
NEW_KEY: Final = Signer("example.com/agents", bytes(range(1, 33)))
WITNESS: Final = Signer("witness.example/w1", bytes(range(2, 34)), KeyKind.COSIGNATURE)
NOW: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)


def entry(number: int) -> bytes:
    """Return the entry with this number; they are of several lengths, one in 100 empty."""
    return b"" if number % 100 == 99 else b'{"seq":%d}' % number * (1 + number % 3)


def entries(low: int, high: int) -> list[bytes]:
    return [entry(number) for number in range(low, high)]


class Log:
    """A log whose files are kept in a dict, with the number of reads."""

    def __init__(self, size: int = 0, *, step: int | None = None) -> None:
        self.files: dict[str, bytes] = {}
        self.edge = Edge()
        self.reads: list[str] = []
        for high in [*range(step or size, size, step or size or 1), size]:
            self.grow(high)

    def grow(self, size: int) -> dict[str, bytes]:
        """Let it grow as a publisher does: from its files only; return what was written."""
        before = Edge.read(self.edge.size, self.read)
        self.edge, full = before.grown(entries(before.size, size))
        written = dict([*full, *self.edge.partials(before.size)])
        self.files.update(written)
        return written

    def read(self, path: str) -> bytes | None:
        self.reads.append(path)
        return self.files.get(path)

    @property
    def head(self) -> Checkpoint:
        return Checkpoint(ORIGIN, self.edge.size, self.edge.root())

    def tree(self, read: Callable[[str], bytes | None] | None = None) -> TileTree:
        return TileTree(self.edge.size, self.edge.root(), read or self.read)

    def proof(self, index: int, *signers: Signer, attached: bytes = b"") -> Proof:
        tree = self.tree()
        signed = self.head.signed(*(signers or (KEY,)), at=NOW)
        path = tuple(tree.inclusion(index))
        return Proof(index, path, signed, tree.entry(index), attached)
