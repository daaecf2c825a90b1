from __future__ import annotations

from typing import TYPE_CHECKING

from soak import report, result
from soak.result import Result, keep, load
from soak.sweeps import SWEEPS

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_result_comes_back_from_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result, "RESULTS", tmp_path / "results")
    found = Result("crew", 7, 1.5, {"steps": 12_345}, ("one was lost",))
    kept = load(keep(found))
    assert kept.result == found
    assert not found.ok
    assert "cores" in kept.machine


def test_the_page_has_the_figures_of_every_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result, "RESULTS", tmp_path)
    good = load(keep(Result("machine", 3, 61.2, {"steps": 12_345})))
    bad = load(keep(Result("crew", 4, 2, {"kills": 5}, ("lost", "lost too")), 0.25))
    page = report.page({"machine": good, "crew": bad})
    assert "| machine | nothing wrong | 100% | 3 | 61 s |" in page
    assert "| crew | 2 wrong | 25% | 4 | 2 s |" in page
    assert "| steps | 12,345 |" in page
    assert "| **wrong** | **2** |" in page
    assert page.count("It has not been run yet.") == len(report.TEXTS) - 2


def test_the_page_kept_is_of_full_sweeps_that_found_nothing() -> None:
    page = report.PAGE.read_text()
    assert "It has not been run yet." not in page
    for name in SWEEPS:
        # All rows, or all bytes, of 10,000 events take most of an hour; a part may be kept.
        share = "" if name in {"tampering", "ledger-flips"} else " 100% |"
        assert f"| {name} | nothing wrong |{share}" in page
    assert page.count("| **wrong** | **0** |") == len(SWEEPS)
