"""A sample of the sweep over the bytes of a large ledger: each flip is named or without effect."""

from __future__ import annotations

import shutil
from random import Random
from typing import TYPE_CHECKING

import pytest

from aivcs.services.runs import RunLedger
from soak import sweeps
from soak.anatomy import Part
from soak.ledger_bytes import Chooser, Flip, Trial
from soak.ledger_flips import Flipped, make

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aivcs.domain.run import RunId, RunRecord


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository of a few runs."""
    place = tmp_path_factory.mktemp("pattern")
    make(place, 12, 30)
    return place


@pytest.fixture
def ledger(pattern: Path, tmp_path: Path) -> Flipped:
    """Return a copy of the ledger of a few runs."""
    return Flipped(shutil.copytree(pattern, tmp_path / "copy"))


def trials(ledger: Flipped, seed: int, share: float) -> list[Trial]:
    """Return trials by the dice."""
    return list(Chooser(ledger.file).trials(Random(seed), share))  # noqa: S311 - no secret


@pytest.mark.slow
def test_no_bit_of_a_large_ledger_changes_unseen() -> None:
    found = sweeps.SWEEPS["ledger-flips"](1, 0.001)
    assert found.wrong == ()
    assert found.counts["named, with run and event"] > 9_000


def test_each_part_of_a_ledger_is_tried(ledger: Flipped) -> None:
    outcomes = {}
    for trial in trials(ledger, 2, 0.05):
        for flip, outcome in ledger.tried(trial):
            assert not outcome.startswith("wrong"), (flip, outcome)
            outcomes[flip.part, outcome.partition(":")[0]] = flip
    assert {part for part, _ in outcomes} >= set(Part) - {Part.FREE, Part.LINK}
    assert (Part.UNUSED, "without effect") in outcomes
    assert (Part.COLUMN, "named, with run and event") in outcomes


def test_changes_made_together_concern_different_logs(ledger: Flipped) -> None:
    for trial in trials(ledger, 3, 0.05):
        if not trial.events:
            logs = [name for flip in trial.flips for name in flip.logs]
            assert len(logs) == len(set(logs))
        assert len({flip.at for flip in trial.flips}) == len(trial.flips)


def content(ledger: Flipped) -> Trial:
    """Return a trial of the columns of events."""
    return next(trial for trial in trials(ledger, 4, 0) if trial.events)


def test_changes_that_are_not_told_apart_are_tried_again(ledger: Flipped) -> None:
    header = Flip(0, 1, Part.FILE, "", None, frozenset(), None)
    one = content(ledger).flips[0]
    found = dict(ledger.tried(Trial((header, one))))
    assert found[header].startswith("refused at opening")
    assert found[one] == "named, with run and event"


def test_the_sweep_sees_an_event_that_is_not_named(
    ledger: Flipped, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = content(ledger).flips[0]
    assert one.event
    other = one._replace(event=(one.event[0], 10**6))
    ((_, outcome),) = ledger.tried(Trial((other,), events=True))
    assert outcome.startswith("wrong: of ")
    monkeypatch.setattr(Flipped, "_named", lambda *_: {})
    ((_, outcome),) = ledger.tried(Trial((one,), events=True))
    assert outcome.startswith("wrong: nobody can read ")


def test_the_sweep_sees_what_is_returned(ledger: Flipped, monkeypatch: pytest.MonkeyPatch) -> None:
    unused = Trial(trials(ledger, 5, 0)[2].flips[:1])
    assert [outcome for _, outcome in ledger.tried(unused)] == ["without effect"]
    whole: Callable[[RunLedger, RunId | str], RunRecord] = RunLedger.get_run
    monkeypatch.setattr(RunLedger, "get_run", lambda *a: repr(whole(*a)))
    ((_, outcome),) = ledger.tried(unused)
    assert outcome.startswith("wrong: something else is returned of ")
    monkeypatch.undo()
    monkeypatch.setattr(RunLedger, "list_runs", lambda *_, **__: [])
    ((_, outcome),) = ledger.tried(unused)
    assert outcome == "wrong: other runs are listed, unnoticed"
    monkeypatch.setattr(RunLedger, "list_runs", lambda *_, **__: 1 // 0)
    ((_, outcome),) = ledger.tried(unused)
    assert outcome.startswith("wrong: ZeroDivisionError: ")


def test_a_run_that_cannot_be_read_in_one_go_is_named(tmp_path: Path) -> None:
    make(tmp_path, 3, 400)
    ledger = Flipped(tmp_path)
    data = ledger.file.read_bytes()
    heads = [
        flip.at
        for trial in trials(ledger, 6, 1)
        for flip in trial.flips
        if (flip.part, flip.tree) == (Part.PAGE, "entries_by_seq") and data[flip.at - 4] == 10
    ]
    count = next(at for at in sorted(heads) if at % 8192 == 4)
    one_more = data[count] ^ (data[count] + 1) & 0xFF
    flip = Flip(count, one_more, Part.PAGE, "entries_by_seq", None, frozenset(), None)
    ((_, outcome),) = ledger.tried(Trial((flip,)))
    assert outcome == "named, with run and event"
