from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.digest import Digest
from aivcs.domain.link import MOST_BYTES, Fact, Linked, added, read_line, read_note, seen
from aivcs.errors import InvalidInputError

SPEC = Digest.of(b"spec")
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
LOOKS = st.sampled_from([None, True, False])


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    what = draw(st.sampled_from(list(Linked)))
    spec = Digest.of(draw(st.binary(max_size=4)))
    if what is Linked.CHECKPOINT:
        return Fact(what, draw(TEXTS))
    if what is Linked.SPEC:
        return Fact(what, str(spec), spec, draw(st.none() | TEXTS), draw(LOOKS))
    if what is Linked.RELEASE:
        return Fact(what, draw(TEXTS), spec, None, draw(LOOKS))
    of = draw(st.none() | st.just(spec))
    return Fact(what, draw(TEXTS), of, draw(st.none() | TEXTS), draw(LOOKS))


@given(facts())
def test_a_fact_is_one_line_that_is_read_again(fact: Fact) -> None:
    line = fact.line()
    assert b"\n" not in line
    assert read_line(line) == fact


def test_lines_as_they_stand_in_a_note() -> None:
    assert Fact(Linked.SPEC, str(SPEC), SPEC, "bot", dirty=False).line() == (
        b'{"dirty":false,"name":"bot","spec":"%s"}' % str(SPEC).encode()
    )
    assert Fact(Linked.RELEASE, "bot@1", SPEC, "bot", dirty=True).line() == (
        b'{"dirty":true,"release":"bot@1","spec":"%s"}' % str(SPEC).encode()
    )
    assert Fact(Linked.RUN, "r", None, "bot").line() == b'{"dirty":null,"name":"bot","run":"r"}'
    assert Fact(Linked.CHECKPOINT, "a\n1\n").line() == b'{"checkpoint":"a\\n1\\n"}'


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"Reviewed-by: Grace",
        b"{}",
        b"[]",
        b'"spec"',
        b'{"dirty":false}',
        b'{"dirty":false,"spec":"short"}',
        b'{"dirty":false,"spec":7}',
        b'{"dirty":0,"spec":"%s"}' % str(SPEC).encode(),
        b'{"dirty":false,"name":1,"spec":"%s"}' % str(SPEC).encode(),
        b'{"dirty":false,"other":1,"spec":"%s"}' % str(SPEC).encode(),
        b'{"dirty": false, "spec": "%s"}' % str(SPEC).encode(),
        b'{"dirty":false,"spec":"sha256:%s"}' % str(SPEC).encode(),
        b'{"dirty":false,"release":"bot@1"}',
        b'{"dirty":false,"run":"r","spec":"x"}',
        b"\xff\xfe",
        b"[" * 5000,
        b'{"checkpoint":"' + b"x" * 9000 + b'"}',
    ],
)
def test_what_aivcs_did_not_write_is_no_fact(line: bytes) -> None:
    assert read_line(line) is None


@given(st.lists(facts(), max_size=5), st.lists(facts(), max_size=5), st.binary(max_size=60))
def test_adding_is_a_union_and_keeps_what_others_wrote(
    some: list[Fact], more: list[Fact], others: bytes
) -> None:
    first = added(others, some) or others
    both = added(first, more) or first
    lines = [line for line in both.split(b"\n") if line.strip()]
    assert {fact.line() for fact in [*some, *more]} <= set(lines)
    assert {line for line in others.split(b"\n") if line.strip()} <= set(lines)
    assert added(both, [*some, *more]) is None
    if both != others:
        assert lines == sorted(set(lines))
    read, _ = read_note(both)
    assert set(some) | set(more) <= set(read)


def test_a_note_does_not_grow_without_end() -> None:
    with pytest.raises(InvalidInputError, match="bytes long"):
        added(b"x" * MOST_BYTES, [Fact(Linked.RUN, "r")])


def test_lines_that_are_no_text_are_shown_as_escapes() -> None:
    assert read_note(b"\xff\n\n plain \n") == ([], ["\\xff", " plain "])


@pytest.mark.parametrize(
    ("looks", "dirty"),
    [
        ([], None),
        ([None], None),
        ([None, True], True),
        ([True, False], False),
        ([False, None], False),
    ],
)
def test_clean_once_is_enough(looks: list[bool | None], dirty: bool | None) -> None:
    assert seen(looks) is dirty
