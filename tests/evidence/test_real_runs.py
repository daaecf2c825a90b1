"""Real tau-bench runs as evidence: four trials of each task, with rewards."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import combinations
from math import isclose
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.domain.evidence import Example
from aivcs.domain.run import RunStatus
from aivcs.errors import ConflictError, InvalidEvidence, InvalidName, InvalidSource
from aivcs.repo import open_repo
from aivcs.services.importing import Wanted
from aivcs.testing.evidence import file_of, ran, result
from aivcs.testing.subject import add_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aivcs.domain.digest import Digest
    from aivcs.domain.run import RunRecord, Source
    from aivcs.repo import Repo

EVENT = {"kind": "evaluation_result", "payload": result("a")}


@pytest.fixture
def repo() -> Iterator[Repo]:
    with open_repo("memory:") as repo:
        yield repo


@pytest.fixture
def spec(repo: Repo) -> Digest:
    return add_spec(repo, name="airline")


@pytest.fixture
def tau(data: Callable[[str], Path]) -> Path:
    return min(data("tau-bench").rglob("*.json"))


def lines(*events: object) -> bytes:
    return "\n".join(map(json.dumps, events)).encode()


def test_rewards_are_evidence(repo: Repo, spec: Digest, tau: Path) -> None:
    done = repo.evidence.record_file(spec, tau.read_bytes(), name=tau.name)
    raw = json.loads(tau.read_bytes())
    rewards: dict[str, list[bool]] = defaultdict(list)
    for run in raw:
        rewards[str(run["task_id"])].append(run["reward"] == 1)
    assert (len(done.runs), len(done.results), done.new) == (len(raw), len(raw), True)
    assert {run.metadata.agent_name for run in done.runs} == {"airline"}
    found = repo.evidence.of(spec)
    assert found.examples() == {
        ("tau-bench", task): Example(len(trials), sum(trials))
        for task, trials in sorted(rewards.items())
    }
    assert len(found.seals) == len(raw)
    for k in range(1, max(map(len, rewards.values())) + 1):
        each = [
            sum(map(all, chosen)) / len(chosen)
            for trials in rewards.values()
            if (chosen := list(combinations(trials, k)))
        ]
        power = found.pass_hat(k)
        assert power is not None
        assert isclose(power, sum(each) / len(each))


def test_runs_that_were_recorded_are_evidence_already(repo: Repo, tau: Path) -> None:
    """Whichever way a trajectory was recorded, no trial counts twice."""
    raw = tau.read_bytes()
    imported = repo.importer.record(raw, Wanted(), default_spec=lambda _: pytest.fail("named"))
    own = imported.runs[0].spec_digest
    assert own is not None
    before = repo.evidence.of(own)
    again = repo.evidence.record_file(own, raw)
    assert (again.new, len(again.results)) == (False, len(imported.runs))
    assert repo.evidence.of(own) == before
    with pytest.raises(InvalidEvidence, match=f"as runs of spec {own}: it is no evidence for"):
        repo.evidence.record_file(add_spec(repo), raw)


def test_verdicts_of_other_trajectories(
    repo: Repo, spec: Digest, data: Callable[[str], Path]
) -> None:
    path = min(data("who-and-when").rglob("*.json"))
    (found,) = repo.evidence.record_file(spec, path.read_bytes()).results
    assert found.suite == "who-and-when"
    assert repo.evidence.of(spec, "who-and-when").pass_rate() == float(found.passed)


def test_events_that_were_erased_are_no_results_any_more(
    repo: Repo, spec: Digest, tau: Path
) -> None:
    (first, *_) = repo.evidence.record_file(spec, tau.read_bytes()).runs
    repo.runs.purge(first.run_id)
    again = repo.evidence.record_file(spec, tau.read_bytes())
    assert len(again.results) == len(again.runs) - 1
    for run in again.runs:
        repo.runs.purge(run.run_id)
    with pytest.raises(InvalidEvidence, match="holds no result"):
        repo.evidence.record_file(spec, tau.read_bytes())


@pytest.mark.parametrize("format_name", ["auto", "jsonl"])
def test_lines_of_events_are_a_run(repo: Repo, spec: Digest, format_name: str) -> None:
    raw = lines({"kind": "note"}, EVENT)
    done = repo.evidence.record_file(
        spec, raw, format=format_name, suite="orders", agent="me", tags={"n": 1}
    )
    (run,) = done.runs
    assert (run.metadata.agent_name, run.metadata.tags, run.total_events) == ("me", {"n": 1}, 2)
    assert repo.evidence.of(spec).examples() == {("orders", "a"): Example(1, 1)}


@pytest.mark.parametrize(
    ("events", "suite", "message"),
    [
        ([{"kind": "note"}], None, "runs.jsonl holds no result"),
        ([EVENT, EVENT], None, "event 2 of run 0 of runs.jsonl is a second result of trial 1"),
        ([{**EVENT, "payload": 5}], None, "event 1 of run 0 of runs.jsonl has no suite"),
        ([EVENT], "other", "event 1 of run 0 of runs.jsonl is of suite 'orders', not of 'other'"),
    ],
)
def test_trajectories_that_are_no_evidence(
    repo: Repo, spec: Digest, events: list[Any], suite: str | None, message: str
) -> None:
    with pytest.raises(InvalidEvidence) as caught:
        repo.evidence.record_file(spec, lines(*events), suite=suite, name="runs.jsonl")
    assert caught.value.message.startswith(message)
    assert repo.runs.list_runs() == []


def test_a_file_says_where_it_is_wrong(repo: Repo, spec: Digest) -> None:
    with pytest.raises(InvalidSource, match=r"line 1 of r\.json is not JSON"):
        repo.evidence.record_file(spec, b"[}", name="r.json")
    odd = {"spec_digest": "0" * 64, "results": [result("a")]}
    with pytest.raises(InvalidEvidence, match=r"r\.json is evidence for spec 0{64}, not for"):
        repo.evidence.record_file(spec, json.dumps(odd).encode(), name="r.json")
    skipped = b"<testsuite><testcase name='t'><skipped/></testcase></testsuite>"
    with pytest.raises(InvalidEvidence, match=r"r\.xml \(1 skipped\) holds no result"):
        repo.evidence.record_file(spec, skipped, name="r.xml")
    with pytest.raises(InvalidName):
        repo.evidence.record_file(spec, file_of([result("a")]), agent="a b")
    assert repo.runs.list_runs() == []


def test_suites_that_are_asked_for_make_another_record(repo: Repo, spec: Digest) -> None:
    raw = file_of([result("a")])
    assert repo.evidence.record_file(spec, raw).new
    assert repo.evidence.record_file(spec, raw, suite="other").new
    assert not repo.evidence.record_file(spec, raw, suite="other").new
    assert repo.evidence.of(spec).suites() == ("orders", "other")


def test_who_comes_second_is_told_of_the_first(
    repo: Repo, spec: Digest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody records the same file between the look and the commit."""
    raw = file_of([result("a")])
    first = repo.evidence.record_file(spec, raw)
    look = MemoryLedger.run_from
    looks: list[Source] = []

    def late(ledger: MemoryLedger, source: Source) -> RunRecord | None:
        looks.append(source)
        return None if len(looks) == 1 else look(ledger, source)

    monkeypatch.setattr(MemoryLedger, "run_from", late)
    second = repo.evidence.record_file(spec, raw)
    assert (second.new, second.runs, len(looks)) == (False, first.runs, 2)
    assert len(repo.runs.list_runs()) == 1


def test_a_run_id_that_is_taken_is_a_conflict() -> None:
    with open_repo("memory:", ids=lambda: "the same") as repo:
        spec = add_spec(repo)
        repo.evidence.record(spec, [result("a")])
        with pytest.raises(ConflictError, match="there is a run the same already"):
            repo.evidence.record(spec, [result("a")])


def test_reading_goes_over_many_runs_page_by_page(
    repo: Repo, spec: Digest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aivcs.services.evidence_reading._PAGE", 2)
    for number in range(5):
        ran(repo, spec, [result(number)], None if number == 2 else RunStatus.COMPLETED)
    assert len(repo.evidence.of(spec).results) == 4
