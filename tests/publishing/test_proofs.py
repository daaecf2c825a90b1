from __future__ import annotations

import json
import re
from time import process_time
from typing import TYPE_CHECKING

import pytest

import aivcs
import aivcs.domain.moment
import aivcs.domain.note
from aivcs.cli.main import main
from aivcs.domain import canonical
from aivcs.domain.checkpoint import Checkpoint
from aivcs.domain.commitment import stored_leaf
from aivcs.domain.key_rotation import announcement
from aivcs.domain.log_proof import Proof
from aivcs.domain.merkle import leaf_hash
from aivcs.domain.note import Signer
from aivcs.domain.published import log_origin
from aivcs.errors import (
    CorruptionError,
    InvalidInputError,
    InvalidRunState,
    ProofInvalid,
    ReleaseNotFound,
)
from aivcs.repo import keys as repo_keys
from aivcs.repo import open_repo
from aivcs.testing.subject import add_spec, by
from tests.publishing.conftest import ORIGIN, OTHER
from tests.publishing.subject import promote, spec_of
from tests.publishing.test_repository import finish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs.repo import Repo

MOST_BYTES = 4096
MOST_SECONDS = 0.005


@pytest.fixture
def signed() -> Iterator[Repo]:
    """Return a repository with a key, 300 releases and 3 runs."""
    with open_repo("memory:") as repo:
        add_spec(repo)
        repo_keys.create(repo.name_logs(ORIGIN))
        finish(repo, 3)
        promote(repo, 299)
        notes = "why it is better, at the length that people write " * 10
        repo.releases.promote("helper", spec_of(repo), by("bob", "1.2.0", notes))
        yield repo


def key(name: str = "releases") -> str:
    signer = repo_keys.own(ORIGIN)
    return aivcs.domain.note.Verifier(log_origin(ORIGIN, name), signer.verifier().public).text()


def test_a_proof_says_what_was_released_by_whom_and_when(signed: Repo) -> None:
    record = signed.releases.current("helper")
    assert record is not None
    data = signed.prove("helper").data()
    assert len(data) <= MOST_BYTES
    shown = aivcs.verify_proof(data, key())
    assert (shown.what, shown.index, shown.size) == ("release", 299, 300)
    assert shown.origin == "example.com/agents/releases"
    assert shown.signed_by == (key(),)
    facts = shown.facts
    assert (facts["name"], facts["seq"], facts["kind"]) == ("helper", 1, "promote")
    assert facts["spec_digest"] == str(record.spec_digest)
    assert (facts["actor"], facts["metadata"]["version_label"]) == ("bob", "1.2.0")
    assert facts["metadata"]["notes"] == record.metadata.notes
    assert facts["created_at"] == aivcs.domain.moment.text(record.created_at)
    assert facts["previous"] is None
    times = []
    for _ in range(20):
        begin = process_time()
        aivcs.verify_proof(data, key())
        times.append(process_time() - begin)
    assert min(times) <= 2 * MOST_SECONDS


@pytest.mark.parametrize("seq", [1, 2, 128, 256, 257, 299])
def test_every_release_can_be_proved(signed: Repo, seq: int) -> None:
    shown = aivcs.verify_proof(signed.prove("agent", seq).data(), key())
    assert (shown.facts["seq"], shown.index) == (seq, seq - 1)
    with pytest.raises(ReleaseNotFound):
        signed.prove("agent", 1000)


def test_a_rollback_and_a_long_note_can_be_proved(signed: Repo) -> None:
    notes = "x" * 10_000
    signed.releases.promote("agent", spec_of(signed), by(notes=notes))
    shown = aivcs.verify_proof(signed.prove("agent").data(), key())
    assert shown.facts["metadata"]["notes"] == notes
    signed.releases.rollback("agent", actor="cat", reason="it was slow")
    facts = aivcs.verify_proof(signed.prove("agent").data(), key()).facts
    assert (facts["kind"], facts["restores"], facts["reason"]) == ("rollback", 299, "it was slow")


def test_a_run_can_be_proved(signed: Repo) -> None:
    (run_id,) = finish(signed)
    data = signed.prove_run(run_id).data()
    assert len(data) <= MOST_BYTES
    shown = aivcs.verify_proof(data, key("runs"))
    assert (shown.what, shown.index, shown.facts["run_id"]) == ("run", 3, run_id)
    assert (shown.facts["status"], shown.facts["size"]) == ("COMPLETED", 1)
    running = signed.runs.create_run(spec_of(signed), aivcs.RunMetadata("agent"))
    with pytest.raises(InvalidRunState, match="is RUNNING, so nothing"):
        signed.prove_run(running)


def test_an_announcement_of_a_key_can_be_shown(signed: Repo) -> None:
    first, runs = key(), key("runs")
    signed.rotate_key()
    second = key()
    data = signed.prove_key(first).data()
    assert len(data) <= MOST_BYTES
    for trusted in (first, second):
        shown = aivcs.verify_proof(data, trusted)
        assert (shown.what, shown.facts["type"], shown.index) == ("key", "key", 300)
        assert shown.facts["old"] == first
        assert shown.facts["new"] == second
        assert shown.facts["verifiers"] == {"releases": second, "runs": key("runs")}
    # When the new key alone signs, the old one still leads to it, and to nothing else.
    signed.rotate_key()
    third = key()
    proof = signed.prove_key(first)
    assert {one.name for one in proof.checkpoint.note.signatures} == {f"{ORIGIN}/releases"}
    assert signed.prove_key(second, first).index == 300
    signed.releases.promote("agent", spec_of(signed), aivcs.ReleaseMetadata(None, "ada"))
    late = signed.prove_key(second).data()
    assert aivcs.verify_proof(late, second).facts["new"] == third
    assert aivcs.verify_proof(late, second).signed_by == (third,)
    with pytest.raises(ProofInvalid, match="no known key has signed it"):
        aivcs.verify_proof(late, first)
    with pytest.raises(ProofInvalid, match="no known key has signed it"):
        aivcs.verify_proof(signed.prove("agent").data(), second)
    for unknown in (third, runs):
        with pytest.raises(aivcs.errors.KeyNotFound, match="no key came after"):
            signed.prove_key(unknown)


def test_a_forged_announcement_is_refused(signed: Repo) -> None:
    first = key()
    signed.rotate_key()
    proof = signed.prove_key(first)
    origin = f"{ORIGIN}/releases"
    new = Signer(origin, repo_keys.own(ORIGIN).seed)
    other = Signer(origin, bytes(range(32)))
    entry = announcement(origin, other, new).replace(
        other.verifier().text().encode(), first.encode()
    )
    head = Checkpoint(origin, 1, leaf_hash(entry)).signed(new)
    with pytest.raises(ProofInvalid, match="does not hold"):
        aivcs.verify_proof(Proof(0, (), head, entry).data(), new.verifier().text())
    assert aivcs.verify_proof(proof.data(), first).what == "key"


def test_a_signature_that_is_copied_is_still_one(signed: Repo) -> None:
    data = signed.prove("agent").data()
    line = data.splitlines(keepends=True)[-1]
    assert aivcs.verify_proof(data + line, key()).signed_by == (key(),)


def test_a_wrong_key_an_unsigned_log_and_a_changed_proof_prove_nothing(signed: Repo) -> None:
    data = signed.prove("helper").data()
    other = aivcs.domain.note.Verifier(log_origin(ORIGIN, "releases"), OTHER.verifier().public)
    for wrong in (other.text(), key("runs")):
        with pytest.raises(ProofInvalid, match="no known key has signed it"):
            aivcs.verify_proof(data, wrong)
    with pytest.raises(InvalidInputError):
        aivcs.verify_proof(data, "no key")
    for at in range(0, len(data), 5):
        try:
            shown = aivcs.verify_proof(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], key())
        except ProofInvalid:
            continue
        pytest.fail(f"byte {at} may be anything: {shown}")
    with open_repo("memory:") as repo:
        spec = repo.specs.add({"name": "a", "components": {"model": {"name": "m"}}}).digest
        repo.releases.promote("agent", spec, by())
        with pytest.raises(ProofInvalid, match="nobody has signed it"):
            aivcs.verify_proof(repo.prove("agent").data(), key())


def changed(proof: Proof, entry: bytes | None = None, attached: bytes | None = None) -> bytes:
    """Return a proof of a log of one entry that a key of ours has signed."""
    from aivcs.domain.checkpoint import Checkpoint
    from aivcs.domain.merkle import leaf_hash
    from aivcs.domain.note import Signer

    leaf = proof.entry if entry is None else entry
    origin = log_origin(ORIGIN, "releases")
    signer = Signer(origin, repo_keys.own(ORIGIN).seed)
    head = Checkpoint(origin, 1, leaf_hash(leaf)).signed(signer)
    return Proof(0, (), head, leaf, proof.attached if attached is None else attached).data()


def test_what_is_attached_counts_as_far_as_the_entry_commits_to_it(signed: Repo) -> None:
    proof = signed.prove("helper")
    leaf, said = json.loads(proof.entry), json.loads(proof.attached)
    assert aivcs.verify_proof(changed(proof), key()).what == "release"
    for name, value in (
        ("body", said["body"].replace("bob", "eve")),
        ("salt", "00" * 16),
        ("timestamp", 0),
        ("recorded_at", -1),
        ("body", 5),
        ("salt", "x"),
        ("timestamp", 2**70),
    ):
        attached = json.dumps({**said, name: value}).encode()
        with pytest.raises(ProofInvalid):
            aivcs.verify_proof(changed(proof, attached=attached), key())
    for entry in (
        json.dumps({**leaf, "v": 2}, separators=(",", ":"), sort_keys=True),
        json.dumps({**leaf, "spec": "0" * 64}, separators=(",", ":"), sort_keys=True),
        json.dumps(leaf),
        "{}",
        "[]",
        "no json at all",
    ):
        with pytest.raises(ProofInvalid, match="not a proof of aivcs"):
            aivcs.verify_proof(changed(proof, entry.encode()), key())
    deep = proof.attached[:-1] + b',"more":' + b"[" * 3000 + b"]" * 3000 + b"}"
    for attached in (b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"a":' * 50_000, deep, b"NaN"):
        with pytest.raises(ProofInvalid):
            aivcs.verify_proof(changed(proof, attached=attached), key())
    seal = bytes(32)
    with pytest.raises(ProofInvalid, match="not the one that was sealed"):
        aivcs.verify_proof(changed(proof, seal, b"{}"), key())
    from hashlib import sha256

    with pytest.raises(ProofInvalid, match="the closing record"):
        aivcs.verify_proof(changed(proof, sha256(b"x").digest(), b"x"), key())
    with pytest.raises(ProofInvalid, match="the closing record"):
        aivcs.verify_proof(changed(proof, sha256(b"[1]").digest(), b"[1]"), key())
    beyond = json.dumps(
        {"timestamp": 2**62, "recorded_at": 0, "salt": "00" * 16, "body": '{"spec_digest":""}'}
    )
    late = stored_leaf(
        leaf["seq"], leaf["kind"], 2**62, 0, '{"spec_digest":""}', None, bytes(16), None
    )
    of_it = json.dumps(
        {**leaf, "spec": "", "entry": late.hex()}, separators=(",", ":"), sort_keys=True
    )
    with pytest.raises(ProofInvalid, match="not a proof of aivcs"):
        aivcs.verify_proof(changed(proof, of_it.encode(), beyond.encode()), key())


def test_what_a_body_says_beside_does_not_speak_for_the_entry(
    signed: Repo, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    proof = signed.prove("helper")
    leaf, said = json.loads(proof.entry), json.loads(proof.attached)
    wrong = {"name": "bank", "seq": 99, "kind": "rollback", "created_at": "never"}
    body = {**json.loads(said["body"]), **wrong}
    body["metadata"] |= wrong
    said["body"] = json.dumps(body)
    times = said["timestamp"], said["recorded_at"]
    salt = bytes.fromhex(said["salt"])
    hashed = stored_leaf(leaf["seq"], leaf["kind"], *times, said["body"], None, salt, None)
    entry = canonical.dumps({**leaf, "entry": hashed.hex()})
    data = changed(proof, entry, json.dumps(said).encode())
    facts = aivcs.verify_proof(data, key()).facts
    assert (facts["name"], facts["seq"], facts["kind"]) == ("helper", 1, "promote")
    assert facts["created_at"] != "never"
    (tmp_path / "forged").write_bytes(data)
    assert main(["verify-proof", str(tmp_path / "forged"), "--key", key()]) == 0
    told = capfd.readouterr().out
    assert told.startswith("it holds: release helper@1 is entry 0")
    assert not re.search("bank|99|never|rollback", told)


def test_an_entry_of_one_log_proves_nothing_in_another(signed: Repo) -> None:
    run = signed.runs.list_runs()[0].run_id
    proof = signed.prove_run(run)
    assert aivcs.verify_proof(proof.data(), key("runs")).what == "run"
    with pytest.raises(ProofInvalid, match="the entry is one of another log"):
        aivcs.verify_proof(changed(proof), key())


def test_damaged_files_of_the_log_are_never_proved_from(signed: Repo) -> None:
    folder = signed._publishers["releases"].folder
    data = folder.read("tile/0/000") or b""
    folder.write("tile/0/000", data[:-1] + bytes([data[-1] ^ 1]), final=True)
    with pytest.raises(CorruptionError, match=r"tile/0/000"):
        signed.prove("agent", 3)
    signed.publish(rebuild=True)
    assert aivcs.verify_proof(signed.prove("agent", 3).data(), key()).index == 2
