"""Publishing: a log of the ledger as tiles and a signed checkpoint that anybody can check.

The ledger has committed before; what is written here can be written again at any time.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from aivcs.domain import tiles
from aivcs.domain.checkpoint import Checkpoint, SignedCheckpoint
from aivcs.domain.merkle import Frontier, leaf_hash
from aivcs.domain.published import CHECKPOINT, LOCAL, UNSIGNED, Published, log_origin
from aivcs.domain.tile_edge import Edge
from aivcs.domain.tile_tree import TileTree
from aivcs.domain.tiles import WIDTH, Tile
from aivcs.errors import CorruptionError, InvalidInputError, KeyNotFound, ProofInvalid
from aivcs.services.public_leaves import PAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aivcs.domain.note import Signer
    from aivcs.ports import LogFolder
    from aivcs.services.public_leaves import PublicLeaves

_DIGITS: Final = 16


class _Last(NamedTuple):
    """What was published last, from here: as it is in its file, and the log's edge then."""

    data: bytes
    signed: SignedCheckpoint
    edge: Edge


class Publisher:
    """Publishes one log. Any number of threads and processes may; one after the other does.

    ``signers`` gives the keys to sign with, none where there are none. Without ``origin`` the
    log is called after the first of them, else after its first entry.
    """

    def __init__(
        self,
        leaves: PublicLeaves,
        folder: LogFolder,
        origin: str | None,
        signers: Callable[[], Sequence[Signer]],
    ) -> None:
        self._leaves = leaves
        self._folder = folder
        self._origin = origin
        self._signers = signers
        self._last: _Last | None = None
        self._first: bytes | None = None

    @property
    def folder(self) -> LogFolder:
        """Return where the log is published."""
        return self._folder

    @property
    def leaves(self) -> PublicLeaves:
        """Return what the log consists of."""
        return self._leaves

    def checkpoint(self) -> SignedCheckpoint | None:
        """Return the checkpoint that is published, or None; ProofInvalid for a damaged one."""
        data = self._folder.read(CHECKPOINT)
        return None if data is None else SignedCheckpoint.parse(data)

    def origin(self, signers: Sequence[Signer] = ()) -> str:
        """Return the name of the log."""
        base = self._origin or (signers[0].name if signers else None)
        return self.first_origin() if base is None else log_origin(base, self._leaves.name)

    def first_origin(self) -> str:
        """Return the name of a log that nobody gave one: it is made of its first entry."""
        if self._first is None:
            self._first = next(iter(self._leaves.page(0, 1)), None)
        made = leaf_hash(self._first or b"").hex()[:_DIGITS]
        return log_origin(f"{LOCAL}/{made}", self._leaves.name)

    def catch_up(self) -> None:
        """Publish what is new, if anything is; raises as ``publish``."""
        last = self._last
        # Where nothing is known of the log, one entry tells whether there is any.
        new = self._leaves.page(last.edge.size) if last else self._leaves.page(0, 1)
        if new or self._folder.read(CHECKPOINT) != (last.data if last else None):
            self._publish((last.edge, new) if last else None)

    def publish(self, *, rebuild: bool = False, also: Sequence[Signer] = ()) -> Published | None:
        """Bring the published log up to the ledger; None while there is nothing to publish.

        ``rebuild`` writes all of it anew, whatever is there. ``also`` are further keys that
        sign this once. Raises StorageError, KeyNotFound where it was signed before and there is
        no key now, CorruptionError where the ledger no longer holds what was published.
        """
        return self._publish(None, rebuild=rebuild, also=also)

    def _publish(
        self,
        ahead: tuple[Edge, Sequence[bytes]] | None,
        *,
        rebuild: bool = False,
        also: Sequence[Signer] = (),
    ) -> Published | None:
        """Publish; ``ahead`` are entries that were read already, and the edge they follow."""
        with self._folder.alone():
            signers = self._signers()
            origin = self.origin(signers)
            signers = [replace(one, name=origin) for one in dict.fromkeys((*signers, *also))]
            data = self._folder.read(CHECKPOINT)
            last = self._last if self._last and self._last.data == data else None
            old = last.signed if last else None if data is None else self._sound(data, signers)
            if old is not None and old.note.signatures and not signers:
                msg = f"the log {old.checkpoint.origin} is signed, and its key is not here"
                raise KeyNotFound(msg, hint="put it where 'aivcs key list' looks, or set AIVCS_KEY")
            if rebuild or old is None:
                before = Edge()
            else:
                before = last.edge if last else self._edge(old.checkpoint)
            after = self._write(before, ahead[1] if ahead and ahead[0] is before else ())
            if not after.size:
                return None
            head = _head(origin, after, signers)
            if old is None or before != after or not _says(old, head, signers):
                old = self._finish(before, after, head, signers)
            if rebuild:
                self._clean(after)
            self._last = _Last(old.data(), old, after)
            return Published(self._leaves.name, old, after.size - before.size)

    def _sound(self, data: bytes, signers: Sequence[Signer]) -> SignedCheckpoint | None:
        """Return the published checkpoint; None where it is not what anybody wrote."""
        try:
            found = SignedCheckpoint.parse(data)
            keys = [signer.verifier() for signer in signers]
            by = {(one.name, one.key_id) for one in found.note.signatures}
            ours = [key for key in keys if (key.name, key.key_id) in by]
            if ours:
                found.note.verified(ours)
        except ProofInvalid:
            return None
        return found

    def _edge(self, head: Checkpoint) -> Edge:
        """Return the edge of what is published, or an empty one to begin anew."""
        with suppress(CorruptionError):
            edge = Edge.read(head.size, self._folder.read)
            if edge.root() == head.root and self._is_ours(head):
                return edge
        self._check_past(head)
        return Edge()

    def _is_ours(self, head: Checkpoint) -> bool:
        """Tell whether the last entry that was published is the ledger's."""
        if not head.size:
            return True
        tree = TileTree(head.size, head.root, self._folder.read)
        found = self._leaves.page(head.size - 1, 1)
        return bool(found) and leaf_hash(found[0]) == tree.leaf(head.size - 1)

    def _check_past(self, head: Checkpoint) -> None:
        """Raise CorruptionError unless the ledger still begins with what was published."""
        tree = Frontier()
        while page := self._leaves.page(tree.size)[: head.size - tree.size]:
            tree = tree.grown(map(leaf_hash, page))
        if tree.size == head.size and tree.root() == head.root:
            return
        msg = (
            f"the log {head.origin} was published with {head.size} entries that the ledger has not"
        )
        hint = "'aivcs verify' says more; 'aivcs publish --rebuild' replaces what was published"
        raise CorruptionError(msg, hint=hint)

    def _write(self, edge: Edge, page: Sequence[bytes]) -> Edge:
        """Write the tiles and bundles that are full; return the new edge."""
        while page := page or self._leaves.page(edge.size):
            edge, files = edge.grown(page)
            for path, data in files:
                self._folder.write(path, data, final=True)
            if len(page) < PAGE:
                break
            page = ()
        return edge

    def _finish(
        self, before: Edge, after: Edge, head: Checkpoint, signers: Sequence[Signer]
    ) -> SignedCheckpoint:
        """Write what is open, then the checkpoint, and remove what it outgrew."""
        for path, data in after.partials(before.size):
            self._folder.write(path, data, final=False)
        signed = head.signed(*signers)
        self._folder.write(CHECKPOINT, signed.data(), final=False)
        for path in tiles.outgrown(after.size, before.size):
            self._folder.remove(path)
        return signed

    def _clean(self, edge: Edge) -> None:
        """Mend the tiles that only older checkpoints refer to; remove what no log has."""
        needed = set(tiles.tiles(edge.size))
        for path in list(self._folder.paths()):
            try:
                tile = Tile.parse(path)
            except InvalidInputError:
                continue
            if tile in needed:
                continue
            data = edge.part(tile) if tile.width < WIDTH else None
            if data is None:
                self._folder.remove(path)
            elif self._folder.read(path) != data:
                self._folder.write(path, data, final=False)


def _head(origin: str, edge: Edge, signers: Sequence[Signer]) -> Checkpoint:
    said = () if signers else (UNSIGNED,)
    return Checkpoint(origin, edge.size, edge.root(), said)


def _says(old: SignedCheckpoint, head: Checkpoint, signers: Sequence[Signer]) -> bool:
    """Tell whether a checkpoint needs no other in its place."""
    by = {(one.name, one.key_id) for one in old.note.signatures}
    keys = {(key.name, key.key_id) for key in (signer.verifier() for signer in signers)}
    return old.checkpoint == head and keys <= by
