from __future__ import annotations

import os
import threading
from base64 import b64decode
from typing import TYPE_CHECKING

from aivcs.domain.kinds import check_kind_payload

if TYPE_CHECKING:
    from tests.recording.conftest import Bench, Recorded


def of(stream: str, seen: Recorded) -> bytes:
    pieces = [p for p in seen.payloads("output") if p["stream"] == stream]
    return b"".join(p["text"].encode() if "text" in p else b64decode(p["base64"]) for p in pieces)


def test_both_streams_are_recorded_and_passed_on(bench: Bench) -> None:
    seen = bench.shell("for i in 1 2 3; do echo out $i; echo err $i >&2; done")
    assert seen.out == of("stdout", seen) == b"out 1\nout 2\nout 3\n"
    assert seen.err == of("stderr", seen) == b"err 1\nerr 2\nerr 3\n"
    for event in seen.events:
        check_kind_payload(event.kind, event.payload)


def test_streams_that_wait_for_each_other_are_recorded_in_order(bench: Bench) -> None:
    script = """
import os, time, aivcs
run = os.environ["AIVCS_RUN_ID"]
with aivcs.open() as repo:
    for number in range(4):
        os.write(1 + number % 2, b"%d" % number)
        deadline = time.monotonic() + 30
        while len(repo.runs.get_events(run)) < number + 2:
            assert time.monotonic() < deadline
"""
    seen = bench.python(script)
    assert seen.exit_status == 0, seen.err
    assert [(p["stream"], p["text"]) for p in seen.payloads("output")] == [
        ("stdout", "0"),
        ("stderr", "1"),
        ("stdout", "2"),
        ("stderr", "3"),
    ]


def test_binary_output_is_exact(bench: Bench) -> None:
    script = "import os; os.write(1, bytes(range(256)) * 300)"
    seen = bench.python(script)
    assert seen.out == of("stdout", seen) == bytes(range(256)) * 300
    assert any("base64" in payload for payload in seen.payloads("output"))


def test_a_flood_is_recorded_whole_in_pieces(bench: Bench) -> None:
    script = "import sys\nfor i in range(100_000): sys.stdout.write(f'{i:099}\\n')"
    seen = bench.python(script)
    wanted = b"".join(b"%099d\n" % i for i in range(100_000))
    assert seen.out == wanted
    assert of("stdout", seen) == wanted
    assert max(len(p["text"]) for p in seen.payloads("output")) <= 64 * 1024
    assert bench.repo.verify().ok


def test_the_caller_says_where_output_goes(bench: Bench) -> None:
    with (bench.folder / "both").open("wb") as file:
        seen = bench.shell("echo one; echo two >&2", stdout=file.fileno(), stderr=file.fileno())
    assert sorted((bench.folder / "both").read_bytes().split()) == [b"one", b"two"]
    assert (seen.out, seen.err) == (b"", b"")


def test_a_reader_that_went_away_is_felt_by_the_command(bench: Bench) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        seen = bench.record("yes", stdout=writing)
    finally:
        os.close(writing)
    assert seen.exit_status == 141
    assert seen.run.reason == "killed by SIGPIPE"
    assert of("stdout", seen).startswith(b"y\ny\n")


def test_a_descriptor_that_would_block_gets_everything(bench: Bench) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    received = bytearray()

    def receive() -> None:
        with os.fdopen(reading, "rb") as file:
            received.extend(file.read())

    thread = threading.Thread(target=receive)
    thread.start()
    try:
        seen = bench.python("print('x' * 1_000_000)", stdout=writing)
    finally:
        os.close(writing)
        thread.join()
    assert bytes(received) == b"x" * 1_000_000 + b"\n" == of("stdout", seen)
