"""One changed byte, anywhere in the files of a log: named, or without effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.domain import log_proof
from aivcs.domain.checkpoint import SignedCheckpoint
from aivcs.domain.tile_edge import Edge
from aivcs.domain.tile_tree import TileTree
from aivcs.errors import CorruptionError, ProofInvalid
from tests.tlog.logs import KEY, NOW, ORIGIN, WITNESS, Log, entries

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = 300
KEYS = [KEY.verifier()]


@pytest.fixture(scope="module")
def log() -> Log:
    return Log(SIZE)


def _flips(data: bytes, masks: tuple[int, ...] = (1, 0x80)) -> Iterator[bytes]:
    for place in range(len(data)):
        for mask in masks:
            changed = bytearray(data)
            changed[place] ^= mask
            yield bytes(changed)


def _all(files: dict[str, bytes], root: bytes) -> list[bytes]:
    tree = TileTree(SIZE, root, files.get)
    return [entry for number in range(2) for entry in tree.bundle(number)]


@pytest.mark.parametrize("path", sorted(Log(SIZE).files))
def test_tiles_and_bundles(log: Log, path: str) -> None:
    root = log.edge.root()
    step = 37 if len(log.files[path]) > 2000 else 1
    for changed in list(_flips(log.files[path]))[::step]:
        files = {**log.files, path: changed}
        with pytest.raises(CorruptionError) as caught:
            _all(files, root)
        assert path in caught.value.message


@pytest.mark.parametrize("path", sorted(Log(SIZE).files))
def test_tiles_and_bundles_that_are_cut_off_or_too_long(log: Log, path: str) -> None:
    data = log.files[path]
    for changed in (b"", data[:1], data[:-1], data + b"\0", data + data):
        files = {**log.files, path: changed}
        with pytest.raises(CorruptionError) as caught:
            _all(files, log.edge.root())
        assert path in caught.value.message


def test_growth_from_a_changed_edge_is_seen(log: Log) -> None:
    for path in ("tile/0/001.p/44", "tile/1/000.p/1"):
        for changed in list(_flips(log.files[path]))[::11]:
            files = {**log.files, path: changed}
            if path.startswith("tile/0"):
                with pytest.raises(CorruptionError, match=r"tile/entries/001\.p/44"):
                    Edge.read(SIZE, files.get)
            else:
                assert Edge.read(SIZE, files.get).root() != log.edge.root()


def test_a_checkpoint(log: Log) -> None:
    signed = log.head.signed(KEY, WITNESS, at=NOW)
    end = len(signed.checkpoint.text()) + 1
    log_line = len(signed.note.signatures[0].line().encode())
    for at, changed in enumerate(_flips(signed.data(), (1,))):
        try:
            found = SignedCheckpoint.parse(changed)
            by = found.verified(KEYS, origin=ORIGIN)
        except ProofInvalid:
            continue
        # The line of a key that is not known says nothing.
        assert at >= end + log_line
        assert found.checkpoint == log.head
        assert [one.key for one in by] == KEYS
    for changed in _flips(signed.data(), (1, 2)):
        try:
            SignedCheckpoint.parse(changed).verified(KEYS, [WITNESS.verifier()], ORIGIN)
        except ProofInvalid:
            continue
        # What is no longer a witness's name is the name of somebody unknown.
        assert WITNESS.name.encode() not in changed or _key_id(changed) != _key_id(signed.data())


def _key_id(data: bytes) -> bytes:
    return SignedCheckpoint.parse(data).note.signatures[1].key_id


def test_a_proof(log: Log) -> None:
    data = log.proof(77, attached=b"attached").data()
    proven = log_proof.verify(data, KEYS)
    without_effect = 0
    for changed in _flips(data, (1, 2, 0x80)):
        try:
            found = log_proof.verify(changed, KEYS, origin=ORIGIN)
        except ProofInvalid:
            continue
        # What is attached is for its reader to check against the entry.
        assert found.attached != proven.attached
        assert (found.entry, found.index) == (proven.entry, proven.index)
        assert found.checkpoint == proven.checkpoint
        without_effect += 1
    assert 0 < without_effect <= 3 * 12


def test_a_proof_that_is_cut_off(log: Log) -> None:
    data = log.proof(77).data()
    for end in range(len(data)):
        with pytest.raises(ProofInvalid):
            log_proof.verify(data[:end], KEYS)


def test_the_log_is_sound(log: Log) -> None:
    assert _all(log.files, log.edge.root()) == entries(0, SIZE)
