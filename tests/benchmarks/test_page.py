from __future__ import annotations

import json

import pytest

from benchmarks.model import Bar, Measured, Report, Result, Side, from_json
from benchmarks.page import page


def side(name: str, *values: float) -> Side:
    return Side(
        name, f"{name} add", "flushed", tuple(Measured(v, {"peak MB": v / 10}) for v in values)
    )


@pytest.fixture
def result() -> Result:
    bars = (
        Bar("ours", "theirs", at_least=3),
        Bar("ours", "theirs", at_least=5),
        Bar("ours", at_most=100, of="peak MB"),
    )
    sides = (side("ours", 900, 1500, 1200), side("theirs", 300, 300, 300))
    return Result(1, "files", "All take the same.", "files/s", sides, bars)


@pytest.fixture
def report(result: Result) -> Report:
    return Report({"CPU": "one"}, {"git": "2"}, {"scale": "1.0"}, (result,))


def test_a_ratio_is_taken_within_each_repetition(result: Result) -> None:
    assert result.judged(result.bars[0]) == (3, 5, 4)
    assert [result.met(bar) for bar in result.bars] == [True, False, False]


def test_a_side_that_is_not_there_is_no_silent_gap(result: Result) -> None:
    with pytest.raises(KeyError):
        result.judged(Bar("ours", "restic", at_least=1))


def test_the_page_is_made_of_the_json_alone(report: Report) -> None:
    assert from_json(json.loads(json.dumps(report.as_json()))) == report


def test_the_page_tells_ratios_bars_durability_and_machine(report: Report) -> None:
    written = page(report)
    assert "| 1 | files: ours / theirs | >= 3x | 4.00 (3.00 - 5.00) | yes |" in written
    assert "| 1 | files: ours / theirs | >= 5x | 4.00 (3.00 - 5.00) | **no** |" in written
    assert "| 1 | files: ours, peak MB | <= 100 | 120 (90.0 - 150) | **no** |" in written
    assert "| ours | 1,200 (900 - 1,500) | 120 |" in written
    assert "- **theirs**: `theirs add`; flushed" in written
    assert "| CPU | one |" in written
    assert "The median decides whether a bar is reached." in written
