"""The proof file, and what it proves without a log."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain import base64text, log_proof
from aivcs.domain.checkpoint import SignedCheckpoint
from aivcs.domain.log_proof import HEADER, Proof
from aivcs.domain.tiles import MAX_ENTRY
from aivcs.errors import InvalidInputError, ProofInvalid
from tests.tlog.logs import KEY, NEW_KEY, NOW, ORIGIN, WITNESS, Log, entry

KEYS = [KEY.verifier()]
HASH = base64text.encode(bytes(32))


@pytest.fixture(scope="module")
def log() -> Log:
    return Log(300)


def test_the_file_is_as_the_specification_has_it(log: Log) -> None:
    proof = log.proof(299, attached=b"more")
    lines = proof.data().decode().split("\n")
    extra = base64text.decode(lines[1].removeprefix("extra "))
    assert (lines[0], lines[2]) == ("c2sp.org/tlog-proof@v1", "index 299")
    assert extra == bytes([0, len(entry(299))]) + entry(299) + b"more"
    blank = lines.index("")
    assert [base64text.decode(line) for line in lines[3:blank]] == log.tree().inclusion(299)
    assert "\n".join(lines[blank + 1 :]).encode() == log.head.signed(KEY).data()


@given(st.data())
def test_a_proof_is_read_as_it_was_written(log: Log, data: st.DataObject) -> None:
    signed = data.draw(st.sampled_from([log.head.signed(), log.head.signed(KEY)]))
    hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=63)
    path = tuple(data.draw(hashes))
    index = data.draw(st.integers(0, 2**63 - 1))
    proof = Proof(index, path, signed, data.draw(st.binary()), data.draw(st.binary()))
    assert Proof.parse(proof.data()) == proof


def test_what_it_proves(log: Log) -> None:
    for index in (0, 99, 255, 256, 299):
        data = log.proof(index, KEY, WITNESS, attached=b"more").data()
        proven = log_proof.verify(data, KEYS, [WITNESS.verifier()], ORIGIN)
        assert (proven.index, proven.entry, proven.attached) == (index, entry(index), b"more")
        assert proven.checkpoint == log.head
        assert [one.at for one in proven.signatures] == [None, NOW]


def test_without_keys_nobody_vouches(log: Log) -> None:
    unsigned = replace(log.proof(7), checkpoint=log.head.signed()).data()
    assert log_proof.verify(unsigned, None).signatures == ()
    with pytest.raises(ProofInvalid, match="nobody has signed it"):
        log_proof.verify(unsigned, KEYS)
    with pytest.raises(ProofInvalid, match="no known key has signed it"):
        log_proof.verify(log.proof(7).data(), [])


def test_a_proof_of_something_else_is_refused(log: Log) -> None:
    proof = log.proof(7)
    other = Log(299).head.signed(KEY)
    wrong = [
        replace(proof, index=8),
        replace(proof, index=300),
        replace(proof, entry=entry(8)),
        replace(proof, path=proof.path[:-1]),
        replace(proof, path=(*proof.path, bytes(32))),
        replace(proof, path=proof.path[::-1]),
        replace(proof, checkpoint=other),
    ]
    for one in wrong:
        with pytest.raises(ProofInvalid, match=f"the log {ORIGIN} of .* has not this entry at"):
            log_proof.verify(one.data(), KEYS)
    with pytest.raises(ProofInvalid, match="no known key has signed it"):
        log_proof.verify(proof.data(), [NEW_KEY.verifier()])
    with pytest.raises(ProofInvalid, match=r"not of example.com/runs"):
        log_proof.verify(proof.data(), KEYS, origin="example.com/runs")


def _with(**lines: str) -> bytes:
    said = {"header": HEADER, "extra": "extra AAA=", "index": "index 0", "path": HASH} | lines
    return "\n".join([line for line in said.values() if line] + ["", "a\n1\n"]).encode()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "it does not begin with c2sp.org"),
        (_with(header="c2sp.org/tlog-proof@v2"), "it does not begin with"),
        (_with(header=HEADER + " "), "it does not begin with"),
        (_with(header="é"), "byte 0 is not ASCII"),
        (HEADER.encode(), "it has no extra data"),
        (_with(extra=""), "it has no extra data"),
        (_with(extra="extra"), "it has no extra data"),
        (_with(extra="extra AAA"), "the extra data: it is not base 64"),
        (_with(extra="extra AAB="), "the extra data: it is not base 64"),
        (_with(extra="extra "), "its entry is cut off"),
        (_with(extra="extra AA=="), "its entry is cut off"),
        (_with(extra="extra AAE="), "its entry is cut off"),
        (_with(index=""), "it has no index"),
        (_with(index="index 01"), "it has no index"),
        (_with(index="index -1"), "it has no index"),
        (_with(index="index 9223372036854775808"), "it has no index"),
        (f"{HEADER}\nextra AAA=".encode(), "it has no index"),
        (_with(path=HASH.replace("=", "")), "hash 0 of the path: it is not base 64"),
        (_with(path="AAAA"), "a hash of its path has not 32 bytes"),
        (_with(path="\n".join([HASH] * 64)), "its path has 64 hashes, over 63"),
        (_with().partition(b"\n\n")[0], "it has no checkpoint"),
    ],
)
def test_what_is_no_proof(data: bytes, what: str) -> None:
    with pytest.raises(ProofInvalid, match=f"not a proof: {what}") as caught:
        Proof.parse(data)
    assert caught.value.hint


def test_its_checkpoint_is_read_strictly() -> None:
    with pytest.raises(ProofInvalid, match="not a checkpoint"):
        Proof.parse(_with())
    with pytest.raises(ProofInvalid, match="not a signed note"):
        Proof.parse(_with() + b"\n\n")


def test_an_entry_that_is_too_long_is_refused(log: Log) -> None:
    with pytest.raises(InvalidInputError, match="an entry of 65536 bytes"):
        replace(log.proof(0), entry=bytes(MAX_ENTRY + 1)).data()


def test_it_is_small_and_quick_in_a_large_log() -> None:
    path = tuple(bytes([number]) * 32 for number in range(20))
    signed = SignedCheckpoint.parse(Log(3).head.signed(KEY, WITNESS, at=NOW).data())
    proof = Proof(500_000, path, signed, bytes(400), bytes(1200))
    assert len(proof.data()) <= 4096
    data = Log(300).proof(150, KEY, attached=bytes(1200)).data()
    log_proof.verify(data, KEYS)
    spent = []
    for _ in range(20):
        before = time.process_time()
        log_proof.verify(data, KEYS)
        spent.append(time.process_time() - before)
    assert min(spent) <= 0.005
