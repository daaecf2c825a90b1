from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from aivcs.cli import output

if TYPE_CHECKING:
    import pytest

    from tests.cli.conftest import Program


def test_cells() -> None:
    cells = [output.cell(v) for v in (None, True, False, 1, 1.5, "a\tb\x1b[0m\x9b", {"a": [1]})]
    assert cells == ["-", "yes", "no", "1", "1.5", "a\tb\\x1b[0m\\x9b", '{"a": [1]}']
    assert output.short(None) == output.second(None) == "-"
    times = ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.123456Z")
    assert {output.second(time) for time in times} == {times[0]}
    assert output.short("0123456789abcdef") == "0123456789ab"


def test_json_is_always_utf8() -> None:
    assert output.json_text({"é": "ü"}) == '{"é": "ü"}'
    assert output.json_text("\ud800") == '"\\ud800"'


HOSTILE = "a\u202eb\u200bc\x9b31m\x1b]0;t\x07\x7f\u2028\U000e0041 é\u200d"


def test_nothing_that_a_terminal_acts_upon_is_printed() -> None:
    told = output.printable(HOSTILE)
    assert told == (r"a\u202eb\u200bc\x9b31m\x1b]0;t\x07\x7f\u2028\U000e0041 é" + "\u200d")
    for value in (HOSTILE, HOSTILE + "\ud800", "\x7f"):
        text = output.json_text({"said": value})
        assert json.loads(text) == {"said": value}
        assert not set(text) & set("\u202e\u200b\x9b\x1b\x07\x7f\u2028\U000e0041")


def test_lines_that_utf8_cannot_hold(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    output.write_lines(["caf\udce9", "é"])
    assert capfdbinary.readouterr().out == b"caf\\udce9\n\xc3\xa9\n"


def test_fields_and_rows_are_aligned(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    output.write_fields([("a", 1), ("long", None)])
    output.write_fields([])
    output.write_table((("x", lambda v: v["x"]), ("y", lambda v: v["y"])), [{"x": 10, "y": "b"}])
    assert capfdbinary.readouterr().out == b"a:     1\nlong:  -\nx   y\n10  b\n"


def test_a_terminal_gets_tables_and_indented_json(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    output.write_table((("x", lambda v: v["x"]),), [{"x": "[red]not markup[/red]"}])
    table = capfdbinary.readouterr().out.decode()
    assert "[red]not markup[/red]" in table
    output.write_json({"a": ["é"]})
    text = capfdbinary.readouterr().out.decode()
    assert text == '{\n  "a": [\n    "é"\n  ]\n}\n'
    assert json.loads(text) == {"a": ["é"]}


def test_no_colour_off_a_terminal(here: Program, run: str) -> None:
    for args in (("run", "list"), ("run", "show", run), ("run", "events", run), ("--help",)):
        assert b"\x1b" not in here.good(*args).out
