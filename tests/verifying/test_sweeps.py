from __future__ import annotations

from collections import Counter
from itertools import islice
from random import Random
from typing import TYPE_CHECKING

from soak import exhibit, log_flips, sweeps, tampering
from soak.release_rows import HOWS, Edited
from soak.release_rows import TABLES as RELEASE_TABLES
from soak.tampering import TABLES, Tampered, make

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_whoever_edits_a_row_is_found_out(tmp_path: Path) -> None:
    make(tmp_path, 200)
    ledger = Tampered(tmp_path)
    outcomes: Counter[str] = Counter()
    tables = set()
    for edit in ledger.choose(Random(1), 0.02):  # noqa: S311 - no secret
        outcome = ledger.tried(edit)
        assert not outcome.startswith("wrong"), (edit, outcome)
        outcomes[outcome] += 1
        if outcome == "named":
            tables.add(edit.table)
    ledger.close()
    assert outcomes["named"] > sum(outcomes.values()) / 3
    assert tables >= set(TABLES) - {"keys"}


def test_the_sweep_tells_what_it_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tampering, "_EVENTS", 40)
    result = sweeps.SWEEPS["tampering"](2, 0)
    assert result.wrong == ()
    assert result.counts["named"] > 10


def test_whoever_changes_what_is_published_is_found_out(tmp_path: Path) -> None:
    with exhibit.keyring(tmp_path / "keys"):
        dice = Random(1)  # noqa: S311 - no secret
        tried = list(log_flips.tried(tmp_path / "shop", dice, 0.003))
    outcomes = Counter(outcome for outcome, _ in tried)
    assert [what for what in tried if what[0].startswith("wrong")] == []
    assert outcomes["published file named"] > 30
    assert outcomes["proof refused"] > 50
    assert outcomes["attestation refused"] > 50


def test_whoever_edits_a_release_is_found_out(tmp_path: Path) -> None:
    with exhibit.keyring(tmp_path / "keys"):
        book = Edited(tmp_path / "shop", exhibit.make(tmp_path / "shop"))
        edits = list(book.choose(Random(3), 0.03))  # noqa: S311 - no secret
        tried = [(edit, book.tried(edit)) for edit in islice(edits, 200)]
    assert [what for what in tried if what[1].startswith("wrong")] == []
    named = [edit for edit, what in tried if ", named against" in what]
    assert len(named) > 60
    assert {edit.how for edit in named} == set(HOWS)
    assert {edit.table for edit in edits} == set(RELEASE_TABLES)


def test_the_sweeps_of_releases_tell_what_they_tried() -> None:
    for name in ("log-flips", "release-rows"):
        result = sweeps.SWEEPS[name](5, 0.0005)
        assert result.wrong == ()
        assert result.counts


def test_a_log_that_is_cut_off_or_changed_leaves_a_beginning() -> None:
    result = sweeps.SWEEPS["truncating"](1, 0.05)
    assert result.wrong == ()
    assert result.counts["lost, and named"] > 3
