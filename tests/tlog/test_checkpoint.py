"""Checkpoints: their text, who signed them, and whether a log grew."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.checkpoint import (
    MAX_SIZE,
    Checkpoint,
    SignedCheckpoint,
    check_growth,
    check_origin,
)
from aivcs.domain.merkle import EMPTY_ROOT
from aivcs.errors import InvalidInputError, ProofInvalid
from tests.tlog.logs import KEY, NEW_KEY, NOW, ORIGIN, WITNESS, Log

# The example of the specification.
EXAMPLE = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
WITNESSED = (
    f"{EXAMPLE}\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
    "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJs"
    "X3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
LINES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


def test_the_example_of_the_specification() -> None:
    checkpoint = Checkpoint.parse(EXAMPLE)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root.hex().startswith("0ac5186a91863e8e")
    assert checkpoint.text() == EXAMPLE
    signed = SignedCheckpoint.parse(WITNESSED.encode())
    assert signed.checkpoint == checkpoint
    assert signed.data() == WITNESSED.encode()
    log, witness = signed.note.signatures
    assert (len(log.data), len(witness.data)) == (64, 72)
    assert int.from_bytes(witness.data[:8], "big") == 1679315147


@given(LINES, st.integers(1, MAX_SIZE), st.binary(min_size=32, max_size=32), st.lists(LINES))
def test_a_checkpoint_is_read_as_it_was_written(
    origin: str, size: int, root: bytes, extensions: list[str]
) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert Checkpoint.parse(checkpoint.text()) == checkpoint
    for signed in (checkpoint.signed(), checkpoint.signed(KEY, WITNESS, at=NOW)):
        assert SignedCheckpoint.parse(signed.data()) == signed


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "it must have a line each"),
        (EXAMPLE[:-1], "it must have a line each"),
        ("a\n1\n", "it must have a line each"),
        (EXAMPLE.replace("20852163", "020852163"), "'020852163' is not a size"),
        (EXAMPLE.replace("20852163", "-1"), "'-1' is not a size"),
        (EXAMPLE.replace("20852163", ""), "'' is not a size"),
        (EXAMPLE.replace("20852163", "٣"), "is not a size"),
        (EXAMPLE.replace("20852163", "1_0"), "is not a size"),
        (EXAMPLE.replace("20852163", str(MAX_SIZE + 1)), "no log has 9223372036854775808 entries"),
        (EXAMPLE.replace("20852163", "0"), "is empty, and its root is not"),
        (EXAMPLE.replace("xq2I=", "xq2J="), "the root is wrong: it is not base 64"),
        (EXAMPLE.replace("CsUY", ""), "a root of 29 bytes"),
        (EXAMPLE[27:], "'' is not a size|not a line of a checkpoint"),
        ("\n1\n" + EXAMPLE.split("\n")[2] + "\n", "not a line of a checkpoint: ''"),
        (EXAMPLE + "\n", "it must have a line each|not a line of a checkpoint: ''"),
        (EXAMPLE.replace("sofa", "so\0fa"), "not a line of a checkpoint"),
    ],
)
def test_what_is_no_checkpoint(text: str, what: str) -> None:
    with pytest.raises(ProofInvalid, match=f"not a checkpoint: .*({what})"):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [
        ("", 1, bytes(32)),
        ("a\nb", 1, bytes(32)),
        ("\ud800", 1, bytes(32)),
        ("a", -1, bytes(32)),
        ("a", MAX_SIZE + 1, bytes(32)),
        ("a", 1, bytes(31)),
        ("a", 0, bytes(32)),
    ],
)
def test_values_that_no_log_has(origin: str, size: int, root: bytes) -> None:
    with pytest.raises(InvalidInputError):
        Checkpoint(origin, size, root)
    assert Checkpoint("a", 0, EMPTY_ROOT).text().startswith("a\n0\n47DEQpj8HBSa")


def test_a_file_that_is_no_checkpoint() -> None:
    for data in (b"\xff\n1\n", EXAMPLE.encode() + b"\n", b"\n\n"):
        with pytest.raises(ProofInvalid, match=r"not a (checkpoint|signed note)"):
            SignedCheckpoint.parse(data)


def test_without_signatures_it_is_the_text_alone_and_verifies_under_no_key() -> None:
    unsigned = Log(3).head.signed()
    assert unsigned.data().decode() == unsigned.checkpoint.text()
    with pytest.raises(ProofInvalid, match="nobody has signed it"):
        unsigned.verified([KEY.verifier()])


def test_the_log_itself_must_have_signed() -> None:
    head = Log(3).head
    key, witness = KEY.verifier(), WITNESS.verifier()
    signed = head.signed(KEY, WITNESS, at=NOW)
    assert [one.key for one in signed.verified([key], origin=ORIGIN)] == [key]
    assert [one.key for one in signed.verified([key], [witness])] == [key, witness]
    assert [one.at for one in signed.verified([key], [witness])] == [None, NOW]
    with pytest.raises(ProofInvalid, match=f"witnesses signed the checkpoint of {ORIGIN}, the log"):
        head.signed(WITNESS, at=NOW).verified([key], [witness])
    with pytest.raises(ProofInvalid, match="no known key has signed it"):
        signed.verified([NEW_KEY.verifier()])


def test_a_checkpoint_of_another_log_is_refused() -> None:
    signed = Log(3).head.signed(KEY)
    with pytest.raises(ProofInvalid, match=f"is of the log {ORIGIN}, not of example.com/runs"):
        signed.verified([KEY.verifier()], origin="example.com/runs")
    check_origin(signed.checkpoint, None)


def test_growth_is_shown_by_a_path() -> None:
    log = Log()
    heads = [log.head]
    for size in (1, 2, 5, 256, 300):
        log.grow(size)
        heads.append(log.head)
    tree = log.tree()
    for old in heads:
        check_growth(old, log.head, tree.consistency(old.size))


def test_a_log_that_did_not_grow_is_refused() -> None:
    old, new = Log(5).head, Log(300).head
    path = Log(300).tree().consistency(5)
    forged = Checkpoint(ORIGIN, 5, bytes(32))
    for before, way in ((forged, path), (old, []), (old, path[:-1]), (old, [*path, bytes(32)])):
        with pytest.raises(ProofInvalid, match=f"the first 5 entries of the log {ORIGIN} are no"):
            check_growth(before, new, way)
    with pytest.raises(ProofInvalid, match="had 300 entries and has 5"):
        check_growth(new, old, [])
    with pytest.raises(ProofInvalid, match=f"is of the log other, not of {ORIGIN}"):
        check_growth(Checkpoint("other", 5, old.root), new, path)
