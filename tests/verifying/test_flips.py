"""A sample of the sweep over every byte: no change makes anything return what was not stored."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from soak import flips

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_no_byte_can_change_unseen() -> None:
    found = flips.run(1, 0.004)
    assert found.wrong == ()
    assert found.counts["bytes"] > 120
    assert found.counts["reported"] > 20


def test_every_byte_of_a_pack_counts(tmp_path: Path) -> None:
    flips.make(tmp_path / "pattern")
    truth = flips.told(tmp_path / "pattern")
    dice = Random(2)  # noqa: S311 - no secret
    packed = [
        flip for flip in flips.choose(tmp_path / "pattern", dice, 0.1) if "packs" in flip.name
    ]
    counts, wrong = flips.tried(tmp_path / "pattern", tmp_path / "copy", packed, truth)
    assert wrong == []
    assert counts == {"reported": len(packed)}


def test_the_sweep_sees_what_it_looks_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    flips.make(tmp_path)
    truth = flips.told(tmp_path)
    assert flips.judged(tmp_path, truth) == "without effect"
    monkeypatch.setattr("aivcs.services.objects.CasStore.get", lambda *_: b"other bytes")
    assert flips.judged(tmp_path, truth) == "wrong bytes"
    monkeypatch.undo()
    monkeypatch.setattr("aivcs.services.specs.SpecStore.list", lambda _: [])
    assert flips.judged(tmp_path, truth) == "wrong without a report: specs"
