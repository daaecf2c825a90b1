"""Go's own packages for logs and notes accept what we write, and refuse it changed."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain import base64text, log_proof, merkle
from aivcs.domain.checkpoint import SignedCheckpoint
from aivcs.domain.key_rotation import announcement
from aivcs.domain.note import Note, Signer, Verifier
from aivcs.errors import ProofInvalid
from tests.tlog.go import Refused
from tests.tlog.logs import KEY, NEW_KEY, NOW, ORIGIN, WITNESS, Log, entries, entry

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tlog.go import Go

VKEY = KEY.verifier().text()
MOST = 2000
STEP = 250
EACH_INDEX = (1, 2, 3, 5, 64, 255, 256, 257, 700, MOST)


def _write(log: Log, written: dict[str, bytes], folder: Path) -> None:
    for path, data in {**written, "checkpoint": log.head.signed(KEY).data()}.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


@pytest.mark.slow
@pytest.mark.parametrize("since", range(0, MOST, STEP))
def test_logs_of_1_to_2000_entries(go: Go, tmp_path: Path, since: int) -> None:
    log = Log(since)
    _write(log, log.files, tmp_path)
    for size in range(since + 1, since + STEP + 1):
        _write(log, log.grow(size), tmp_path)
        root = go.ask("log", folder=str(tmp_path), keys=[VKEY])
        assert root == base64text.encode(log.edge.root())


@pytest.mark.parametrize(("since", "size"), [(0, 1), (0, 600), (255, 256), (3, 700), (600, 1100)])
def test_the_files_are_gos_byte_for_byte(go: Go, since: int, size: int) -> None:
    log = Log(since)
    written = log.grow(size)
    found = go.ask("tiles", leaves=entries(0, size), since=since)
    ours = {path: data for path, data in written.items() if "entries" not in path}
    assert {path: sha256(data).hexdigest() for path, data in ours.items()} == {
        path: found[path] for path in ours
    }
    # It has all narrower tiles beside the widest one.
    assert {path for path in found if ".p/" not in path} <= set(ours)


@pytest.mark.parametrize("size", EACH_INDEX)
def test_each_entry_is_included(go: Go, size: int) -> None:
    tree = Log(size).tree()
    for index in range(size):
        leaf, path = merkle.leaf_hash(entry(index)), tree.inclusion(index)
        assert go.ask("record", index=index, size=size, root=tree.root, leaf=leaf, path=path)


@pytest.mark.parametrize("size", EACH_INDEX)
def test_each_smaller_log_is_its_beginning(go: Go, size: int) -> None:
    tree = Log(size).tree()
    for old in range(1, size + 1):
        said = {"since": old, "old": tree.root_at(old), "path": tree.consistency(old)}
        assert go.ask("tree", size=size, root=tree.root, **said)


def test_changed_proofs_are_refused_by_both(go: Go) -> None:
    size, index = 300, 77
    tree = Log(size).tree()
    leaf, path = merkle.leaf_hash(entry(index)), tree.inclusion(index)
    sound = (leaf, index, size, path, tree.root)
    assert merkle.verify_inclusion(*sound)
    changed = [
        (bytes(32), *sound[1:]),
        (leaf, index + 1, *sound[2:]),
        (leaf, index, 255, path, tree.root),
        (leaf, index, size, path[:-1], tree.root),
        (leaf, index, size, [*path, path[0]], tree.root),
        (leaf, index, size, path, bytes(32)),
    ]
    changed += [
        (leaf, index, size, [*path[:at], bytes(32), *path[at + 1 :]], tree.root)
        for at in range(len(path))
    ]
    for one in changed:
        assert not merkle.verify_inclusion(*one)
        names = ("leaf", "index", "size", "path", "root")
        with pytest.raises(Refused):
            go.ask("record", **dict(zip(names, one, strict=True)))


def test_changed_growth_is_refused_by_both(go: Go) -> None:
    size, old = 300, 77
    tree = Log(size).tree()
    path = tree.consistency(old)
    sound: dict[str, Any] = {"size": size, "root": tree.root, "since": old, "path": path}
    sound["old"] = tree.root_at(old)
    assert go.ask("tree", **sound)
    # The checkpoint speaks for the size: a path is the same for many.
    wrong: list[dict[str, Any]] = [
        {"size": 600},
        {"since": 80},
        {"root": bytes(32)},
        {"old": bytes(32)},
    ]
    wrong += [{"path": path[:-1]}, {"path": [*path, bytes(32)]}, {"path": []}]
    for one in wrong:
        said = {**sound, **one}
        with pytest.raises(Refused):
            go.ask("tree", **said)
        assert not merkle.verify_consistency(
            said["since"], said["size"], said["old"], said["root"], said["path"]
        )


def test_changed_files_are_refused(go: Go, tmp_path: Path) -> None:
    log = Log()
    _write(log, log.grow(600), tmp_path)
    assert go.ask("log", folder=str(tmp_path), keys=[VKEY])
    for path in [*log.files, "checkpoint"]:
        sound = (tmp_path / path).read_bytes()
        for place in (0, len(sound) // 2, len(sound) - 1):
            changed = bytearray(sound)
            changed[place] ^= 1
            (tmp_path / path).write_bytes(changed)
            with pytest.raises(Refused):
                go.ask("log", folder=str(tmp_path), keys=[VKEY])
        (tmp_path / path).write_bytes(sound)
    assert go.ask("log", folder=str(tmp_path), keys=[VKEY])


def test_the_proof_file(go: Go) -> None:
    log = Log(300)
    for index in (0, 99, 255, 299):
        data = log.proof(index, KEY, WITNESS, attached=b"more").data()
        found = go.ask("proof", text=data.decode(), keys=[VKEY])
        assert base64text.decode(found or "") == entry(index)


def test_what_go_refuses_of_a_changed_proof_we_refuse(go: Go) -> None:
    data = Log(300).proof(77, attached=b"more").data()
    refused = 0
    for place in range(len(data)):
        for mask in (1, 2, 0x20):
            changed = bytearray(data)
            changed[place] ^= mask
            text = changed.decode(errors="replace")
            try:
                found = go.ask("proof", text=text, keys=[VKEY])
            except Refused:
                refused += 1
                with pytest.raises(ProofInvalid):
                    log_proof.verify(bytes(changed), [KEY.verifier()])
            else:
                assert base64text.decode(found) == entry(77)
    assert refused > 2 * len(data)


def test_a_new_key_is_announced_by_a_note_that_go_opens(go: Go) -> None:
    said = json.loads(announcement(ORIGIN, KEY, NEW_KEY))["note"]
    found = go.ask("open", note=said.encode(), keys=[VKEY, NEW_KEY.verifier().text()])
    assert len(found["Sigs"]) == 2
    assert found["Text"].endswith(f"\n{NEW_KEY.verifier().text()}\n")


def test_notes_are_signed_byte_for_byte_as_go_does(go: Go) -> None:
    for signers in ([KEY], [KEY, NEW_KEY]):
        signed = go.ask("sign", text="text\nmore\n", keys=[one.text() for one in signers])
        assert base64text.decode(signed) == Note("text\nmore\n").signed(*signers).data()


def test_keys_go_both_ways(go: Go) -> None:
    private, public = go.ask("generate", name="example.com/go")
    signer = Signer.parse(private)
    assert (signer.text(), signer.verifier().text()) == (private, public)
    note = Note("text\n").signed(signer)
    assert go.ask("open", note=note.data(), keys=[public])["Text"] == "text\n"
    theirs = base64text.decode(go.ask("sign", text="theirs\n", keys=[private]))
    assert Note.parse(theirs).verified([Verifier.parse(public)])


def test_go_passes_over_witnesses(go: Go) -> None:
    signed = Log(3).head.signed(KEY, WITNESS, at=NOW)
    found = go.ask("open", note=signed.data(), keys=[VKEY])
    assert [one["Name"] for one in found["Sigs"]] == [KEY.name]
    assert [one["Name"] for one in found["UnverifiedSigs"]] == [WITNESS.name]


def test_what_go_refuses_of_a_changed_checkpoint_we_refuse(go: Go) -> None:
    data = Log(300).head.signed(KEY, NEW_KEY).data()
    keys = [KEY.verifier()]
    refused = 0
    for place in range(len(data)):
        for mask in (1, 0x20, 0x80):
            changed = bytearray(data)
            changed[place] ^= mask
            try:
                found = go.ask("open", note=bytes(changed), keys=[VKEY])["Text"]
            except Refused:
                refused += 1
                with pytest.raises(ProofInvalid):
                    SignedCheckpoint.parse(bytes(changed)).verified(keys)
            else:
                assert found == Log(300).head.text()
    assert refused > len(data)
