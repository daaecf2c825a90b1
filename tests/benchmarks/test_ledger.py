from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks import ledger_peers
from benchmarks.bench import Bench
from benchmarks.inside.contend import wrong
from benchmarks.measure import BenchmarkError, inside
from benchmarks.model import Bar, Measured, Report, Result, Side
from benchmarks.page import page
from benchmarks.peers import Peers
from benchmarks.recorders.events import payload
from benchmarks.recorders.sides import AIVCS, AIVCS_GROUP
from benchmarks.recorders.stretch import BEGIN, END, Stretch
from benchmarks.scenarios import (
    ledger_call,
    ledger_crowd,
    ledger_growth,
    ledger_listing,
    ledger_verification,
)
from benchmarks.syscalls import Asked, counted, traced
from tests.postgres.server import programs

if TYPE_CHECKING:
    from pathlib import Path

TRACE = f"""\
7 rmdir("{BEGIN}x")         = -1 ENOENT
7 fsync(3</s/before>)                      = 0
7 rmdir("{BEGIN}")         = -1 ENOENT (No such file or directory)
7 pwrite64(4</s/a.db-wal>, ""..., 24, 57712) = 24
8 write(5</s/b>, ""..., 100 <unfinished ...>
7 writev(4</s/c>, [{{iov_base=""..., iov_len=24}}, {{iov_base=""..., iov_len=4000}}], 2) = 4024
8 <... write resumed>)                     = 100
7 fdatasync(4</s/a.db-wal>)                = 0
7 fsync(9</elsewhere/log>)                 = 0
7 write(1<pipe:[77]>, ""..., 5)            = 5
9 fsync(4</s/a.db> <unfinished ...>
9 <... fsync resumed>)                     = 0
7 rmdir("{END}")         = -1 ENOENT (No such file or directory)
7 fdatasync(4</s/a.db-wal>)                = 0
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    absent = tmp_path / "absent"
    return Bench(tmp_path, 1, 0.001, Peers(absent, absent, absent))


def test_only_what_the_stretch_does_to_the_files_of_the_store_counts() -> None:
    assert counted(TRACE.splitlines(), "/s") == Asked(2, 24 + 100 + 4024)


@pytest.mark.parametrize("gone", [BEGIN, END])
def test_a_trace_without_both_marks_is_no_count_of_zero(gone: str) -> None:
    with pytest.raises(BenchmarkError, match="expected one of each"):
        counted(TRACE.replace(f'"{gone}"', '"/"').splitlines(), "/s")


def test_a_stretch_times_what_is_inside() -> None:
    stretch = Stretch()
    with stretch:
        os.getpid()
    assert 0 < stretch.seconds < 60
    assert 0 <= stretch.cpu < 60


@pytest.mark.skipif(shutil.which("strace") is None, reason="apt-get install strace")
def test_one_durable_append_is_one_flush(bench: Bench, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    asked = traced(AIVCS.words(bench.peers, store, 10), store)
    assert asked.flushes == 10
    assert asked.written > 10 * len(json.dumps(payload(0)))
    together = tmp_path / "together"
    together.mkdir()
    assert traced(AIVCS_GROUP.words(bench.peers, together, 300), together).flushes == 3


@pytest.mark.parametrize("store", ["aivcs_batches", "bare_apsw", "bare_sqlite3"])
@pytest.mark.parametrize("group", [1, 8])
def test_what_was_written_is_read(store: str, group: int, tmp_path: Path) -> None:
    assert inside(sys.executable, "record", tmp_path, store, tmp_path, 20, group)["seconds"] > 0
    found = inside(sys.executable, "record", tmp_path, store, tmp_path)
    assert found["read"] == (21 if store.startswith("aivcs") else 20)


def test_what_a_live_run_buffers_is_read(tmp_path: Path) -> None:
    inside(sys.executable, "record", tmp_path, "aivcs_live", tmp_path, 20, 1)
    assert inside(sys.executable, "record", tmp_path, "aivcs_batches", tmp_path)["read"] == 21


def test_what_went_wrong_among_writers_is_told_apart() -> None:
    told = [((0, 1), "a"), ((0, 1), "b"), ((0, 2), "c"), ((1, 9), "gone")]
    found = {(0, 1): "a", (0, 2): "c", (0, 4): "c"}
    assert wrong(told, found) == {"lost": 2, "duplicated": 1, "forked": 1, "gaps": 1}
    assert set(wrong([((0, 1), "a")], {(0, 1): "a"}).values()) == {0}


def test_no_repetition_hides_what_went_wrong_in_another() -> None:
    facts = dict.fromkeys(ledger_crowd.WRONG, 0.0)
    measured = (Measured(5, facts), Measured(90, {**facts, "lost": 1}), Measured(6, facts))
    bars = (Bar("aivcs", at_most=0, of="lost"), Bar("aivcs", at_most=80))
    result = Result(4, "x", "x", "ms", (Side("aivcs", "x", "x", measured),), bars)
    assert all(result.met(bar) for bar in bars)
    found = ledger_crowd.altogether(result)
    assert set(found.sides[0].values) == {90}
    assert set(found.sides[0].fact("lost")) == {1}
    assert not any(found.met(bar) for bar in bars)


@pytest.mark.parametrize("store", ["aivcs", "sqlite"])
def test_a_crowd_at_shared_logs_loses_nothing(store: str, tmp_path: Path) -> None:
    found = inside(sys.executable, "contend", tmp_path, store, tmp_path, 3, 10, 2)
    assert {found[key] for key in ledger_crowd.WRONG} == {0}
    assert 0 < found["p50"] <= found["worst"]


@pytest.mark.skipif(
    programs() is None and "CI" not in os.environ, reason="apt-get install postgresql"
)
@pytest.mark.parametrize("store", ["aivcs-postgres", "postgres"])
def test_a_crowd_at_a_server_loses_nothing(store: str, tmp_path: Path) -> None:
    found = inside(sys.executable, "contend", tmp_path, store, tmp_path, 2, 6, 2)
    assert {found[key] for key in ledger_crowd.WRONG} == {0}


def test_calls_lists_growth_and_verification_are_measured(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_listing, "QUERIES", 6)
    monkeypatch.setattr(ledger_verification, "NEW", 20)
    scenarios = (ledger_call, ledger_growth, ledger_listing, ledger_verification)
    for result in (result for scenario in scenarios for result in scenario.run(bench)):
        for side in result.sides:
            assert side.values[0] >= 0
        for bar in result.bars:
            assert len(result.judged(bar)) == 1


def test_what_is_missing_for_the_ledger_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(BenchmarkError, match=r"strace \(apt-get install strace\)"):
        ledger_peers.find()


def test_the_page_of_the_ledger_has_its_own_head() -> None:
    sides = tuple(Side(name, "x", "y", (Measured(1, {"os": 3}),)) for name in ("a", "b"))
    result = Result(1, "appends", "About.", "us", sides, (Bar("a", "b", at_most=2, of="os"),))
    written = page(Report({}, {}, {"part": "ledger"}, (result,)))
    assert written.startswith("# Benchmarks of the ledger\n")
    assert "| 1 | appends: a / b, os | <= 2x | 1.00 | yes |" in written
    assert page(Report({}, {}, {"part": "objects"}, (result,))).startswith("# Benchmarks\n")
