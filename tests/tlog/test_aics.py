"""A foreign verifier in Python accepts what we write, and refuses it changed."""

from __future__ import annotations

from typing import Any

import pytest

from aivcs.domain import merkle
from aivcs.domain.checkpoint import SignedCheckpoint
from aivcs.domain.note import Verifier
from aivcs.errors import ProofInvalid
from tests.tlog.logs import KEY, NOW, ORIGIN, WITNESS, Log, entries, entry

MOST = 2000
STEP = 250
EACH_INDEX = (1, 2, 3, 5, 64, 255, 256, 257, 700)
KEYS = [KEY.verifier()]
WITNESSES = [WITNESS.verifier()]


def _accepts(aics: Any, data: bytes) -> bool:
    """Tell whether it accepts a checkpoint of our log and its witness."""
    try:
        note = aics.parse_note(data)
        keys = [aics.parse_vkey(one.text()) for one in (*KEYS, *WITNESSES)]
        found = aics.verify_checkpoint(note, keys[0], keys[1:], 1, expected_origin=ORIGIN)
    except ValueError:
        return False
    return bool(found.ok)


@pytest.mark.slow
@pytest.mark.parametrize("since", range(0, MOST, STEP))
def test_logs_of_1_to_2000_entries(aics: Any, since: int) -> None:
    log = Log(since)
    keys = [aics.parse_vkey(one.text()) for one in (*KEYS, *WITNESSES)]
    for size in range(since + 1, since + STEP + 1):
        before = log.head
        log.grow(size)
        tree, head = log.tree(), log.head
        note = aics.parse_note(head.signed(KEY, WITNESS, at=NOW).data())
        found = aics.verify_checkpoint(note, keys[0], keys[1:], 1, expected_origin=ORIGIN)
        assert found.ok
        assert (found.size, found.root) == (size, head.root)
        path = tree.consistency(before.size)
        assert aics.verify_consistency(before.size, size, before.root, head.root, path)
        index = size * 5 // 8
        path = tree.inclusion(index)
        assert aics.verify_leaf_inclusion(entry(index), index, size, path, head.root)
        # All tiles and bundles: at each size that is new to the levels, and now and then.
        if size % 97 == 0 or size % 256 in (0, 1, 255):
            files = aics.MemoryTileReader(log.files)
            aics.audit_tiles(files, size, head.root)


@pytest.mark.parametrize("size", EACH_INDEX)
def test_each_entry_is_included_and_each_smaller_log_its_beginning(aics: Any, size: int) -> None:
    tree = Log(size).tree()
    foreign = aics.MerkleTree(entries(0, size))
    assert foreign.root() == tree.root
    for index in range(size):
        path = tree.inclusion(index)
        assert aics.verify_leaf_inclusion(entry(index), index, size, path, tree.root)
        assert foreign.inclusion_proof(index) == path
    for old in range(size + 1):
        path = tree.consistency(old)
        assert aics.verify_consistency(old, size, tree.root_at(old), tree.root, path)


def test_the_files_are_the_same_byte_for_byte(aics: Any) -> None:
    assert aics.TileWriter(entries(0, 1100)).materialise() == Log(1100).files


def test_changed_files_are_refused(aics: Any) -> None:
    log = Log(600)
    for path, sound in log.files.items():
        changed = bytearray(sound)
        changed[len(sound) // 2] ^= 1
        files = aics.MemoryTileReader({**log.files, path: bytes(changed)})
        with pytest.raises(aics.TileVerificationError):
            aics.audit_tiles(files, 600, log.edge.root())


def test_changed_proofs_are_refused(aics: Any) -> None:
    tree = Log(300).tree()
    path = tree.inclusion(77)
    for at in range(len(path)):
        changed = [*path[:at], bytes(32), *path[at + 1 :]]
        assert not aics.verify_leaf_inclusion(entry(77), 77, 300, changed, tree.root)
        assert not merkle.verify_inclusion(merkle.leaf_hash(entry(77)), 77, 300, changed, tree.root)
    growth = tree.consistency(77)
    assert aics.verify_consistency(77, 300, tree.root_at(77), tree.root, growth)
    assert not aics.verify_consistency(78, 300, tree.root_at(77), tree.root, growth)


def test_the_witness_counts_and_changed_checkpoints_are_refused_by_both(aics: Any) -> None:
    data = Log(300).head.signed(KEY, WITNESS, at=NOW).data()
    assert _accepts(aics, data)
    assert not _accepts(aics, Log(300).head.signed(KEY).data())
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        assert not _accepts(aics, bytes(changed))
        try:
            signed = SignedCheckpoint.parse(bytes(changed)).verified(KEYS, WITNESSES, ORIGIN)
        except ProofInvalid:
            continue
        # Somebody unknown has signed in the place of the witness.
        assert [one.key for one in signed] == KEYS


def test_a_witness_of_theirs_counts_with_us(aics: Any) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(bytes(range(7, 39)))
    head = Log(300).head
    _, line = aics.sign_cosignature(
        private, "witness.example/foreign", 1_800_000_000, head.origin, head.size, head.root
    )
    note = aics.parse_note(head.signed(KEY).data())
    data = aics.Note(text=note.text, signatures=[*note.signatures, line]).to_bytes()
    vkey = aics.format_vkey(aics.cosignature_vkey(line.name, private.public_key()))
    found = SignedCheckpoint.parse(data).verified(KEYS, [Verifier.parse(vkey)])
    assert [one.key.name for one in found] == [KEY.name, "witness.example/foreign"]
    assert found[1].at is not None
    assert found[1].at.timestamp() == 1_800_000_000
