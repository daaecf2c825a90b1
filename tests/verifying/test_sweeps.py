from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

from soak import sweeps, tampering
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


def test_a_log_that_is_cut_off_or_changed_leaves_a_beginning() -> None:
    result = sweeps.SWEEPS["truncating"](1, 0.05)
    assert result.wrong == ()
    assert result.counts["lost, and named"] > 3
