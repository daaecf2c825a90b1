"""What gates on evidence and approvals must do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.domain.events import RunEvent
from aivcs.domain.evidence import Result
from aivcs.domain.run import RunMetadata
from aivcs.errors import GateFailed, InvalidInputError, InvalidName, InvalidSpec, SpecNotFound
from aivcs.testing.releases import promoted, story
from aivcs.testing.subject import RepoContract, add_spec, by

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from aivcs.domain.canonical import Json
    from aivcs.domain.digest import Digest
    from aivcs.domain.release import ReleaseRecord
    from aivcs.repo import Repo

_NAME = "helper"


def results(outcomes: str, suite: str = "s", tags: tuple[str, ...] = ()) -> Iterable[Result]:
    """Return a result a character: ``+`` passed, ``-`` failed; a space ends an example."""
    for number, trials in enumerate(outcomes.split()):
        for trial, outcome in enumerate(trials, 1):
            yield Result(suite, f"e{number}", outcome == "+", None, tags, trial)


class ReleaseGatesContract(RepoContract):
    """See RepoContract for the fixtures."""

    def test_a_release_without_gates_has_no_verdict(self, repo: Repo, spec: Digest) -> None:
        """Nobody asked for one."""
        assert repo.releases.promote(_NAME, spec, by()).verdict is None

    def test_the_verdict_is_part_of_the_entry(self, repo: Repo, spec: Digest) -> None:
        """It says what each gate asked and saw, and which seals that rests on."""
        runs = [repo.evidence.record(spec, list(results("+ + -"))) for _ in range(2)]
        record = repo.releases.promote(
            _NAME, spec, by(notes="new"), require=["min_pass_rate=0.5", "require_notes"]
        )
        verdict = record.verdict
        assert verdict is not None
        assert verdict.passed
        assert [(one.gate, one.value, one.passed) for one in verdict.gates] == [
            ("min_pass_rate", 0.5, True),
            ("require_notes", True, True),
        ]
        assert verdict.gates[0].detail == "0.6667 over 3 examples"
        assert [run for run, _ in verdict.evidence] == sorted(map(str, runs))
        sealed = {seal.run_id: seal.hash.hex() for seal in repo.objects.ledger.seals()}
        assert all(sealed[run] == seal for run, seal in verdict.evidence)
        assert repo.releases.current(_NAME) == record
        assert repo.verify().ok

    def test_what_refuses_appends_nothing(self, repo: Repo, spec: Digest) -> None:
        """Every violation is in the message."""
        repo.evidence.record(spec, list(results("+ -")))
        asked = ["min_pass_rate", "min_examples=3", "no_flip", "require_approval"]
        with pytest.raises(GateFailed) as caught:
            repo.releases.promote(_NAME, spec, by("ann"), require=asked)
        assert caught.value.message == (
            "helper was not promoted: min_pass_rate: 0.5 over 2 examples, at least 0.95 is asked;"
            " min_examples: 2 examples, at least 3 is asked;"
            " require_approval: nobody approved, 1 other than ann must"
        )
        assert repo.releases.history(_NAME) == []

    def test_an_empty_suite_fails(self, repo: Repo, spec: Digest) -> None:
        """Also when runs of the spec exist that say nothing, and for a result of another spec."""
        other = add_spec(repo, "another")
        repo.evidence.record(other, list(results("+ +")))
        repo.runs.create_run(spec, RunMetadata("agent"))
        for gate in ("min_pass_rate=0", "min_examples", "min_pass_hat=1:0"):
            with pytest.raises(GateFailed, match="no evaluation of this spec"):
                repo.releases.promote(_NAME, spec, by(), require=[gate])
        repo.releases.promote(_NAME, spec, by(), require=["require_tag=safety", "no_flip"])

    def test_only_ended_runs_are_evidence(self, repo: Repo, spec: Digest) -> None:
        """What still runs may yet say something else."""
        run_id = repo.runs.create_run(spec, RunMetadata("agent"))
        said: dict[str, Json] = {"suite": "s", "example_id": "e", "passed": True}
        repo.runs.append_event(run_id, RunEvent(None, "evaluation_result", said))
        with pytest.raises(GateFailed):
            repo.releases.promote(_NAME, spec, by(), require=["min_pass_rate"])

    def test_against_the_current_release(self, repo: Repo) -> None:
        """A mean may rise while an example that passed fails; the baseline is what is current."""
        specs = promoted(repo, "A")
        new = add_spec(repo, "new")
        asked = ["max_regression=0", "no_flip"]
        repo.evidence.record(new, list(results("- + +")))
        repo.releases.promote("other", new, by(), require=asked)
        repo.evidence.record(specs["A"], list(results("+ - -")))
        with pytest.raises(GateFailed, match=r"promoted: no_flip: 1 passed before: s/e0 \(0/1\)$"):
            repo.releases.promote(_NAME, new, by(), require=asked)
        worse = add_spec(repo, "worse")
        repo.evidence.record(worse, list(results("+- - -")))
        with pytest.raises(GateFailed, match=r"max_regression: from 0.3333 to 0.1667"):
            repo.releases.promote(_NAME, worse, by(), require=["max_regression=0.1"])
        assert repo.releases.promote(_NAME, worse, by(), require=["max_regression=0.2"]).verdict

    def test_the_baseline_moves_with_what_is_current(self, repo: Repo) -> None:
        """After a rollback the candidate is compared with what was restored."""
        specs = promoted(repo, "AB")
        repo.evidence.record(specs["A"], list(results("+ -")))
        repo.evidence.record(specs["B"], list(results("- +")))
        repo.releases.promote(_NAME, specs["B"], by(), require=["no_flip"])
        repo.releases.rollback(_NAME, to=1)
        with pytest.raises(GateFailed, match="s/e0"):
            repo.releases.promote(_NAME, specs["B"], by(), require=["no_flip"])

    def test_a_rollback_asks_no_gate(self, repo: Repo, spec: Digest) -> None:
        """It is the way out, whatever evaluations say by now."""
        repo.evidence.record(spec, list(results("+")))
        repo.releases.promote(_NAME, spec, by(), require=["min_pass_rate"])
        promoted(repo, "B")
        repo.evidence.record(spec, list(results("- - -")))
        assert repo.releases.rollback(_NAME).spec_digest == spec
        assert story(repo) == "?B?"

    def test_approvals(self, repo: Repo, spec: Digest) -> None:
        """They count for exactly the spec, and for the name they were given for."""
        other = add_spec(repo, "another")
        repo.approvals.approve(other, actor="bob")
        repo.approvals.approve(spec, actor="ann")
        repo.approvals.approve(spec, actor="bob", name="elsewhere")
        asked = ["require_approval"]

        def promote(who: str, *more: str) -> ReleaseRecord:
            return repo.releases.promote(_NAME, spec, by(who), require=[*asked, *more])

        repo.approvals.approve(spec, actor="\uff21n\u200bn ")
        with pytest.raises(GateFailed, match="nobody approved, 1 other than Ann must"):
            promote("Ann")
        found = repo.approvals.approve(spec, actor="bob", name=_NAME, comment="read it")
        record = promote("ann")
        assert record.verdict is not None
        assert (found.run_id, found.seal) in record.verdict.evidence
        assert [one.actor for one in repo.approvals.of(spec)] == [
            "bob",
            "\uff21n\u200bn ",
            "bob",
            "ann",
        ]
        assert next(repo.approvals.of(spec)) == found
        with pytest.raises(GateFailed, match="approved by bob, 2 other than ann must"):
            promote("ann", "require_approval=2")
        assert promote("cy", "require_approval=2").seq == 2
        assert repo.verify().ok

    def test_bad_approvals(self, repo: Repo, spec: Digest) -> None:
        """They leave nothing behind."""
        with pytest.raises(SpecNotFound):
            repo.approvals.approve("f" * 64, actor="ann")
        with pytest.raises(InvalidInputError):
            repo.approvals.approve(spec, actor=" ")
        with pytest.raises(InvalidName):
            repo.approvals.approve(spec, actor="ann", name="a b")
        with pytest.raises(InvalidInputError):
            repo.approvals.approve(spec, actor="ann", comment="a\0")
        assert list(repo.approvals.of(spec)) == []
        assert repo.runs.list_runs() == []

    def test_an_erased_approval_approves_nothing(self, repo: Repo, spec: Digest) -> None:
        """Nor does an event of that kind in a run that is no approval."""
        found = repo.approvals.approve(spec, actor="bob")
        repo.runs.purge(found.run_id)
        run_id = repo.runs.create_run(spec, RunMetadata("agent"))
        repo.runs.append_event(run_id, RunEvent(None, "approval", {"actor": "eve"}))
        assert list(repo.approvals.of(spec)) == []

    def test_whoever_erases_failures_does_not_pass(self, repo: Repo, spec: Digest) -> None:
        """Neither those of the candidate, nor the passes that it would be compared with."""
        asked = ["min_pass_rate=0.9"]
        repo.evidence.record(spec, list(results("+ + +")))
        run_id = repo.evidence.record(spec, list(results("- -", "hard")))
        with pytest.raises(GateFailed, match=r"min_pass_rate: 0\.6 over 5"):
            repo.releases.promote(_NAME, spec, by(), require=asked)
        repo.runs.purge(run_id)
        with pytest.raises(GateFailed, match="min_pass_rate: 2 results were erased"):
            repo.releases.promote(_NAME, spec, by(), require=[*asked, "require_spec_digest"])
        assert repo.releases.promote(_NAME, spec, by(), require=["require_spec_digest"]).seq == 1
        other = add_spec(repo, "another")
        repo.evidence.record(other, list(results("+ + +")))
        with pytest.raises(GateFailed, match="no_flip: 2 results were erased, of this spec or the"):
            repo.releases.promote(_NAME, other, by(), require=["no_flip"])
        assert repo.releases.promote("elsewhere", other, by(), require=asked).seq == 1

    def test_unique_labels(self, repo: Repo, spec: Digest) -> None:
        """A label that any release bears is taken, also one that came since the last look."""
        asked = ["unique_version"]
        repo.releases.promote(_NAME, spec, by(label="1"), require=asked)
        repo.releases.promote(_NAME, spec, by(), require=asked)
        with pytest.raises(GateFailed, match="'1' is the label of an earlier release"):
            repo.releases.promote(_NAME, spec, by(label="1"), require=asked)
        repo.releases.promote(_NAME, spec, by(label="2"))
        with pytest.raises(GateFailed, match="'2'"):
            repo.releases.promote(_NAME, spec, by(label="2"), require=asked)
        repo.releases.promote("other", spec, by(label="2"), require=asked)
        assert repo.releases.promote(_NAME, spec, by(label="3"), require=asked).seq == 4

    def test_a_manifest_adds_gates(self, repo: Repo, tmp_path: Path) -> None:
        """The stricter of two values holds; a typo is refused when the spec is added."""
        folder = tmp_path / "agent"
        folder.mkdir()
        (folder / "system.md").write_text("Help.")
        manifest = folder / "aivcs.toml"
        manifest.write_text("[gates]\nmin_pass_rate = 0.9\nrequire_notes = true\n")
        spec = repo.specs.add(folder)
        repo.evidence.record(spec.digest, list(results("+ + + -")))
        with pytest.raises(GateFailed, match=r"min_pass_rate: 0.75 .* 0.9 .*; require_notes"):
            repo.releases.promote(_NAME, spec, by(), require=["min_pass_rate=0.5"])
        with pytest.raises(GateFailed, match=r"at least 1\.0 is asked; require_notes"):
            repo.releases.promote(_NAME, spec, by(), require=["min_pass_rate=1"])
        for wrong in ("[gates]\nmin_pas_rate = 1\n", "gates = 3\n", "[gates]\nno_flip = 2\n"):
            manifest.write_text(wrong)
            with pytest.raises(InvalidSpec, match=r"aivcs\.toml: gates"):
                repo.specs.add(folder)

    @pytest.mark.parametrize("gate", ["min_pass_rate=2", "min_pass_rate=x", "no_flip=1", "", "x=1"])
    def test_a_requirement_that_is_none(self, repo: Repo, spec: Digest, gate: str) -> None:
        """It is refused before anything is read."""
        with pytest.raises(InvalidInputError):
            repo.releases.promote(_NAME, spec, by(), require=[gate])
        assert repo.releases.history(_NAME) == []
