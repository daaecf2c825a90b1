"""What every RunLedger must do. Subclass it and give a fixture ``open_repo``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from aivcs.domain.digest import Digest
from aivcs.domain.run import RunMetadata, RunStatus, RunSummary
from aivcs.domain.strictjson import MAX_DEPTH
from aivcs.errors import (
    InvalidDigest,
    InvalidInputError,
    InvalidName,
    InvalidRunState,
    InvalidSummary,
    RunNotFound,
    SpecNotFound,
    StillReferenced,
)
from aivcs.testing.run_events import RunEventsContract
from aivcs.testing.subject import ENDED, NOON, add_spec, end, ending, note

if TYPE_CHECKING:
    from aivcs.domain.run import RunId
    from aivcs.repo import Repo
    from aivcs.testing.subject import OpenRepo

_ABSENT = Digest.of(b"never stored")


def listed(repo: Repo, **wanted: Any) -> list[RunId]:  # noqa: ANN401 - list_runs' own arguments
    """Return the ids of the runs that ``list_runs`` gives."""
    return [run.run_id for run in repo.runs.list_runs(**wanted)]


class RunLedgerContract(RunEventsContract):
    """Runs from their beginning to their end, and their events."""

    def test_a_new_run(self, repo: Repo, spec: Digest) -> None:
        """It is RUNNING, under a uuid4, with what the caller said of it."""
        tags = {"suite": "smoke", "trial": [1, None, {"deep": 2.5}]}
        metadata = RunMetadata("helper", "abc123", tags, {"python": "3.11"})
        run_id = repo.runs.create_run(spec, metadata)
        assert UUID(run_id).version == 4
        run = repo.runs.get_run(run_id)
        assert (run.run_id, run.spec_digest, run.metadata) == (run_id, spec, metadata)
        assert run.status is RunStatus.RUNNING
        assert (run.summary, run.completed_at, run.reason, run.source) == (None,) * 4
        assert run.total_events == 0

    def test_text_serves_for_ids(self, repo: Repo, spec: Digest) -> None:
        """A digest and a run id may be given as plain text."""
        run_id = repo.runs.create_run(f"sha256:{str(spec).upper()}", RunMetadata("agent"))
        repo.runs.append_event(str(run_id), note())
        assert repo.runs.get_run(str(run_id)).spec_digest == spec
        assert listed(repo, spec_digest=str(spec)) == [run_id]

    @pytest.mark.parametrize("tags", [None, "text", 3, [], {}, {"a": {"b": []}}])
    def test_tags_are_any_json(self, repo: Repo, spec: Digest, tags: Any) -> None:  # noqa: ANN401
        """They come back as they were."""
        run_id = repo.runs.create_run(spec, RunMetadata("agent", tags=tags))
        assert repo.runs.get_run(run_id).metadata.tags == tags

    def test_tags_belong_to_the_run(self, repo: Repo, spec: Digest) -> None:
        """Changing the caller's object afterwards changes nothing that is stored."""
        tags: dict[str, Any] = {"a": [1]}
        run_id = repo.runs.create_run(spec, RunMetadata("agent", tags=tags))
        tags["a"].append(2)
        assert repo.runs.get_run(run_id).metadata.tags == {"a": [1]}

    def test_a_run_needs_a_stored_spec_and_a_name(self, repo: Repo, spec: Digest) -> None:
        """Otherwise nothing is created."""
        with pytest.raises(SpecNotFound, match=str(_ABSENT)):
            repo.runs.create_run(_ABSENT, RunMetadata("agent"))
        with pytest.raises(InvalidDigest):
            repo.runs.create_run("abc", RunMetadata("agent"))
        for name in ("", "-x", "two words", "a@1", "x" * 129):
            with pytest.raises(InvalidName):
                repo.runs.create_run(spec, RunMetadata(name))
        with pytest.raises(InvalidInputError):
            repo.runs.create_run(spec, RunMetadata("agent", tags={"x": object()}))  # type: ignore[dict-item]
        deep: Any = []
        for _ in range(MAX_DEPTH):
            deep = [deep]
        for metadata in (
            RunMetadata("agent", tags=deep),
            RunMetadata("agent", environment={"x": deep}),
        ):
            with pytest.raises(InvalidInputError, match="too deeply"):
                repo.runs.create_run(spec, metadata)
        assert repo.runs.list_runs() == []

    def test_an_unknown_run(self, repo: Repo) -> None:
        """Every operation names it and leaves nothing behind."""
        for unknown in ("nonexistent", "", "lone \ud800"):
            with pytest.raises(RunNotFound):
                repo.runs.get_run(unknown)
            for status in ENDED:
                with pytest.raises(RunNotFound):
                    end(repo, unknown, status)
        assert repo.runs.list_runs() == []

    @pytest.mark.parametrize("status", ENDED)
    def test_a_run_ends(self, repo: Repo, run_id: RunId, status: RunStatus) -> None:
        """Its summary is kept, its events are counted by the ledger, its time is set."""
        repo.runs.append_events(run_id, [note(), note(), note()])
        summary = RunSummary(99, _ABSENT, 1234, success=status is RunStatus.COMPLETED)
        before = repo.clock()
        repo.runs.end_run(run_id, status, summary, reason="because")
        run = repo.runs.get_run(run_id)
        assert run.status is status
        assert run.status.value == status.name
        assert run.summary == RunSummary(3, _ABSENT, 1234, summary.success)
        assert run.completed_at is not None
        assert before <= run.completed_at <= repo.clock()
        assert (run.total_events, run.reason) == (3, "because")

    @pytest.mark.parametrize("second", ENDED)
    @pytest.mark.parametrize("first", ENDED)
    def test_a_run_ends_once(
        self, repo: Repo, run_id: RunId, first: RunStatus, second: RunStatus
    ) -> None:
        """A second end is refused, whatever it is; the first outcome survives."""
        ended = end(repo, run_id, first)
        with pytest.raises(InvalidRunState, match=f"{run_id} is {first.value}, expected RUNNING"):
            end(repo, run_id, second)
        assert repo.runs.get_run(run_id) == ended

    @pytest.mark.parametrize("status", ENDED)
    def test_a_summary_does_not_contradict_the_end(
        self, repo: Repo, run_id: RunId, status: RunStatus
    ) -> None:
        """Success means COMPLETED, and durations are whole milliseconds."""
        wrong = status is not RunStatus.COMPLETED
        for summary in (
            RunSummary(0, None, 5, success=wrong),
            RunSummary(0, None, -1, success=not wrong),
            RunSummary(0, None, 2**53, success=not wrong),
            RunSummary(0, None, 1.5, success=not wrong),  # type: ignore[arg-type]
        ):
            with pytest.raises(InvalidSummary):
                repo.runs.end_run(run_id, status, summary)
        assert repo.runs.get_run(run_id).status is RunStatus.RUNNING

    @pytest.mark.parametrize("status", ENDED)
    def test_the_final_state_is_kept(self, repo: Repo, run_id: RunId, status: RunStatus) -> None:
        """A state that is stored here is needed by the run; else it is only a digest."""
        state = repo.objects.put(b'{"done": true}')
        run = end(repo, run_id, status, state)
        assert run.summary is not None
        assert run.summary.final_state_digest == state
        with pytest.raises(StillReferenced, match=run_id):
            repo.objects.delete(state)

    def test_any_text_is_a_reason(self, repo: Repo, run_id: RunId) -> None:
        """A reason may quote bytes that are no text; what cannot be stored is escaped."""
        summary = ending(RunStatus.FAILED)
        repo.runs.end_run(run_id, RunStatus.FAILED, summary, reason="bad name: \udcff, zero: \0")
        assert repo.runs.get_run(run_id).reason == "bad name: \\udcff, zero: \\x00"

    def test_runs_are_listed_newest_first(self, repo: Repo, spec: Digest) -> None:
        """In the order of their creation, whatever the clock says."""
        assert listed(repo) == []
        ids = [repo.runs.create_run(spec, RunMetadata("agent")) for _ in range(5)]
        assert listed(repo) == ids[::-1]

    def test_equal_times_do_not_disturb_the_order(self, open_repo: OpenRepo) -> None:
        """A clock that stands still, or goes back, is no reason to mix up runs."""
        times = [NOON, NOON, NOON - timedelta(days=1)]
        with open_repo(clock=lambda: times[-1]) as repo:
            spec = add_spec(repo)
            ids = []
            while times:
                ids.append(repo.runs.create_run(spec, RunMetadata("agent")))
                if len(times) == 1:
                    break
                times.pop()
            assert listed(repo) == ids[::-1]

    def test_filters(self, repo: Repo) -> None:
        """By spec, agent and status, alone and together."""
        one, two = add_spec(repo, "one"), add_spec(repo, "two")
        a = repo.runs.create_run(one, RunMetadata("a"))
        b = repo.runs.create_run(two, RunMetadata("b"))
        c = repo.runs.create_run(one, RunMetadata("b"))
        end(repo, b, RunStatus.FAILED)
        assert listed(repo, spec_digest=one) == [c, a]
        assert listed(repo, agent="b") == [c, b]
        assert listed(repo, status=RunStatus.RUNNING) == [c, a]
        assert listed(repo, status="failed") == [b]
        assert listed(repo, spec_digest=one, agent="b", status="RUNNING") == [c]
        assert listed(repo, spec_digest=_ABSENT) == listed(repo, agent="nobody") == []
        with pytest.raises(InvalidInputError, match="done") as refused:
            repo.runs.list_runs(status="done")
        assert refused.value.hint == "one of RUNNING, COMPLETED, FAILED, CANCELLED"

    def test_pages(self, repo: Repo, spec: Digest) -> None:
        """Each page begins behind the run that ended the one before, also with filters."""
        ids = [repo.runs.create_run(spec, RunMetadata(f"a{n % 2}")) for n in range(7)]
        newest = ids[::-1]
        assert listed(repo, limit=3) == newest[:3]
        assert listed(repo, limit=3, after=newest[2]) == newest[3:6]
        assert listed(repo, limit=2**70, after=newest[5]) == newest[6:]
        assert listed(repo, after=newest[6]) == []
        assert listed(repo, limit=0) == []
        assert listed(repo, agent="a0", after=newest[1], limit=2) == [newest[2], newest[4]]
        with pytest.raises(RunNotFound, match="nonexistent"):
            repo.runs.list_runs(after="nonexistent")
        with pytest.raises(InvalidInputError, match="-1"):
            repo.runs.list_runs(limit=-1)

    def test_runs_do_not_mix(self, repo: Repo, spec: Digest) -> None:
        """Events and ends of one run are not those of another."""
        a, b = (repo.runs.create_run(spec, RunMetadata("agent")) for _ in range(2))
        repo.runs.append_event(a, note(1, "a"))
        repo.runs.append_event(b, note(1, "b"))
        end(repo, a, RunStatus.CANCELLED)
        repo.runs.append_event(b, note(2, "b"))
        assert [event.payload for event in repo.runs.get_events(a)] == ["a"]
        assert [event.payload for event in repo.runs.get_events(b)] == ["b", "b"]

    def test_what_was_recorded_is_there_again(self, open_repo: OpenRepo) -> None:
        """A storage that outlives its repository gives back the same values."""
        if not self.reopens:
            return
        with open_repo() as repo:
            run_id = repo.runs.create_run(add_spec(repo), RunMetadata("agent", tags={"a": 1}))
            repo.runs.append_events(run_id, [note(1), note(3), note(4, "x" * 9000)])
            before = (repo.runs.get_run(run_id), repo.runs.get_events(run_id))
        with open_repo() as repo:
            assert (repo.runs.get_run(run_id), repo.runs.get_events(run_id)) == before
            repo.runs.append_event(run_id, note(2))
            ended = end(repo, run_id, RunStatus.COMPLETED)
        with open_repo() as repo:
            assert repo.runs.list_runs() == [ended]
            assert ended.total_events == 4
            assert repo.verify().problems == ()
