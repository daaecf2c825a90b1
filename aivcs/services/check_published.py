"""Verifying what is published: each file against what the ledger holds."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from aivcs.domain import tiles
from aivcs.domain.checkpoint import SignedCheckpoint
from aivcs.domain.merkle import EMPTY_ROOT, Frontier, leaf_hash, root
from aivcs.domain.published import CHECKPOINT, LOCAL, UNSIGNED
from aivcs.domain.report import Problem, Severity
from aivcs.domain.tiles import ENTRIES, WIDTH, Tile
from aivcs.errors import CorruptionError, InvalidInputError, ProofInvalid, Unreadable
from aivcs.services.check_announcements import KeyChain
from aivcs.services.public_leaves import every_leaf

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from aivcs.domain.checkpoint import Checkpoint
    from aivcs.domain.note import Signer, Verifier
    from aivcs.ports import LogFolder
    from aivcs.services.public_leaves import PublicLeaves
    from aivcs.services.publishing import Publisher

_KIND = "log"
_UNWRITTEN = (
    "it was not written to its end, as by a power cut; 'aivcs publish --rebuild' writes it again"
)

_UNSIGNED = "nobody has signed it, and the key of the log is here; 'aivcs publish' signs it"


def checks(
    publishers: Mapping[str, Publisher], signers: Sequence[Signer], saved: Checkpoint | None
) -> dict[str, PublishedChecks]:
    """Return what checks each log; ``saved`` is a checkpoint of one of them.

    Raises InvalidInputError for one of another log.
    """
    of = None if saved is None else _log_of(saved, publishers, signers)
    return {
        name: PublishedChecks(
            one.leaves,
            one.folder,
            [replace(signer, name=one.origin(signers)).verifier() for signer in signers],
            [saved] if saved is not None and name == of else [],
            _names(one, signers),
        )
        for name, one in publishers.items()
    }


def _log_of(
    saved: Checkpoint, publishers: Mapping[str, Publisher], signers: Sequence[Signer]
) -> str:
    """Return the name of the log that a checkpoint is of; InvalidInputError for another's."""
    known: list[str] = []
    for name, publisher in publishers.items():
        found = _origins(publisher, signers)
        # A name that was made of the first entry goes with that entry.
        made = saved.origin.startswith(f"{LOCAL}/") and saved.origin.endswith(f"/{name}")
        if made or saved.origin in found:
            return name
        known += sorted(found)
    msg = f"the checkpoint is of the log {saved.origin}; the logs here are {', '.join(known)}"
    raise InvalidInputError(msg, hint="give a checkpoint of one of them")


def _names(publisher: Publisher, signers: Sequence[Signer]) -> set[str]:
    """Return what a log is called, and was before it had a name; none where it cannot be read."""
    # What cannot be read is told where all of it is read.
    with suppress(CorruptionError):
        return {publisher.origin(signers), publisher.first_origin()}
    return set()


def _origins(publisher: Publisher, signers: Sequence[Signer]) -> set[str]:
    """Return under which names a log is known."""
    found = _names(publisher, signers)
    with suppress(CorruptionError):
        head = publisher.checkpoint()
        found |= set() if head is None else {head.checkpoint.origin}
    return found


class PublishedChecks:
    """Reads a log's entries from the ledger once, and compares its files with them.

    ``keys`` are the log's own, where they are known. ``saved`` are older checkpoints of it that
    the ledger must have grown out of. ``names`` are those that it may have where nobody signed
    it; without any, all are taken.
    """

    def __init__(
        self,
        leaves: PublicLeaves,
        folder: LogFolder,
        keys: Sequence[Verifier] = (),
        saved: Sequence[Checkpoint] = (),
        names: Collection[str] = (),
    ) -> None:
        self._leaves = leaves
        self._folder = folder
        self._keys = keys
        self._saved = saved
        self._names = names
        self._chain = KeyChain()
        self._tree = Frontier()
        self._roots = {0: EMPTY_ROOT}
        self._present: dict[tuple[int, int], list[int]] = defaultdict(list)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong, by file; nothing of what was never published."""
        published: Checkpoint | None = None
        # Others may publish meanwhile: what a checkpoint needs is there before it, and stays.
        data = self._folder.read(CHECKPOINT)
        paths = list(self._folder.paths())
        if not (paths or self._saved):
            return
        if data is not None and _is_unwritten(data):
            yield self._problem(CHECKPOINT, _UNWRITTEN, Severity.WARNING)
        elif data is not None:
            try:
                found = SignedCheckpoint.parse(data)
                published = found.checkpoint
                yield from self._vouched(found)
            except ProofInvalid as error:
                published = None
                yield self._problem(CHECKPOINT, error.message)
        for path in paths:
            try:
                tile = Tile.parse(path)
            except InvalidInputError:
                continue
            self._present[tile.level, tile.number].append(tile.width)
        needed = set(tiles.tiles(published.size)) if published else set()
        sizes = {one.size for one in (*self._saved, *filter(None, [published]))}
        try:
            yield from self._files(needed, sizes)
        except (CorruptionError, Unreadable):
            return  # what cannot be read of the ledger is told where that is read
        for head in filter(None, [published]):
            yield from self._past(CHECKPOINT, head)
        for head in self._saved:
            yield from self._past("", head)

    def _vouched(self, found: SignedCheckpoint) -> Iterator[Problem]:
        """Say who does not vouch for a checkpoint. Raises ProofInvalid for a wrong signature."""
        head = found.checkpoint
        if found.note.signatures:
            if self._keys:
                found.note.verified(self._keys)
            return
        # Whoever takes the signatures away could change all that they cover.
        if head.extensions != (UNSIGNED,):
            yield self._problem(CHECKPOINT, "nobody has signed it, and it does not say so")
        elif self._names and head.origin not in self._names:
            yield self._problem(CHECKPOINT, f"it is of the log {head.origin}, and nobody signed it")
        elif self._keys:
            yield self._problem(CHECKPOINT, _UNSIGNED, Severity.WARNING)

    def _files(self, needed: set[Tile], sizes: set[int]) -> Iterator[Problem]:
        """Compare bundles and tiles, 256 entries at a time, then the levels above them."""
        source = every_leaf(self._leaves)
        above: list[bytes] = []
        number = 0
        while group := list(islice(source, WIDTH)):
            hashes = [leaf_hash(entry) for entry in group]
            for index, entry in enumerate(group, number * WIDTH):
                yield from map(self._of_log, self._chain.problems(index, entry))
            self._grow(hashes, sizes)
            yield from self._compare(ENTRIES, number, group, tiles.join_entries, needed)
            yield from self._compare(0, number, hashes, tiles.join_hashes, needed)
            if len(hashes) == WIDTH:
                above.append(root(hashes))
            number += 1
        for detail, severity in self._chain.ends(self._keys):
            yield self._problem("", detail, severity)
        level = 1
        while above:
            row, above = above, []
            for number, at in enumerate(range(0, len(row), WIDTH)):
                hashes = row[at : at + WIDTH]
                yield from self._compare(level, number, hashes, tiles.join_hashes, needed)
                if len(hashes) == WIDTH:
                    above.append(root(hashes))
            level += 1
        for (of, number), widths in self._present.items():
            for width in widths:
                path = Tile(of, number, width).path
                yield self._problem(path, "it is of entries that the ledger does not have")

    def _grow(self, hashes: Sequence[bytes], sizes: set[int]) -> None:
        begin = self._tree.size
        wanted = sorted(size for size in sizes if begin < size <= begin + len(hashes))
        for size in wanted:
            self._roots[size] = self._tree.grown(hashes[: size - begin]).root()
        self._tree = self._tree.grown(hashes)

    def _compare(
        self,
        level: int,
        number: int,
        parts: Sequence[bytes],
        join: Callable[[Sequence[bytes]], bytes],
        needed: set[Tile],
    ) -> Iterator[Problem]:
        widths = self._present.pop((level, number), [])
        for width in widths:
            tile = Tile(level, number, width)
            if width > len(parts):
                yield self._problem(tile.path, "it is of entries that the ledger does not have")
            elif (data := self._read(tile)) not in {None, join(parts[:width])}:
                if width < WIDTH and _is_unwritten(data):
                    yield self._problem(tile.path, _UNWRITTEN, Severity.WARNING)
                else:
                    yield self._problem(tile.path, "it is not what the ledger holds")
        for width in range(1, WIDTH + 1):
            tile = Tile(level, number, width)
            if tile in needed and not {width, WIDTH} & set(widths):
                yield self._problem(tile.path, "it is missing")

    def _read(self, tile: Tile) -> bytes | None:
        """Return a file's bytes; None for a partial tile that went when the full one came."""
        data = self._folder.read(tile.path)
        if data is None and self._folder.read(tile.stem) is None:
            return b""
        return data

    def _past(self, path: str, head: Checkpoint) -> Iterator[Problem]:
        """Compare a checkpoint with the ledger, at the size that it has."""
        if head.size > self._tree.size:
            detail = f"it has {head.size} entries, and the ledger has {self._tree.size}"
        elif self._roots[head.size] != head.root:
            detail = f"its first {head.size} entries are not those that the ledger has"
        else:
            return
        what = detail if path else f"the checkpoint that was saved: {detail}"
        yield self._problem(path, what)

    def _of_log(self, detail: str) -> Problem:
        return self._problem("", detail)

    def _problem(self, path: str, detail: str, severity: Severity = Severity.ERROR) -> Problem:
        place = f"log/{self._leaves.name}"
        return Problem(_KIND, f"{place}/{path}" if path else place, detail, severity)


def _is_unwritten(data: bytes | None) -> bool:
    """Tell whether a file is as a power cut leaves one: its name was written, its bytes not.

    What is published is not synced, for it can be written again.
    """
    return data is not None and not data.strip(b"\0")
