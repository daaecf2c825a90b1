"""Erasing what events say: what every repository must do. Give a fixture ``open_repo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.domain.executions.lifecycle import ExecutionCancelled
from aivcs.domain.executions.steps import StepCompleted, StepStarted, StepType
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.domain.stream import Family
from aivcs.errors import InvalidEvent, InvalidInputError, InvalidRunState, RunNotFound
from aivcs.testing.owning import ledger_of
from aivcs.testing.subject import RepoContract, end, note

if TYPE_CHECKING:
    from aivcs.domain.digest import Digest
    from aivcs.domain.run import RunId
    from aivcs.repo import Repo

WORDS = "what Ann Onymous told the agent"
_LONG = {"text": WORDS * 1000}


class PurgingContract(RepoContract):
    """Bodies go, and the proof that they were there stays."""

    @pytest.fixture
    def ended(self, repo: Repo, run_id: RunId) -> RunId:
        """Return a FAILED run with events 1, 2, 3 (an object) and an early 5."""
        for seq, payload in ((1, {}), (2, {"to": WORDS}), (3, _LONG), (5, {"early": WORDS})):
            repo.runs.append_event(run_id, note(seq, payload))
        end(repo, run_id, RunStatus.FAILED)
        return run_id

    @pytest.mark.parametrize("files", [False, True])
    def test_what_the_state_store_keeps_of_it(self, repo: Repo, *, files: bool) -> None:
        """A snapshot is folded from events, so it goes with them; values are no events."""
        for run_id in ("x", "other"):
            repo.events.append_batch(
                run_id,
                "acme",
                [
                    StepStarted("one", StepType.TOOL_NODE, "search"),
                    StepCompleted("one", duration_ms=1, output=WORDS),
                ],
            )
            found = repo.state.load_fresh(run_id)
            assert found is not None
            assert found.step_outputs == {"one": WORDS}
            repo.state.set(f"exec:{run_id}:var:a", b"kept")
        repo.events.append("x", "acme", ExecutionCancelled("enough"))
        assert not repo.runs.purge("x", files=files).traces
        assert repo.state.list_snapshots("acme") == ["other"]
        assert repo.state.get("exec:x:var:a") == (None if files else b"kept")
        assert repo.state.get("exec:other:var:a") == b"kept"
        again = repo.state.load_fresh("x")
        assert again is not None
        assert WORDS not in again.to_json()

    def test_all_of_it(self, repo: Repo, ended: RunId) -> None:
        """Seq, kind and time stay; tree, root and seal hold; a second time changes nothing."""
        before, seals = repo.runs.get_run(ended), ledger_of(repo).seals()
        tree = ledger_of(repo).stream(Family.RUN, ended)
        events = repo.runs.get_events(ended)
        done = repo.runs.purge(ended)
        assert (done.run_id, done.erased, done.before, done.traces) == (ended, 4, 0, False)
        assert len(done.objects) + len(done.kept) == 1
        after = repo.runs.get_events(ended)
        assert [(e.seq, e.kind, e.timestamp) for e in after] == [
            (e.seq, e.kind, e.timestamp) for e in events
        ]
        assert {(event.payload, event.erased) for event in after} == {(None, True)}
        assert repo.runs.get_run(ended) == before
        assert ledger_of(repo).stream(Family.RUN, ended) == tree
        assert ledger_of(repo).seals() == seals
        report = repo.verify()
        assert report.ok
        assert report.checked["events"] == 3
        again = repo.runs.purge(ended)
        assert (again.erased, again.before, again.objects, again.kept) == (0, 4, (), ())
        assert repo.runs.get_events(ended) == after

    def test_some_of_it(self, repo: Repo, ended: RunId) -> None:
        """Those that are named; the others say what they said."""
        done = repo.runs.purge(ended, [2, 5, 2])
        assert (done.erased, done.before, done.objects, done.kept) == (2, 0, (), ())
        found = {event.seq: (event.payload, event.erased) for event in repo.runs.get_events(ended)}
        assert found == {1: ({}, False), 2: (None, True), 3: (_LONG, False), 5: (None, True)}
        assert (repo.runs.purge(ended).erased, repo.verify().ok) == (2, True)

    def test_what_is_refused(self, repo: Repo, spec: Digest, ended: RunId) -> None:
        """A run that goes on, an unknown one, an event that is not there: nothing is erased."""
        going = repo.runs.create_run(spec, RunMetadata("agent"))
        repo.runs.append_event(going, note())
        with pytest.raises(InvalidRunState, match="RUNNING"):
            repo.runs.purge(going)
        with pytest.raises(RunNotFound):
            repo.runs.purge("nobody")
        for seqs in ([1, 4], [6]):
            with pytest.raises(InvalidInputError, match="has no event"):
                repo.runs.purge(ended, seqs)
        for wrong in (0, -1, 2**53, True):
            with pytest.raises(InvalidEvent):
                repo.runs.purge(ended, [1, wrong])
        found = [*repo.runs.get_events(going), *repo.runs.get_events(ended)]
        assert not any(event.erased for event in found)

    def test_none_of_it(self, repo: Repo, ended: RunId) -> None:
        """No seqs are not all of them."""
        assert repo.runs.purge(ended, []).erased == 0
        assert repo.runs.get_events(ended)[1].payload == {"to": WORDS}

    def test_a_body_that_another_run_has_too(self, repo: Repo, spec: Digest, ended: RunId) -> None:
        """It stays there, and says so."""
        other = repo.runs.create_run(spec, RunMetadata("agent"))
        repo.runs.append_event(other, note(None, _LONG))
        end(repo, other, RunStatus.COMPLETED)
        done = repo.runs.purge(ended)
        assert (done.objects, len(done.kept)) == ((), 1)
        assert repo.runs.get_events(other)[0].payload == _LONG

    def test_what_is_no_event(self, repo: Repo, spec: Digest) -> None:
        """Artifacts and checkpoints stay, unless they are to go as well."""
        with repo.run(spec=spec, agent="agent") as run:
            digest = run.artifact("letter.txt", WORDS)
        assert repo.runs.purge(run.run_id).files
        assert repo.objects.get(digest) == WORDS.encode()
        assert not repo.runs.purge(run.run_id, files=True).files
        assert repo.runs.get_run(run.run_id).expired_at is not None
        assert not repo.runs.purge(run.run_id, files=True).files
        assert repo.verify().ok
