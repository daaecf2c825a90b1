from __future__ import annotations

import sys
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from benchmarks import measure, peers
from benchmarks.bench import Bench
from benchmarks.inside.put_million import tiny
from benchmarks.measure import BenchmarkError, Contender, in_turn, inside, prepare, timed
from benchmarks.model import Measured
from benchmarks.peers import Peers
from benchmarks.scenarios import crowd, single_put

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    absent = tmp_path / "absent"
    return Bench(tmp_path, 1, 0.001, Peers(absent, absent, absent))


def test_a_program_is_timed_and_weighed_by_itself(tmp_path: Path) -> None:
    words = [sys.executable, "-I", "-S", "-c", "x = b'x' * 50_000_000"]
    ran = timed(words, tmp_path)
    assert ran.cpu > 0
    assert 0 < ran.seconds < 60
    assert 50e6 < ran.peak < 90e6
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_fails_ends_the_benchmark_with_what_it_said(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "import sys; sys.exit('no such thing')"]
    for run in (timed, prepare):
        with pytest.raises(BenchmarkError, match=r"exit status 1 of: (.|\n)*no such thing"):
            run(words, tmp_path)


def test_a_program_that_hangs_is_ended_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "_LONGEST", 0.5)
    with pytest.raises(BenchmarkError, match=r"not done after 0\.5 s: sleep 1000"):
        timed(["sleep", "1000"], tmp_path)


def test_sides_take_turns_back_and_forth_in_fresh_folders(tmp_path: Path) -> None:
    order: list[str] = []

    def contender(name: str) -> Contender:
        def measure(folder: Path) -> Measured:
            assert list(folder.iterdir()) == []
            (folder / name).touch()
            order.append(name)
            return Measured(len(order))

        return Contender(name, "touch", "none", measure)

    sides = in_turn([contender("a"), contender("b")], 3, tmp_path)
    assert "".join(order) == "abbaab"
    assert [side.values for side in sides] == [(1, 4, 5), (2, 3, 6)]


def test_what_is_missing_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(BenchmarkError, match=r"restic \(apt-get install restic\), borg \(apt-get"):
        peers.find()


def test_documents_of_a_run_are_read_back_as_they_were_stored(bench: Bench, tmp_path: Path) -> None:
    corpus = bench.documents(20_000)
    assert corpus.count == 20
    assert sorted(map(str, corpus.folder.rglob("*.json"))) == corpus.paths.read_text().split()
    store = tmp_path / "store"
    assert inside(sys.executable, "put_many", tmp_path, corpus.lines, store)["seconds"] > 0
    order = tmp_path / "order"
    order.write_text("".join(f"sha256:{digest}\n" for digest in corpus.digests))
    for how in ("many", "one"):
        program = [sys.executable, "-m", "benchmarks.inside.get_random"]
        assert prepare([*program, order, store, how], tmp_path) == b""


def test_one_put_is_measured_beside_an_append(bench: Bench) -> None:
    (result,) = single_put.run(bench)
    assert [side.name for side in result.sides] == ["aivcs", "raw append", "bare SQLite"]
    assert all(side.values[0] > 0 for side in result.sides)


def test_a_crowd_loses_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "CREW", 4)
    for result in crowd.run(bench):
        for side in result.sides:
            assert side.fact("errors") == side.fact("lost") == (0,)
            assert side.values[0] > 0


def test_opening_is_measured_beyond_the_import(tmp_path: Path) -> None:
    inside(sys.executable, "put_million", tmp_path, tmp_path, 50)
    digest = f"sha256:{sha256(tiny(7)).hexdigest()}"
    found = inside(sys.executable, "open_one", tmp_path, tmp_path, digest)
    assert 0 < found["cpu"] < 60
    assert found["memory"] > 0
