from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import aivcs
from aivcs import RunEvent, RunMetadata, RunSummary
from soak import log_kills
from soak.acknowledged import Acknowledged, missing
from soak.author import KIND, main, said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs.repo import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    log_kills.prepare(tmp_path / "repository")
    with aivcs.open(tmp_path / "repository") as repo:
        yield repo


def _begin(repo: Repo, *payloads: object) -> str:
    run = repo.runs.create_run(repo.specs.list()[0].digest, RunMetadata(agent_name="helper"))
    for payload in payloads:
        repo.runs.append_event(run, RunEvent(None, KIND, payload))  # type: ignore[arg-type]
    return str(run)


def _missing(repo: Repo, *lines: str) -> list[str]:
    told = Acknowledged()
    told.hear(f"author {line}\n" for line in lines)
    return list(missing(repo, told))


def test_an_author_that_is_left_alone_loses_nothing(tmp_path: Path, repo: Repo) -> None:
    lines = tmp_path / "said"
    main("author", str(tmp_path / "repository"), str(lines), "author-1", "1", "60")
    told = Acknowledged()
    told.hear(lines.read_text().splitlines(keepends=True))
    assert len(told) > 60
    assert told.ends
    assert told.releases
    assert log_kills.look(repo, told) == []


@pytest.mark.slow
def test_authors_may_be_killed_at_any_moment() -> None:
    found = log_kills.run(1, 12)
    assert found.wrong == ()
    assert found.counts["kills"] == 12
    assert found.counts["acknowledged entries, ends and releases"] > 100


def test_what_is_lost_or_changed_is_named(repo: Repo) -> None:
    run = _begin(repo, said("a:1", 0, 1), said("a:2", 0, 1))
    lines = [f"has {run} a:1 1 1", f"has {run} a:2 1 2"]
    assert _missing(repo, *lines) == []
    (lost,) = _missing(repo, *lines, f"has {run} a:3 1 3")
    assert "seq 3 of a:3 is lost or changed: None" in lost
    (changed,) = _missing(repo, f"has {run} b:1 1 1")
    assert "seq 1 of b:1 is lost or changed" in changed
    (unknown,) = _missing(repo, "run nowhere")
    assert "nowhere: RunNotFound" in unknown


def test_a_part_of_a_batch_is_named(repo: Repo) -> None:
    run = _begin(repo, said("a:1", 0, 2))
    assert _missing(repo, f"run {run}") == [f"{run}: 1 of 2 of a:1"]


def test_a_gap_is_named(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    run = _begin(repo, {}, {}, {})
    events = repo.runs.get_events(run)
    monkeypatch.setattr("aivcs.services.runs.RunLedger.iter_events", lambda *_: events[::2])
    assert _missing(repo, f"run {run}") == [f"{run}: seqs [2] are missing before 3"]


def test_an_end_or_a_release_that_is_not_there_is_named(repo: Repo) -> None:
    run = _begin(repo)
    (open_still,) = _missing(repo, f"ended {run} FAILED 0", f"run {run}")
    assert "it is RUNNING with 0 events, not ('FAILED', 0)" in open_still
    repo.runs.fail_run(run, RunSummary(0, None, 1, success=False))
    assert _missing(repo, f"ended {run} FAILED 0", f"run {run}") == []
    (lost,) = _missing(repo, "release helper 1 abc")
    assert "helper@1: " in lost
    assert "instead of abc" in lost


def test_what_was_given_twice_is_named(repo: Repo) -> None:
    run = _begin(repo, said("a:1", 0, 1))
    assert _missing(repo, f"has {run} b:1 1 1", f"has {run} a:1 1 1") == [
        f"{run} seq 1 was given to b:1 and a:1"
    ]
    first, *_ = _missing(repo, "release helper 1 abc", "release helper 1 abd")
    assert first == "helper@1 was given twice"


def test_a_line_that_was_not_finished_is_not_told() -> None:
    told = Acknowledged()
    told.hear(["author run a\n", "author has a a:1 1"])
    assert told.runs == {"a": {}}
