"""What can be attested of a release, and what cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.attestation import Kind
from aivcs.domain.note import KeyKind, Signer
from aivcs.domain.public_key import key_id
from aivcs.errors import (
    CorruptionError,
    IntegrityError,
    InvalidInputError,
    KeyNotFound,
    NothingToAttest,
    ReleaseNotFound,
    StorageError,
)
from aivcs.repo import keys as repo_keys
from aivcs.repo.attests import save_attestation, save_attestations
from aivcs.services.attesting import Attestor
from aivcs.testing.subject import add_spec, by
from tests.attesting.conftest import AGENT, KEY, ORIGIN, gated

if TYPE_CHECKING:
    from aivcs.domain.release import ReleaseRecord
    from aivcs.repo import Repo


def attestor(repo: Repo) -> Attestor:
    return Attestor(repo._ledger, repo.objects, repo.specs, KEY)


def resting(record: ReleaseRecord, *evidence: tuple[str, str]) -> ReleaseRecord:
    """Return a release whose verdict rests on other runs."""
    assert record.verdict is not None
    return replace(record, verdict=replace(record.verdict, evidence=evidence))


def test_a_release_that_no_gate_was_asked_for_has_no_verdict(repo: Repo) -> None:
    for prompt in ("one", "two"):
        repo.releases.promote(AGENT, add_spec(repo, prompt), by())
    repo.releases.rollback(AGENT, actor="ann")
    repo.releases.deprecate(AGENT, 2, actor="ann", reason="wrong")
    for seq, why in ((1, "no gate was asked"), (3, "a rollback asks"), (4, "a deprecate asks")):
        assert repo.attest(AGENT, seq).seq == seq
        for kind in ("test-result", "vsa"):
            said = f"support/prod@{seq} has no verdict, so there is no {kind}: {why}"
            with pytest.raises(NothingToAttest, match=said) as caught:
                repo.attest(AGENT, seq, kind)
            assert caught.value.hint is not None


def test_gates_that_read_no_evaluation_give_a_summary_only(repo: Repo) -> None:
    repo.releases.promote(AGENT, add_spec(repo), by("ada", "1.0.0"), require=["semver_format"])
    assert repo.attest(AGENT, kind="vsa").kind is Kind.VSA
    with pytest.raises(NothingToAttest, match="rests on no evaluation of its spec"):
        repo.attest(AGENT, kind="test-result")


def test_approvals_are_no_tests(repo: Repo) -> None:
    spec = add_spec(repo)
    repo.approvals.approve(spec, actor="grace")
    repo.releases.promote(AGENT, spec, by("ada"), require=["require_approval"])
    with pytest.raises(NothingToAttest, match="rests on no evaluation"):
        repo.attest(AGENT, kind="test-result")


def test_what_was_erased_is_not_attested_in_part(repo: Repo) -> None:
    record = gated(repo, "1 1")
    assert record.verdict is not None
    repo.runs.purge(record.verdict.evidence[0][0])
    with pytest.raises(NothingToAttest, match="were erased"):
        repo.attest(AGENT, kind="test-result")
    assert repo.attest(AGENT, kind="vsa").seq == 1


def test_a_run_that_is_gone_or_another_is_told(repo: Repo) -> None:
    record = gated(repo, "1 1")
    assert record.verdict is not None
    ((run, seal),) = record.verdict.evidence
    with pytest.raises(CorruptionError, match="run nowhere, on which the verdict rests, is not"):
        attestor(repo).attest(resting(record, ("nowhere", seal)), Kind.TEST_RESULT)
    with pytest.raises(IntegrityError, match=f"run {run} was sealed as 0000"):
        attestor(repo).attest(resting(record, (run, "0" * 64)), Kind.TEST_RESULT)


def test_without_a_key_nothing_is_attested(repo: Repo, key: Path) -> None:
    repo.releases.promote(AGENT, add_spec(repo), by())
    key.unlink()
    with pytest.raises(KeyNotFound, match=f"no key of {ORIGIN}, and an attestation") as caught:
        repo.attest(AGENT)
    assert caught.value.hint == f"'aivcs key create {ORIGIN}' makes one"
    repo._origin = None
    with pytest.raises(KeyNotFound, match="there is no key, and") as caught:
        repo.attest(AGENT)
    assert caught.value.hint == "'aivcs key create ORIGIN' makes one"


def test_another_key_may_be_named(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.releases.promote(AGENT, add_spec(repo), by())
    file = tmp_path / "key"
    monkeypatch.setenv("AIVCS_KEY", str(file))
    for kind in KeyKind:
        signer = Signer(ORIGIN, b"k" * 32, kind)
        file.write_text(signer.text())
        file.chmod(0o600)
        if kind is KeyKind.ED25519:
            (signature,) = repo.attest(AGENT).envelope.signatures
            assert signature.keyid == key_id(signer.verifier())
        else:
            with pytest.raises(InvalidInputError, match="is a witness's key"):
                repo.attest(AGENT)


def test_after_a_rotation_the_new_key_signs(repo: Repo) -> None:
    repo.releases.promote(AGENT, add_spec(repo), by())
    before = repo.attest(AGENT).envelope
    repo.rotate_key()
    after = repo.attest(AGENT).envelope
    assert before.payload == after.payload
    assert after.signatures[0].keyid == key_id(repo_keys.own(ORIGIN).verifier())
    assert before.signatures[0].keyid == key_id(KEY.verifier()) != after.signatures[0].keyid


def test_what_is_not_there_or_unknown_is_refused(repo: Repo) -> None:
    with pytest.raises(ReleaseNotFound):
        repo.attest(AGENT)
    repo.releases.promote(AGENT, add_spec(repo), by())
    with pytest.raises(ReleaseNotFound):
        repo.attest(AGENT, 2)
    with pytest.raises(InvalidInputError, match="unknown kind of attestation: 'slsa'"):
        repo.attest(AGENT, kind="slsa")


def test_saving(repo: Repo, tmp_path: Path) -> None:
    gated(repo, "1")
    found = [repo.attest(AGENT, kind=kind) for kind in Kind]
    folder = tmp_path / "a" / "b"
    paths = save_attestations(found, folder)
    names = [f"support%2Fprod@1.{kind}.json" for kind in ("release", "test-result", "vsa")]
    assert [path.name for path in paths] == names
    assert [path.read_bytes() for path in paths] == [one.data() for one in found]
    assert save_attestation(found[0], folder) == paths[0]
    assert save_attestation(found[0], tmp_path / "x.json").read_bytes() == found[0].data()
    with pytest.raises(StorageError):
        save_attestations(found, tmp_path / "x.json")
    with pytest.raises(StorageError):
        save_attestation(found[0], Path("/dev/null/x"))
