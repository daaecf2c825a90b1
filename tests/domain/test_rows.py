"""Rows of many objects at once: as one by one, and the first that cannot be is named."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from aivcs.domain import rows
from aivcs.domain.digest import Digest
from aivcs.domain.stored import Block, Codec, Pack, Place, StoredObject
from aivcs.errors import CorruptionError

ONE, TWO = (sha256(data).digest() for data in (b"one", b"two"))
PACK = (sha256(b"pack").digest(), 9000, 2, 16, 100)
BLOCK = (124, 300, 500, *PACK)


def test_hot_rows() -> None:
    found: list[rows.Row] = [(ONE, 3, 0, b"one"), (TWO, 3, 1, b"packed")]
    assert rows.hot(found) == [
        StoredObject(Digest(ONE), 3, Codec.RAW, b"one"),
        StoredObject(Digest(TWO), 3, Codec.ZSTD, b"packed"),
    ]
    assert rows.hot(found) == [rows.stored(row) for row in found]
    assert rows.hot([]) == []


@pytest.mark.parametrize(
    "wrong",
    [
        (TWO[:31], 3, 0, b"two"),
        ("text", 3, 0, b"two"),
        (TWO, "3", 0, b"two"),
        (TWO, 3, 7, b"two"),
        (TWO, 3, "0", b"two"),
        (TWO, 3, 0, "two"),
    ],
)
def test_a_hot_row_that_cannot_be(wrong: tuple[Any, ...]) -> None:
    with pytest.raises(CorruptionError, match=r"the row of object .* cannot be"):
        rows.hot([(ONE, 3, 0, b"one"), wrong])


def test_sealed_rows() -> None:
    block = Block(Pack(Digest(PACK[0]), *PACK[1:]), 124, 300, 500)
    found: list[rows.Row] = [(ONE, 3, 12, 7), (TWO, 3, 15, 7)]
    assert rows.sealed(found, {7: BLOCK}) == [
        StoredObject(Digest(ONE), 3, Codec.ZSTD, None, Place(block, 12)),
        StoredObject(Digest(TWO), 3, Codec.ZSTD, None, Place(block, 15)),
    ]
    assert rows.sealed([], {}) == []


@pytest.mark.parametrize(
    ("wrong", "block"),
    [
        ((TWO[:31], 3, 15, 7), BLOCK),
        ((TWO, None, 15, 7), BLOCK),
        ((TWO, 3, "15", 7), BLOCK),
        ((TWO, 3, 15, 8), BLOCK),
        ((TWO, 3, 15, 7), (None, *BLOCK[1:])),
        ((TWO, 3, 15, 7), (*BLOCK[:3], *[None] * 5)),
    ],
)
def test_a_sealed_row_that_cannot_be(wrong: tuple[Any, ...], block: tuple[Any, ...]) -> None:
    with pytest.raises(CorruptionError, match=r"the row of object .* cannot be"):
        rows.sealed([wrong], {7: block})


@pytest.mark.parametrize("found", [None, "text", 7, b"short"])
def test_a_row_whose_digest_is_none(found: object) -> None:
    """A changed byte of a page can make any value of a column."""
    with pytest.raises(CorruptionError, match="cannot be"):
        rows.stored((found, 3, 0, b"abc", None))
