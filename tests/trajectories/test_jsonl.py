from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain import jsontext
from aivcs.domain.run import RunStatus
from aivcs.errors import InvalidEvent, InvalidSource
from aivcs.trajectories import read
from aivcs.trajectories.jsonl import read_event_line

GOOD = '{"kind": "note"}'
BAD_LINES: list[tuple[str, str]] = [
    ("{}", "the kind is missing"),
    ('{"payload": {}}', "the kind is missing"),
    ('{"kind": ""}', "not an event kind"),
    ('{"kind": " "}', "not an event kind"),
    ('{"kind": 5}', "not an event kind"),
    ('{"kind": null}', "not an event kind"),
    ('{"kind": "\\ud800"}', "not an event kind"),
    ('{"kind": "x", "seq": 0}', "not an event seq"),
    ('{"kind": "x", "seq": "1"}', "not an event seq"),
    ('{"kind": "x", "seq": true}', "not an event seq"),
    ('{"kind": "x", "timestamp": "now"}', "not a timestamp"),
    ('{"kind": "x", "timestamp": 5}', "not a timestamp"),
    ('{"kind": "x", "timestamp": "2026-01-01T00:00:00"}', "not a timestamp"),
    ('{"kind": "x", "timestamp": "0001-01-01T00:00:00+23:59"}', "not a timestamp"),
    ('{"kind": "x", "data": 1}', "unknown key 'data'"),
    ("[1]", "not an object but list"),
    ('"text"', "not an object but str"),
    ("{", "is not JSON"),
    ("kind: x", "is not JSON"),
    ('{"kind": "x", "payload": NaN}', "NaN is not a finite number"),
    ('{"kind": "x", "payload": 1e999}', "1e999 is not a finite number"),
    ('{"kind": "x", "payload": ' + "9" * 5000 + "}", "is not JSON"),
    ('{"kind": "x", "payload": ' + "[" * 100_000, "nested too deeply"),
]


def test_lines_become_the_events_of_one_run() -> None:
    text = (
        '{"kind": "note"}\r\n'
        "\n"
        '{"seq": 7, "kind": "x", "payload": [1], "timestamp": "2026-01-01T01:00:00+01:00"}\n'
        '{"kind": "y", "payload": {"a": null}, "timestamp": null, "seq": null}'
    )
    (run,) = read(text.encode())
    first, second, third = run.events
    assert (first.kind, first.payload, first.seq, first.timestamp) == ("note", {}, None, None)
    assert (second.seq, second.payload) == (7, [1])
    assert second.timestamp == datetime(2026, 1, 1, tzinfo=UTC)
    assert third.payload == {"a": None}
    assert (run.format, run.agent, run.index) == ("jsonl", "agent", 0)
    assert run.status is RunStatus.COMPLETED
    assert (run.tags, run.spec, run.warnings) == ({}, None, ())
    assert run.started_at == run.ended_at == second.timestamp


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    (run,) = read(b"\xef\xbb\xbf" + GOOD.encode())
    assert run.events[0].kind == "note"
    assert read_event_line(b"\xef\xbb\xbf" + GOOD.encode()).kind == "note"


def test_a_line_separator_inside_a_text_ends_no_line() -> None:
    (run,) = read('{"kind": "x", "payload": "a\u2028b"}'.encode())
    assert run.events[0].payload == "a\u2028b"


@pytest.mark.parametrize(("line", "message"), BAD_LINES)
def test_a_bad_line_is_named(line: str, message: str) -> None:
    with pytest.raises(InvalidSource, match=message) as caught:
        read(f"{GOOD}\n\n{line}\n{GOOD}\n".encode(), name="events.jsonl")
    assert caught.value.message.startswith("line 3 of events.jsonl")
    assert caught.value.hint


@pytest.mark.parametrize(("line", "message"), BAD_LINES)
def test_a_bad_line_alone_is_refused_too(line: str, message: str) -> None:
    with pytest.raises((InvalidSource, InvalidEvent), match=message):
        read_event_line(line)
    with pytest.raises(InvalidSource, match=r"line 1 of|sample is not JSON"):
        read(line.encode(), "jsonl", name="sample")


def test_a_last_line_that_was_cut_off_is_named() -> None:
    with pytest.raises(InvalidSource, match=r"^line 2 of input is not JSON") as caught:
        read(f'{GOOD}\n{{"kind": "no'.encode())
    assert "cut off" in str(caught.value.hint)


def test_a_value_the_encoder_could_not_write_is_no_event() -> None:
    depths = [depth for depth in range(300, 1100, 20) if _writable(depth) is False]
    assert depths
    assert all(_writable(depth) for depth in range(300, min(depths), 20))


def _writable(depth: int) -> bool:
    line = '{"kind": "x", "payload": ' + "[" * depth + "]" * depth + "}"
    try:
        jsontext.encode(read_event_line(line).payload)
    except (InvalidEvent, InvalidSource):
        return False
    return True


@pytest.mark.parametrize("line", [b"\xff", b'{"kind": "\xe9"}', b'{"kind": "a\0b"}'])
def test_a_line_of_other_bytes_is_refused(line: bytes) -> None:
    with pytest.raises(InvalidSource, match="line 1 of the event line"):
        read_event_line(line)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(kind=st.text(min_size=1).filter(str.strip).map(lambda kind: "k" + kind[:50]), payload=JSON)
def test_what_is_written_is_read(kind: str, payload: Any) -> None:
    kind = kind.replace("\0", "0")
    line = jsontext.encode({"kind": kind, "payload": payload})
    event = read_event_line(line.encode())
    assert (event.kind, event.payload) == (kind, payload)
    (run,) = read(line.encode())
    assert run.events == (event,)
