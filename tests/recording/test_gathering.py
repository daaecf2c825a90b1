from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.adapters.command.events_file import LONGEST_LINE
from aivcs.domain import jsontext
from aivcs.services.gathering import LONGEST, Gathering, readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aivcs.domain.canonical import Json

STREAMS = ("stdout", "stderr")


def raw(payload: Mapping[str, Json]) -> bytes:
    if "text" in payload:
        return str(payload["text"]).encode()
    return b64decode(str(payload["base64"]))


def gathered(writes: Iterable[tuple[str, bytes] | None]) -> list[dict[str, Json]]:
    gathering = Gathering()
    payloads: list[dict[str, Json]] = []
    for write in writes:
        payloads += gathering.take() if write is None else gathering.add(*write)
    return [*payloads, *gathering.finish()]


writes_of_bytes = st.lists(st.none() | st.tuples(st.sampled_from(STREAMS), st.binary(max_size=9)))


@given(writes_of_bytes)
def test_every_byte_is_kept_in_the_order_of_its_stream(
    writes: list[tuple[str, bytes] | None],
) -> None:
    payloads = gathered(writes)
    for stream in STREAMS:
        wanted = b"".join(write[1] for write in writes if write and write[0] == stream)
        assert b"".join(raw(p) for p in payloads if p["stream"] == stream) == wanted


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs"])), st.lists(st.integers(1, 5)), st.data()
)
def test_text_stays_text_wherever_it_is_cut(
    text: str, sizes: list[int], data: st.DataObject
) -> None:
    rest = text.encode()
    writes: list[tuple[str, bytes] | None] = []
    for size in sizes:
        writes.append(("stdout", rest[:size]))
        rest = rest[size:]
        writes += data.draw(st.sampled_from([[], [None], [("stderr", b"e")]]))
    payloads = gathered([*writes, ("stdout", rest)])
    assert "".join(str(p["text"]) for p in payloads if p["stream"] == "stdout") == text


def test_consecutive_output_becomes_one_payload() -> None:
    assert gathered([("stdout", b"a"), ("stdout", b"b\n")]) == [
        {"stream": "stdout", "text": "ab\n"}
    ]


def test_a_change_of_stream_keeps_the_order() -> None:
    payloads = gathered([("stdout", b"a"), ("stderr", b"b"), ("stdout", b"c")])
    assert [raw(p) for p in payloads] == [b"a", b"b", b"c"]


def test_long_output_is_cut_at_the_end_of_a_line() -> None:
    line = b"x" * 999 + b"\n"
    payloads = gathered([("stdout", line * 200)])
    assert all(len(raw(p)) % 1000 == 0 and len(raw(p)) <= LONGEST for p in payloads)
    assert len(payloads) == 4


def test_long_output_without_lines_is_cut_between_characters() -> None:
    text = "a" + "\N{EURO SIGN}" * LONGEST
    payloads = gathered([("stdout", text.encode())])
    assert "".join(str(p["text"]) for p in payloads) == text
    assert max(len(raw(p)) for p in payloads) <= LONGEST


def test_a_character_that_never_ends_is_kept_as_bytes() -> None:
    payloads = gathered([("stdout", b"ok \xe2\x82"), None])
    assert payloads == [
        {"stream": "stdout", "text": "ok "},
        {"stream": "stdout", "base64": "4oI="},
    ]


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"", "text"),
        (b"tab\tand\r\nlines\n", "text"),
        (b"\x1b[1mbold\x1b[0m", "text"),
        (b"\x1b[m\x1b[K", "text"),
        (b"\0\0\0", "base64"),
        (b"a\0b\0", "base64"),
        (b"\xff", "base64"),
    ],
)
def test_text_is_what_reads_as_text(data: bytes, form: str) -> None:
    assert list(readable(data)) == [form]
    assert raw({"stream": "", **readable(data)}) == data


@pytest.mark.parametrize("unit", [b"\0", b'\0""', b'\0\0"', b"\xe2\x82\xac", b"\xff"])
def test_the_longest_line_fits_into_a_body(unit: bytes) -> None:
    longest = unit * ((LONGEST_LINE + LONGEST) // len(unit))
    assert len(jsontext.encode(readable(longest))) < jsontext.MAX_BODY - LONGEST
