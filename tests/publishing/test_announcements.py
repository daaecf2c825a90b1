"""A key that somebody else would like to announce."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import aivcs
from aivcs.domain import canonical
from aivcs.domain.batch import Batch
from aivcs.domain.key_rotation import announcement, read_announcement
from aivcs.domain.log_proof import Proof
from aivcs.domain.merkle import leaf_hash
from aivcs.domain.note import Note, Signer
from aivcs.domain.report import Severity
from aivcs.errors import ProofInvalid
from aivcs.repo import keys as repo_keys
from tests.publishing.conftest import KEY, ORIGIN, OTHER
from tests.publishing.subject import promote

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.repo import Repo

LOG = f"{ORIGIN}/releases"
EVE = Signer(LOG, bytes(range(1, 33)))
MINE = Signer(LOG, KEY.seed)
THEIRS = Signer(LOG, OTHER.seed)


def entry(text: str, *signers: Signer) -> bytes:
    note = Note(text).signed(*signers).data().decode()
    return canonical.dumps({"v": 1, "type": "key", "note": note})


def text(origin: str = LOG, old: Signer = MINE, new: Signer = EVE) -> str:
    return f"key rotation v1\n{origin}\n{old.verifier().text()}\n{new.verifier().text()}\n"


@pytest.fixture
def signed(repo: Repo) -> Repo:
    """Return a repository with a key and a release."""
    repo.name_logs(ORIGIN)
    repo_keys.keyring().create(KEY)
    promote(repo)
    return repo


def announce(repo: Repo, data: bytes) -> list[tuple[str, Severity]]:
    """Put an announcement into the log as somebody who can write the ledger; return problems."""
    repo._ledger.commit(Batch(announcements=(data.decode(),)))
    repo.publish()
    found = repo.verify(objects=False).problems
    assert {one.id for one in found} <= {"log/releases"}
    return [(one.detail, one.severity) for one in found]


def test_what_both_keys_have_signed_is_read() -> None:
    found = read_announcement(announcement(LOG, MINE, EVE))
    assert found == (LOG, MINE.verifier(), EVE.verifier())


FORGED: list[Callable[[], bytes]] = [
    lambda: entry(text(), EVE),
    lambda: entry(text(), MINE),
    lambda: entry(text().replace("v1", "v2"), MINE, EVE),
    lambda: entry("key rotation v1\n", EVE),
    lambda: entry(text(origin="example.org/releases"), MINE, EVE),
    lambda: canonical.dumps({"note": "hello", "type": "key", "v": 1}),
    lambda: announcement(LOG, MINE, EVE) + b" ",
]


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_announcement_is_named_and_not_shown(
    signed: Repo, forged: Callable[[], bytes]
) -> None:
    ((said, severity),) = announce(signed, forged())
    assert said.startswith("entry 1: ")
    assert severity is Severity.ERROR
    tree = signed._publishers["releases"].publish()
    assert tree is not None
    leaf = signed._publishers["releases"].leaves.page(0, 1)[0]
    path = (leaf_hash(leaf),)
    proof = Proof(1, path, tree.checkpoint, forged())
    with pytest.raises(ProofInvalid):
        aivcs.verify_proof(proof.data(), MINE.verifier().text())


def test_a_key_that_does_not_follow_is_named(signed: Repo) -> None:
    assert announce(signed, announcement(LOG, MINE, THEIRS)) == []
    ((said, severity),) = announce(signed, announcement(LOG, EVE, THEIRS))
    assert said.startswith(f"entry 2 goes over from the key {EVE.verifier().text()}")
    assert severity is Severity.ERROR


def test_a_key_that_signs_and_was_not_announced_is_named(signed: Repo) -> None:
    ((said, severity),) = announce(signed, announcement(LOG, EVE, THEIRS))
    assert said.endswith(f"and {MINE.verifier().text()} signs it")
    assert severity is Severity.WARNING


def test_an_announcement_is_of_its_own_log(signed: Repo) -> None:
    signer = Signer("example.org/releases", bytes(range(2, 34)))
    other = announcement(signer.name, signer, Signer(signer.name, bytes(range(3, 35))))
    assert announce(signed, other) == []
    leaf = signed._publishers["releases"].leaves.page(0, 1)[0]
    tree = signed._publishers["releases"].publish()
    assert tree is not None
    proof = Proof(1, (leaf_hash(leaf),), tree.checkpoint, other)
    with pytest.raises(ProofInvalid, match="the entry is one of another log"):
        aivcs.verify_proof(proof.data(), MINE.verifier().text())
