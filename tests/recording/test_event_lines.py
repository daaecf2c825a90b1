from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from tests.recording.conftest import Bench, Recorded

WAITING = """
import os, sys, time, aivcs

def wait_for(test):
    deadline = time.monotonic() + 30
    with aivcs.open() as repo:
        while not test(repo.runs.get_events(os.environ["AIVCS_RUN_ID"])):
            if time.monotonic() > deadline:
                sys.exit(9)

def note(line, mode="a"):
    with open(os.environ["AIVCS_EVENTS"], mode) as file:
        file.write(line)
"""


def refused(seen: Recorded) -> list[dict[str, object]]:
    found = [p for p in seen.payloads("custom") if p["event_type"] == "invalid_event_line"]
    return [payload["data"] for payload in found]


def test_events_are_durable_while_the_command_runs(bench: Bench) -> None:
    script = """
note('{"kind": "note", "payload": {"n": 1}}\\n')
wait_for(lambda events: any(event.kind == "note" for event in events))
print("printed", flush=True)
wait_for(lambda events: any(event.kind == "output" for event in events))
"""
    seen = bench.python(WAITING + script)
    assert seen.exit_status == 0, seen.err
    assert seen.kinds() == ["command_started", "note", "output", "command_exited"]


def test_an_event_noted_before_output_comes_first(bench: Bench) -> None:
    script = 'echo \'{"kind": "a"}\' >> "$AIVCS_EVENTS"; echo x'
    assert bench.shell(script).kinds()[1:3] == ["a", "output"]


def test_the_command_may_append_by_itself(bench: Bench) -> None:
    script = """
from aivcs import RunEvent
with aivcs.open() as repo:
    repo.runs.append_event(os.environ["AIVCS_RUN_ID"], RunEvent(None, "own", {"by": "itself"}))
"""
    seen = bench.python(WAITING + script)
    assert seen.payloads("own") == [{"by": "itself"}]
    assert seen.run.status == "COMPLETED"


def test_the_last_line_needs_no_end_and_blank_lines_are_nothing(bench: Bench) -> None:
    seen = bench.shell("""printf '{"kind": "a"}\r\n\n  \n{"kind": "b"}' >> "$AIVCS_EVENTS" """)
    assert seen.kinds()[1:-1] == ["a", "b"]
    assert seen.warnings == []


def test_a_file_that_is_overwritten_is_read_again(bench: Bench) -> None:
    script = """
note('{"kind": "first", "payload": "long"}\\n', "w")
wait_for(lambda events: any(event.kind == "first" for event in events))
note('{"kind": "second"}\\n', "w")
"""
    seen = bench.python(WAITING + script)
    assert seen.kinds()[1:-1] == ["first", "second"]


def test_timestamp_and_payload_are_kept(bench: Bench) -> None:
    line = {"kind": "a", "payload": [1, {"x": None}], "timestamp": "2026-02-03T04:05:06+01:00"}
    seen = bench.shell(f"""echo '{json.dumps(line)}' >> "$AIVCS_EVENTS" """)
    event = seen.events[1]
    assert event.payload == [1, {"x": None}]
    assert event.timestamp == datetime(2026, 2, 3, 3, 5, 6, tzinfo=UTC)


def test_bad_lines_are_kept_and_named(bench: Bench) -> None:
    bad = [
        b"no json",
        b"\xff\xfe",
        b"[1]",
        b'{"payload": {}}',
        b'{"kind": ""}',
        b'{"kind": "a", "timestamp": "yesterday"}',
        b'{"kind": "a", "timestamp": "2026-01-01T00:00:00"}',
        b'{"kind": "a", "seq": 0}',
        b'{"kind": "a", "other": 1}',
        b'{"kind": "a", "payload": NaN}',
        b'{"kind": "a", "payload": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"kind": "a", "payload": 1' + b"0" * 5000 + b"}",
    ]
    (bench.folder / "lines").write_bytes(b"\n".join([*bad, b'{"kind": "good"}', b""]))
    seen = bench.shell('cat lines >> "$AIVCS_EVENTS"')
    kept = [
        str(data["text"]).encode() if "text" in data else b64decode(str(data["base64"]))
        for data in refused(seen)
    ]
    assert kept == bad
    assert [data["line"] for data in refused(seen)] == list(range(1, len(bad) + 1))
    assert all(data["error"] for data in refused(seen))
    assert len(seen.payloads("good")) == 1
    assert seen.run.status == "COMPLETED"
    assert seen.warnings[0].startswith("event line 1 is kept as a custom event: ")
    assert seen.warnings[10:] == ["2 more event lines were wrong"]
    assert bench.repo.verify().ok


def test_own_numbers_do_not_place_an_event(bench: Bench) -> None:
    lines = "".join(f'{{"kind": "k{seq}", "seq": {seq}}}\\n' for seq in (1, 2, 7, 7, 3))
    seen = bench.shell(f"""printf '{lines}' >> "$AIVCS_EVENTS"; echo done""")
    assert [event.seq for event in seen.events] == list(range(1, 11))
    wanted = ["k1", "k2", "k7", "custom", "k7", "custom", "k3", "output"]
    assert seen.kinds()[1:-1] == wanted
    assert seen.payloads("custom") == [
        {
            "event_type": "event_seq_not_increasing",
            "data": {"line": 4, "seq": 7, "previous": 7},
        },
        {
            "event_type": "event_seq_not_increasing",
            "data": {"line": 5, "seq": 3, "previous": 7},
        },
    ]
    assert seen.warnings == [
        "event line 4 has seq 7 after seq 7",
        "event line 5 has seq 3 after seq 7",
    ]


def test_a_line_too_long_to_hold_is_kept_in_pieces(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aivcs.adapters.command.events_file.LONGEST_LINE", 70_000)
    (bench.folder / "line").write_bytes(b'{"kind": "' + b"x" * 200_000 + b'"}\n{"kind": "b"}\n')
    seen = bench.shell('cat line >> "$AIVCS_EVENTS"')
    pieces = refused(seen)
    assert len(pieces) > 1
    text = "".join(str(piece["text"]) for piece in pieces)
    assert text == '{"kind": "' + "x" * 200_000 + '"}'
    assert {piece["error"] for piece in pieces} == {"the line is too long"}
    assert len(seen.payloads("b")) == 1


def test_lines_full_of_control_characters_disturb_nothing(bench: Bench) -> None:
    script = """
echo '{"kind": "before"}' >>"$AIVCS_EVENTS"
head -c 12000000 /dev/zero >>"$AIVCS_EVENTS"
echo >>"$AIVCS_EVENTS"
head -c 200000 /dev/zero
truncate -s 40M sparse && cat sparse >>"$AIVCS_EVENTS"
"""
    seen = bench.shell(script)
    assert (seen.run.status, seen.exit_status) == ("COMPLETED", 0)
    assert seen.kinds()[1] == "before"
    sizes = [(data["line"], len(b64decode(str(data["base64"])))) for data in refused(seen)]
    assert sizes[0] == (2, 12_000_000)
    assert {line for line, _ in sizes[1:]} == {3}
    assert sum(size for _, size in sizes[1:]) == 40 * 2**20
    printed = [b64decode(str(output["base64"])) for output in seen.payloads("output")]
    assert sum(len(data) for data in printed) == 200_000
