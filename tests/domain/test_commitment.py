from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.commitment import SALT_SIZE, commitment, entry_leaf, leaf_of, stored_leaf
from aivcs.domain.digest import Digest
from aivcs.domain.erasing import erased
from aivcs.domain.events import MAX_KIND, MAX_SEQ
from aivcs.domain.stream import Entry

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


@given(ENTRIES, st.binary(min_size=16, max_size=16), KINDS)
def test_a_stored_entry_has_the_leaf_of_its_commitment(
    entry: tuple[int, str, int, int, bytes], salt: bytes, body: str
) -> None:
    cells, digest = entry[:4], entry[4]
    inline = commitment(salt, hashlib.sha256(body.encode()).digest())
    assert stored_leaf(*cells, body, None, salt, None) == entry_leaf(*cells, inline)
    large = commitment(salt, digest)
    assert stored_leaf(*cells, None, digest, salt, None) == entry_leaf(*cells, large)
    for kept in (inline, large):
        assert stored_leaf(*cells, None, None, None, kept) == entry_leaf(*cells, kept)


@pytest.mark.parametrize(
    "cells",
    [
        (1, "k", 0, 0, None, None, bytes(16), None),
        (1, "k", 0, 0, "{}", bytes(32), bytes(16), None),
        (1, "k", 0, 0, "{}", None, None, None),
        (1, "k", 0, 0, "{}", None, None, bytes(32)),
        (1, "k", 0, 0, None, bytes(32), None, bytes(32)),
        (1, "k", 0, 0, None, None, bytes(16), bytes(32)),
        (-1, "k", 0, 0, "{}", None, bytes(16), None),
        (1, "k", 2**63, 0, "{}", None, bytes(16), None),
        (1, "k" * 2**16, 0, 0, "{}", None, bytes(16), None),
    ],
)
def test_what_no_entry_is(cells: Any) -> None:
    with pytest.raises(ValueError, match=r"one body|erased|no entry has"):
        stored_leaf(*cells)


def test_the_leaf_of_an_entry_that_was_read() -> None:
    when = datetime(1970, 1, 1, 0, 0, 0, 5, tzinfo=UTC)
    entry = Entry(3, "k", "{}", None, when, when, bytes(16))
    assert leaf_of(entry) == stored_leaf(3, "k", 5, 5, "{}", None, bytes(16), None)
    assert leaf_of(erased(entry)) == leaf_of(entry)
    assert erased(erased(entry)) == erased(entry)
    large = replace(entry, body=None, object=Digest(bytes(32)))
    assert leaf_of(large) == leaf_of(erased(large)) != leaf_of(entry)
