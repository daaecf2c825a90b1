"""Samples, time boxes, and going on after an interruption."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.cache import CachedBookmarks
from aivcs.domain.report import Depth
from aivcs.errors import InvalidInputError
from aivcs.repo import init, open_repo
from aivcs.services import marks
from aivcs.services.sampling import Portion
from aivcs.testing.objects import noise
from tests.verifying.conftest import flip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.verifying.conftest import Sealed


@pytest.mark.parametrize("percent", [1, 20, 60])
def test_a_portion_takes_about_so_many(percent: int) -> None:
    portion = Portion(percent, 1, lambda: False)
    names = [str(n) for n in range(3000)]
    taken = [name for name in names if portion.takes(name)]
    assert abs(len(taken) - 30 * percent) < 130
    assert not portion.whole
    chosen = Portion(percent, 1, lambda: False).chosen((name, name) for name in names)
    assert sorted(chosen) == sorted(taken)
    assert chosen != taken
    other = Portion(percent, 2, lambda: False).chosen((name, name) for name in names)
    assert other != chosen


def test_the_smallest_portion_of_something_is_one() -> None:
    portion = Portion(0.001, 1, lambda: False)
    assert len(portion.chosen((str(n), n) for n in range(9))) == 1
    assert not portion.whole
    assert portion.chosen(()) == []


def test_all_is_a_portion_too() -> None:
    portion = Portion(100, 1, lambda: False)
    assert sorted(portion.chosen((str(n), n) for n in range(99))) == list(range(99))
    assert all(portion.takes(str(n)) for n in range(99))
    assert portion.whole
    assert not Portion(100, 1, lambda: True).takes("a")


def test_a_sample_reads_a_part(packed: Sealed) -> None:
    with open_repo(packed.place) as repo:
        repo.objects.put_many([b"hot %d" % n for n in range(1200)])
        every = repo.verify().checked["objects"]
        part = repo.verify(sample=40)
        again = repo.verify(sample=40)
        other = repo.verify(sample=40, seed=3)
        whole = repo.verify(sample=100)
    assert part == again
    assert part.checked["objects"] < every
    assert (part.depth, part.complete) == (Depth.SAMPLE, False)
    assert other.checked != part.checked
    assert (whole.checked["objects"], whole.complete) == (every, True)
    assert whole.ok


def test_a_sample_finds_the_damage_it_meets(packed: Sealed) -> None:
    flip(packed.pack, packed.pack.stat().st_size // 3)
    with open_repo(packed.place) as repo:
        found = {seed: repo.verify(sample=20, seed=seed).ok for seed in range(12)}
        assert not repo.verify(sample=100).ok
    assert set(found.values()) == {True, False}


def test_a_time_box_ends(packed: Sealed) -> None:
    with open_repo(packed.place) as repo:
        assert repo.verify(within=1e-9).checked["objects"] == 0
        found = repo.verify(within=60)
    assert found.complete
    assert found.checked["objects"] > 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"sample": 0},
        {"sample": 100.5},
        {"sample": float("nan")},
        {"within": 0},
        {"within": float("nan")},
        {"structure": True, "within": 3},
        {"structure": True, "resume": True},
        {"sample": 5, "resume": True},
    ],
)
def test_what_contradicts_itself(packed: Sealed, wrong: dict[str, float]) -> None:
    with open_repo(packed.place) as repo, pytest.raises(InvalidInputError):
        repo.verify(**wrong)  # type: ignore[arg-type]


def _interrupted_after(count: int) -> Callable[[], None]:
    left = [count]

    def advance() -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    return advance


def _interrupt(place: Path, count: int) -> None:
    with open_repo(place) as repo, pytest.raises(KeyboardInterrupt):
        repo.verify(advance=_interrupted_after(count))


def _counted(place: Path, *, resume: bool) -> tuple[int, bool]:
    told: list[None] = []
    with open_repo(place) as repo:
        report = repo.verify(resume=resume, advance=lambda: told.append(None))
    return len(told), report.ok


def test_it_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    with init(tmp_path) as repo:
        for n in range(6):
            repo.objects.put(noise(150_000, n))
        repo.objects.put_many([b"hot %d" % n for n in range(2000)])
    _interrupt(tmp_path, 1600)
    cache = CachedBookmarks(tmp_path / ".aivcs" / "cache.db")
    assert {mark.partition(" ")[0] for mark in cache.marks()} == {"hot"}
    told, ok = _counted(tmp_path, resume=True)
    assert ok
    assert told < 2006 - 1000
    assert cache.marks() == frozenset()
    assert _counted(tmp_path, resume=True) == (2006, True)


def test_what_changed_since_is_read(packed: Sealed) -> None:
    _interrupt(packed.place, 403)
    with open_repo(packed.place) as repo:
        repo.objects.put_many([noise(500, n) for n in range(50)], pin=True)
        repo.seal()
    new = max(packed.place.rglob("*.pack"), key=lambda path: path.stat().st_mtime_ns)
    flip(new, new.stat().st_size // 3)
    assert not _counted(packed.place, resume=True)[1]


def test_damage_is_told_again(packed: Sealed) -> None:
    flip(packed.large, 1000)
    _interrupt(packed.place, 405)
    assert not _counted(packed.place, resume=True)[1]


def test_a_new_verification_begins_anew(packed: Sealed) -> None:
    _interrupt(packed.place, 403)
    every = _counted(packed.place, resume=False)
    assert every == _counted(packed.place, resume=True)


def test_marks_are_written_now_and_then(tmp_path: Path) -> None:
    cache = CachedBookmarks(tmp_path / "cache.db")
    clock = [0.0]
    found = marks.Marks(cache, lambda: clock[0])
    found.add("hot 5")
    assert cache.marks() == frozenset()
    clock[0] = 10
    found.add("hot 9")
    assert cache.marks() == {"hot 5", "hot 9"}
    other = marks.Marks(cache, lambda: 0.0)
    assert "hot 9" not in other
    other.resume()
    assert "hot 9" in other
    assert (other.last("hot"), other.last("cold")) == (9, 0)
    other.clear()
    assert cache.marks() == frozenset()
    cache.add(["again"])
    assert cache.marks() == {"again"}


@pytest.mark.parametrize("content", [b"", b"no database" * 100])
def test_a_cache_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cache.db"
    path.write_bytes(content)
    cache = CachedBookmarks(path)
    assert cache.marks() == frozenset()
    cache.clear()
    path.write_bytes(content)
    cache.add(["one"])
    assert cache.marks() == {"one"}


def test_where_nothing_can_be_remembered(packed: Sealed) -> None:
    place = packed.place / ".aivcs" / "cache.db"
    place.unlink()
    place.mkdir()
    _interrupt(packed.place, 403)
    assert _counted(packed.place, resume=True)[1]


def test_a_verification_that_went_through_leaves_no_marks_of_the_way(packed: Sealed) -> None:
    assert packed.verify().ok
    assert CachedBookmarks(packed.place / ".aivcs" / "cache.db").marks() == frozenset()
