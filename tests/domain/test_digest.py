from __future__ import annotations

import hashlib
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.digest import Digest
from aivcs.errors import InvalidDigest

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
HEX = st.text("0123456789abcdefABCDEF", min_size=64, max_size=64)


def test_known_answers() -> None:
    assert str(Digest.of(b"")) == EMPTY
    state = Digest.of(b'{"step": 1, "value": "test"}')
    assert str(state) == "5f9f952875271bb5028e3e7423f1fa131d8cde5cebc8722f3ba4e8977bfebc8a"
    assert state.short() == "5f9f95287527"
    assert repr(state) == f"Digest('{state}')"


@given(st.binary())
def test_it_is_sha256_without_a_header(data: bytes) -> None:
    digest = Digest.of(data)
    assert str(digest) == hashlib.sha256(data).hexdigest()
    assert digest == Digest.of(bytearray(data)) == Digest.of(memoryview(data))
    assert Digest(digest.raw) == digest
    assert hash(Digest(digest.raw)) == hash(digest)


@given(HEX)
def test_parsing_takes_any_case_and_a_prefix(text: str) -> None:
    digest = Digest.parse(text)
    assert str(digest) == text.lower()
    assert Digest.parse(f"sha256:{text}") == digest
    assert Digest.parse(digest) is digest


@pytest.mark.parametrize(
    "text",
    [
        "",
        EMPTY[:-1],
        EMPTY + "0",
        EMPTY[:-1] + "g",
        f" {EMPTY}",
        f"{EMPTY}\n",
        f"SHA256:{EMPTY}",
        f"sha256:sha256:{EMPTY}",
        f"sha512:{EMPTY}",
        EMPTY[:12],
        EMPTY[:-1] + "\N{ARABIC-INDIC DIGIT ONE}",
        None,
        int("1" * 64),
        EMPTY.encode(),
    ],
)
def test_everything_else_is_refused(text: object) -> None:
    with pytest.raises(InvalidDigest, match="not a SHA-256 digest") as caught:
        Digest.parse(text)
    assert caught.value.hint is not None


@pytest.mark.parametrize("raw", [b"", b"x" * 31, b"x" * 33, "x" * 32, bytearray(32), None])
def test_a_digest_is_32_bytes(raw: bytes) -> None:
    with pytest.raises(InvalidDigest, match="32 bytes"):
        Digest(raw)


@given(st.lists(st.binary(min_size=32, max_size=32)))
def test_digests_sort_as_their_text(raws: list[bytes]) -> None:
    digests = [Digest(raw) for raw in raws]
    assert [str(digest) for digest in sorted(digests)] == sorted(map(str, digests))


@pytest.mark.parametrize("text", ["ab " * 21 + "a", " " * 64, "0" * 62 + "  ", "é" * 64, "g" * 64])
def test_as_long_as_a_digest_and_none(text: str) -> None:
    assert len(text) == 64
    with pytest.raises(InvalidDigest):
        Digest.parse(text)


def test_many_are_read_as_each_is() -> None:
    texts = [Digest.of(b"%d" % n) for n in range(3)]
    plain, prefixed = [str(one) for one in texts], [f"sha256:{one}".lower() for one in texts]
    assert Digest.parse_all(plain) == Digest.parse_all(prefixed) == texts
    assert Digest.parse_all([*plain, *prefixed, *texts]) == texts * 3
    assert Digest.parse_all([plain[0].upper()]) == texts[:1]
    assert Digest.parse_all([]) == []
    assert all(type(one) is Digest for one in Digest.parse_all(plain))


@pytest.mark.parametrize(
    "text",
    ["", EMPTY[:-1], EMPTY + "0", EMPTY[:-1] + "g", EMPTY[:-2] + "  ", f" {EMPTY}", EMPTY * 2],
)
def test_many_with_one_that_is_none(text: str) -> None:
    with pytest.raises(InvalidDigest, match=re.escape(repr(text))):
        Digest.parse_all([EMPTY, text, EMPTY])


@pytest.mark.parametrize("raw", [b"", b"x" * 31, bytearray(32), None])
def test_of_many_each_is_32_bytes(raw: bytes) -> None:
    good = hashlib.sha256(b"").digest()
    assert Digest.of_raw([good]) == [Digest(good)]
    with pytest.raises(InvalidDigest, match="32 bytes"):
        Digest.of_raw([good, raw])


def test_it_cannot_be_changed_and_goes_to_another_process() -> None:
    digest = Digest.of(b"")
    with pytest.raises(AttributeError):
        digest.raw = b"x" * 32  # type: ignore[misc]
    copy = pickle.loads(pickle.dumps(digest))  # noqa: S301 - our own bytes
    assert copy == digest
    assert type(copy) is Digest
