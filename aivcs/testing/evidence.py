"""What every EvidenceStore must do. Subclass it and give a fixture ``open_repo``."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.comparison import Shift, Shifted
from aivcs.domain.digest import Digest
from aivcs.domain.evidence import Example, Result, Summary
from aivcs.domain.kinds import EVALUATION_RESULT
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.errors import InvalidEvidence, SpecNotFound
from aivcs.testing.owning import ledger_of
from aivcs.testing.subject import ENDED, RepoContract, add_spec, end, note

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aivcs.repo import Repo

SUITE = "orders"


def result(example: object, *, passed: object = True, **more: object) -> dict[str, Any]:
    """Return a result as somebody reports it."""
    return {"suite": SUITE, "example_id": example, "passed": passed, **more}


def file_of(results: Iterable[object]) -> bytes:
    """Return a file of results."""
    return json.dumps(list(results)).encode()


def ran(repo: Repo, spec: Digest, payloads: Iterable[Any], status: RunStatus | None) -> str:
    """Record a run with these results, RUNNING without a status, and return its id."""
    run_id = repo.runs.create_run(spec, RunMetadata("agent"))
    for seq, payload in enumerate(payloads, 1):
        repo.runs.append_event(run_id, note(seq, payload, EVALUATION_RESULT))
    if status is not None:
        end(repo, run_id, status)
    return run_id


class EvidenceContract(RepoContract):
    """Results are of one spec, whole or not there, and rest on seals."""

    def test_what_is_recorded_is_read_back(self, repo: Repo, spec: Digest) -> None:
        """In a fixed order, with the seal of the run that has it."""
        reported: list[Result | dict[str, Any]] = [
            result("b", passed=False, score=0.25, tags=["slow", "paid"], trial=2, note="late"),
            Result(SUITE, "b", passed=True),
            result("a", tags={"kind": "refund"}),
        ]
        run_id = repo.evidence.record(spec, reported, agent="me", tags={"n": 1})
        found = repo.evidence.of(spec)
        assert found.results == (
            Result(SUITE, "a", passed=True, tags=("kind=refund",), run_id=run_id, seq=3),
            Result(SUITE, "b", passed=True, run_id=run_id, seq=2),
            Result(
                SUITE,
                "b",
                passed=False,
                score=0.25,
                tags=("slow", "paid"),
                trial=2,
                run_id=run_id,
                seq=1,
            ),
        )
        sealed = ledger_of(repo).seals_of([run_id])[run_id]
        assert found.seals == ((run_id, sealed.hash.hex()),)
        assert (found.spec_digest, found.unreadable) == (spec, 0)
        run = repo.runs.get_run(run_id)
        assert (run.status, run.spec_digest, run.source) == (RunStatus.COMPLETED, spec, None)
        assert (run.metadata.agent_name, run.metadata.tags) == ("me", {"n": 1})
        first, *_ = repo.runs.get_events(run_id)
        assert first.payload == reported[0]
        assert repo.verify().ok

    def test_each_spec_has_its_own_evidence(self, repo: Repo, spec: Digest) -> None:
        """No result counts for another spec."""
        other = add_spec(repo, "Be brief.")
        repo.evidence.record(spec, [result("a")])
        run_id = repo.evidence.record(other, [result("a", passed=False)])
        assert repo.evidence.of(spec).pass_rate() == 1.0
        assert [one.run_id for one in repo.evidence.of(other).results] == [run_id]
        assert repo.evidence.list() == [
            Summary(other, SUITE, 1, 1, 0, 0.0, 1),
            Summary(spec, SUITE, 1, 1, 1, 1.0, 1),
        ]
        assert repo.evidence.list(1) == repo.evidence.list()[:1]

    def test_two_specs_by_the_same_examples(self, repo: Repo, spec: Digest) -> None:
        """Which examples do otherwise with the other one."""
        other = add_spec(repo, "Be brief.")
        repo.evidence.record(spec, [result("a"), result("b"), result("c", suite="more")])
        repo.evidence.record(other, [result("a", passed=False), result("b")])
        before, after = Example(1, 1), Example(1, 0)
        flip = Shifted(SUITE, "a", Shift.REGRESSED, before, after)
        assert repo.evidence.compare(spec, other, SUITE) == (flip,)
        dropped = Shifted("more", "c", Shift.DROPPED, before, None)
        assert repo.evidence.compare(spec, other) == (flip, dropped)

    def test_the_results_of_one_suite(self, repo: Repo, spec: Digest) -> None:
        """And the seals that those rest on."""
        one = repo.evidence.record(spec, [result("a")])
        both = repo.evidence.record(spec, [result("b"), result("c")], suite="other")
        assert [run for run, _ in repo.evidence.of(spec, SUITE).seals] == [one]
        assert [run for run, _ in repo.evidence.of(spec, "other").seals] == [both]
        assert repo.evidence.of(spec, "none").results == ()
        assert [found.suite for found in repo.evidence.list()] == [SUITE, "other"]

    def test_only_runs_that_have_ended_count(self, repo: Repo, spec: Digest) -> None:
        """However they ended; what a running one says may still change."""
        other = add_spec(repo, "Be brief.")
        for number, status in enumerate(ENDED):
            ran(repo, spec, [result(number)], status)
        going = ran(repo, spec, [result("later", passed=False)], None)
        ran(repo, spec, [], RunStatus.COMPLETED)
        assert repo.evidence.of(spec).examples() == {
            (SUITE, str(number)): Example(1, 1) for number in range(len(ENDED))
        }
        assert len(repo.evidence.of(spec).seals) == len(ENDED)
        end(repo, going, RunStatus.COMPLETED)
        assert repo.evidence.of(spec).examples()[SUITE, "later"] == Example(1, 0)
        assert repo.evidence.of(other).results == ()

    def test_early_results_that_stayed_outside_do_not_count(self, repo: Repo, spec: Digest) -> None:
        """The seal does not cover them."""
        run_id = repo.runs.create_run(spec, RunMetadata("agent"))
        for seq in (1, 3):
            repo.runs.append_event(run_id, note(seq, result(seq), EVALUATION_RESULT))
        end(repo, run_id, RunStatus.FAILED)
        assert list(repo.evidence.of(spec).examples()) == [(SUITE, "1")]

    def test_a_result_that_says_it_is_of_another_spec_is_of_none(
        self, repo: Repo, spec: Digest
    ) -> None:
        """Whoever writes events by himself is held to it as well."""
        other = add_spec(repo, "another")
        said = [
            {**result(n), "spec_digest": of} for n, of in enumerate(("no", str(other), 3, None))
        ]
        said += [
            {**result(n), "spec_digest": of} for n, of in ((8, str(spec)), (9, f"sha256:{spec}"))
        ]
        ran(repo, spec, said, RunStatus.COMPLETED)
        found = repo.evidence.of(spec)
        assert [one.example_id for one in found.results] == ["3", "8", "9"]
        assert (found.unreadable, found.erased) == (3, 0)
        assert repo.evidence.of(other).results == ()

    def test_results_that_say_nothing_are_counted(self, repo: Repo, spec: Digest) -> None:
        """Erased, or written in another form: they are in no share, and are not hidden."""
        odd = [result("a"), {"suite": SUITE}, "passed", result("b", passed="yes"), result("c")]
        run_id = ran(repo, spec, odd, RunStatus.COMPLETED)
        found = repo.evidence.of(spec)
        assert (len(found.results), found.unreadable) == (2, 3)
        assert found.erased == 0
        repo.runs.purge(run_id, [1, 5])
        found = repo.evidence.of(spec)
        assert (len(found.results), found.unreadable, found.erased) == (0, 5, 2)
        assert found.of(SUITE).erased == 2
        assert [run for run, _ in found.seals] == [run_id]

    def test_long_results_are_read_from_objects(self, repo: Repo, spec: Digest) -> None:
        """The body is an object then."""
        repo.evidence.record(spec, [result("a", log="line " * 5000), result("b")])
        assert len(repo.evidence.of(spec).results) == 2

    def test_the_same_file_again_changes_nothing(self, repo: Repo, spec: Digest) -> None:
        """For this spec; for another one it is evidence of its own."""
        other, data = add_spec(repo, "Be brief."), file_of([result("a"), result("b")])
        first = repo.evidence.record_file(spec, data)
        again = repo.evidence.record_file(spec, data, name="other name")
        assert (first.new, again.new) == (True, False)
        assert first.runs == again.runs
        assert repo.evidence.record_file(other, data).new
        assert len(repo.runs.list_runs()) == 2
        assert len(repo.evidence.of(spec).results) == 2
        (run,) = first.runs
        assert run.source is not None
        claim = json.loads(repo.objects.get(run.source.digest))
        file = Digest.of(data)
        assert claim == {
            "v": 1,
            "evaluation": {"file": str(file), "format": "json", "spec": str(spec), "suite": None},
        }
        repo.gc(full=True)
        assert repo.objects.get(file) == data
        assert repo.verify().ok

    def test_a_source_makes_recording_happen_once(self, repo: Repo, spec: Digest) -> None:
        """Also for results that were read by somebody else, and by several at a time."""

        def record(_: int) -> str:
            return repo.evidence.record(spec, [result("a")], source=b"the file")

        with ThreadPoolExecutor(4) as pool:
            ids = set(pool.map(record, range(8)))
        assert len(ids) == 1
        assert len(repo.runs.list_runs()) == 1
        assert record(0) in ids
        assert repo.evidence.record(spec, [result("a")]) not in ids

    @pytest.mark.parametrize(
        "wrong",
        [
            [],
            [result("a"), result("a")],
            [result("a"), {**result("b"), "passed": None}],
            [result("a"), result(None)],
            [result("a"), result("b", score=float("nan"))],
            [result("a"), result("b", note=float("inf"))],
            [result("a"), result("b", spec_digest="0" * 64)],
        ],
    )
    def test_what_is_wrong_is_refused_whole(
        self, repo: Repo, spec: Digest, wrong: list[Any]
    ) -> None:
        """Nothing of it is recorded."""
        with pytest.raises(InvalidEvidence):
            repo.evidence.record(spec, wrong)
        with pytest.raises(InvalidEvidence):
            repo.evidence.record_file(spec, file_of(wrong))
        assert repo.runs.list_runs() == []

    def test_an_unknown_spec(self, repo: Repo) -> None:
        """It has no evidence, and gets none."""
        with pytest.raises(SpecNotFound):
            repo.evidence.of("0" * 64)
        with pytest.raises(SpecNotFound):
            repo.evidence.record("0" * 64, [result("a")])
        with pytest.raises(SpecNotFound):
            repo.evidence.record_file("0" * 64, file_of([result("a")]))
