from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

import aivcs
from aivcs.domain.digest import Digest
from aivcs.domain.evidence import Result
from aivcs.domain.run import RunMetadata
from aivcs.domain.stream import Family
from aivcs.domain.verdict import Outcome, Verdict, read_verdict
from aivcs.errors import CorruptionError
from aivcs.services.check_verdicts import VerdictChecks
from aivcs.services.release_entry import read_record
from aivcs.testing.subject import add_spec, by

BOTH = Verdict(
    Digest.of(b"policy"),
    (
        Outcome("min_pass_rate", 0.9, passed=False, detail="too few"),
        Outcome("no_flip", value=True, passed=True),
        Outcome("require_notes", value=True, passed=False, detail="none"),
    ),
    (("run", "ab"),),
)


def test_what_is_written_is_read() -> None:
    assert read_verdict(BOTH.json()) == BOTH
    assert not BOTH.passed
    assert BOTH.violations() == "min_pass_rate: too few; require_notes: none"
    good = Verdict(BOTH.policy, BOTH.gates[1:2])
    assert good.passed
    assert good.violations() == ""
    assert read_verdict(good.json()) == good


@pytest.mark.parametrize(
    "change",
    [
        {"passed": True},
        {"gates": [{"gate": "x"}]},
        {"gates": None},
        {"evidence": [["a"]]},
        {"policy": "x"},
    ],
)
def test_what_is_no_verdict(change: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        read_verdict({**BOTH.json(), **change})


def test_a_body_that_is_no_release() -> None:
    with aivcs.open("memory:") as repo:
        record = repo.releases.promote("bot", add_spec(repo), by(), require=["spec_digest_valid"])
        (entry,) = repo.objects.ledger.entries(Family.RELEASE, "bot")
    body: dict[str, Any] = json.loads(entry.body or "")
    assert read_record("bot", entry, body) == record
    for change in ({"verdict": {"policy": "x"}}, {"receipt": {"bytes": 1}}, {"receipt": 3}):
        with pytest.raises(CorruptionError, match="release bot@1 cannot be read"):
            read_record("bot", entry, {**body, **change})


def test_a_verdict_rests_on_what_was_sealed() -> None:
    with aivcs.open("memory:") as repo:
        spec = add_spec(repo)
        run = repo.evidence.record(spec, [Result("s", "e", passed=True)])
        record = repo.releases.promote("bot", spec, by(), require=["min_pass_rate"])
        assert record.verdict is not None
        ((_, seal),) = record.verdict.evidence
        running = repo.runs.create_run(spec, RunMetadata("agent"))
        told = [("gone", seal), (str(run), "ab"), (str(running), seal), (str(run), seal)]
        edited = replace(record, verdict=replace(record.verdict, evidence=tuple(told)))
        checks = VerdictChecks(repo.objects.ledger)
        assert list(checks.problems([replace(record, verdict=None), record])) == []
        assert list(checks.problems([edited])) == [
            "seq 1 rests on run gone, which is not sealed here",
            f"seq 1 rests on run {run}, which has another seal now",
            f"seq 1 rests on run {running}, which is not sealed here",
        ]


def test_a_verification_looks_at_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    with aivcs.open("memory:") as repo:
        spec = add_spec(repo)
        repo.evidence.record(spec, [Result("s", "e", passed=True)])
        repo.releases.promote("bot", spec, by(), require=["min_pass_rate"])
        assert repo.verify().ok
        monkeypatch.setattr(VerdictChecks, "_seal", lambda *_: "ab")
        (problem,) = repo.verify().problems
        assert (problem.kind, problem.id) == ("release", "bot")
        assert "has another seal now" in problem.detail
