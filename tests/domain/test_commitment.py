from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.commitment import SALT_SIZE, commitment, entry_leaf
from aivcs.domain.events import MAX_KIND, MAX_SEQ

TIMES = st.integers(-(2**63), 2**63 - 1)
KINDS = st.text(st.characters(codec="utf-8"), max_size=MAX_KIND)
ENTRIES = st.tuples(
    st.integers(1, MAX_SEQ), KINDS, TIMES, TIMES, st.binary(min_size=32, max_size=32)
)


def test_a_commitment_worked_out_by_hand() -> None:
    salt = bytes(range(SALT_SIZE))
    body = hashlib.sha256(b'{"a":1}').digest()
    expected = "e98748702af84f620fac8a25fa822775fc6e018160bc28ae661c6f7874c91f2f"
    assert commitment(salt, body).hex() == expected


def test_a_leaf_worked_out_by_hand() -> None:
    data = (
        b"\0"
        b"\0\0\0\0\0\0\0\7"
        b"\0\0\0\0\0\0\0\1"
        b"\xff\xff\xff\xff\xff\xff\xff\xff"
        b"\0\3"
        b"\xc3\xbcb" + bytes(32)
    )
    assert entry_leaf(7, "üb", 1, -1, bytes(32)) == hashlib.sha256(data).digest()


@given(ENTRIES, ENTRIES)
def test_a_leaf_says_everything_of_an_entry(
    one: tuple[int, str, int, int, bytes], other: tuple[int, str, int, int, bytes]
) -> None:
    assert (entry_leaf(*one) == entry_leaf(*other)) == (one == other)


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_equal_bodies_have_commitments_of_their_own(one: bytes, other: bytes) -> None:
    body = hashlib.sha256(b"{}").digest()
    assert (commitment(one, body) == commitment(other, body)) == (one == other)
