"""What a run written as a context manager must do, over every adapter."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.digest import Digest
from aivcs.domain.run import RunStatus
from aivcs.errors import (
    InvalidEvent,
    InvalidInputError,
    InvalidRunState,
    ReleaseNotFound,
    RepositoryClosed,
    SpecNotFound,
    StillReferenced,
    StorageError,
)
from aivcs.repo import Repo
from aivcs.testing.faults import FailingLedger
from aivcs.testing.objects import noise
from aivcs.testing.subject import NOON, RepoContract, add_spec, by, end, note

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.domain.run import RunId
    from aivcs.services.live import LiveRun
    from aivcs.testing.subject import OpenRepo


_PATIENCE_SECONDS = 30


def eventually(check: Callable[[], bool]) -> None:
    """Wait until something holds that another thread brings about."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def has_failed(run: LiveRun) -> bool:
    """Tell whether the writer met an error that nobody was told of yet."""
    return run._buffer.error is not None  # noqa: SLF001 - a call would be told


def kinds(repo: Repo, run_id: RunId) -> list[str]:
    """Return the kinds of a run's events."""
    return [event.kind for event in repo.runs.get_events(run_id)]


def frozen(open_repo: OpenRepo) -> Repo:
    """Return a repository whose clock stands still, so that nothing falls due by time."""
    return open_repo(clock=lambda: NOON)


class LiveRunContract(RepoContract):
    """``buffers`` says whether events may wait for a flush (durability ``group``)."""

    buffers = True

    def test_a_clean_exit_completes(self, repo: Repo, spec: Digest) -> None:
        """With its events, in order, and what was observed of the interpreter."""
        with repo.run(spec=spec, agent="helper", tags={"suite": "smoke"}, git_sha="abc") as run:
            run.event("tool_called", {"tool_name": "search"})
            run.event("note", timestamp=NOON)
        record = repo.runs.get_run(run.run_id)
        assert (record.status, record.total_events) == (RunStatus.COMPLETED, 2)
        assert record.summary is not None
        assert record.summary.success
        assert (record.metadata.agent_name, record.metadata.git_sha) == ("helper", "abc")
        assert record.metadata.tags == {"suite": "smoke"}
        assert record.metadata.environment is not None
        assert "python" in record.metadata.environment
        first, second = repo.runs.get_events(run.run_id)
        assert first.payload == {"tool_name": "search"}
        assert (second.payload, second.timestamp) == ({}, NOON)

    @pytest.mark.parametrize(
        ("error", "status", "reason"),
        [
            (ValueError("bad \udcff"), RunStatus.FAILED, "ValueError: bad \\udcff"),
            (SystemExit(3), RunStatus.FAILED, "SystemExit: 3"),
            (SystemExit(0), RunStatus.COMPLETED, None),
            (SystemExit(None), RunStatus.COMPLETED, None),
            (KeyboardInterrupt(), RunStatus.CANCELLED, "KeyboardInterrupt"),
        ],
    )
    def test_how_the_block_ends_the_run_ends(
        self,
        repo: Repo,
        spec: Digest,
        error: BaseException,
        status: RunStatus,
        reason: str | None,
    ) -> None:
        """The exception goes on; what happened before it is kept."""
        run = repo.run(spec=spec)
        with pytest.raises(type(error)) as raised, run:  # noqa: PT012
            run.event("note")
            raise error
        assert raised.value is error
        record = repo.runs.get_run(run.run_id)
        assert (record.status, record.reason, record.total_events) == (status, reason, 1)

    def test_without_a_spec_the_current_release_counts(self, repo: Repo, spec: Digest) -> None:
        """The agent's name is enough where it has a release."""
        with pytest.raises(InvalidInputError):
            repo.run()
        with pytest.raises(ReleaseNotFound, match="helper"):
            repo.run(agent="helper")
        with pytest.raises(SpecNotFound):
            repo.run(spec=Digest.of(b"never stored"))
        assert repo.runs.list_runs() == []
        repo.releases.promote("helper", spec, by())
        with (
            repo.run(agent="helper"),
            repo.run(spec=repo.specs.get(spec)),
            repo.run(spec=str(spec)),
        ):
            pass
        found = [(r.spec_digest, r.metadata.agent_name) for r in repo.runs.list_runs()]
        assert found == [(spec, "agent"), (spec, "agent"), (spec, "helper")]

    def test_events_wait_for_a_flush_at_most(self, repo: Repo, spec: Digest) -> None:
        """Buffered or not, what was flushed or read through the run is in the ledger."""
        with repo.run(spec=spec) as run:
            run.event("one")
            assert kinds(repo, run.run_id) in ([[], ["one"]] if self.buffers else [["one"]])
            run.flush()
            assert kinds(repo, run.run_id) == ["one"]
            run.event("two")
            assert run.record().total_events == 2
            run.flush()
            assert kinds(repo, run.run_id) == ["one", "two"]

    def test_an_event_waits_for_no_other(self, open_repo: OpenRepo) -> None:
        """It lands though nothing follows it, however the clock of the repository goes."""
        with frozen(open_repo) as repo, repo.run(spec=add_spec(repo)) as run:
            for number in range(1, 4):
                run.event("note")
                wanted = ["note"] * number
                eventually(lambda: kinds(repo, run.run_id) == wanted)  # noqa: B023

    def test_many_events_do_not_wait(self, repo: Repo, spec: Digest) -> None:
        """Neither very many nor very long ones stay in the buffer, and all land in order."""
        with repo.run(spec=spec) as run:
            for number in range(250):
                run.event("note", number)
            eventually(lambda: len(kinds(repo, run.run_id)) >= 200)
            run.flush()
            for number in range(10):
                run.event("long", noise(60_000, number).hex())
            eventually(lambda: len(kinds(repo, run.run_id)) > 250)
        payloads = [event.payload for event in repo.runs.get_events(run.run_id)]
        assert payloads[:250] == list(range(250))
        assert payloads[250:] == [noise(60_000, number).hex() for number in range(10)]

    def test_several_runs_at_once(self, repo: Repo, spec: Digest) -> None:
        """Each keeps its own order, from whatever thread its events come."""
        runs = [repo.run(spec=spec) for _ in range(5)]

        def record(run: LiveRun) -> None:
            with run:
                for number in range(300):
                    run.event("note", number)

        threads = [threading.Thread(target=record, args=(run,)) for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for run in runs:
            record_now = repo.runs.get_run(run.run_id)
            assert (record_now.status, record_now.total_events) == (RunStatus.COMPLETED, 300)
            payloads = [event.payload for event in repo.runs.get_events(run.run_id)]
            assert payloads == list(range(300))
        assert repo.verify().problems == ()

    def test_nothing_follows_the_end(self, repo: Repo, spec: Digest) -> None:
        """An event after it is refused at once, and the log stays as it is."""
        with repo.run(spec=spec) as run:
            run.event("note")
        with pytest.raises(InvalidRunState, match="COMPLETED"):
            run.event("late")
        run.flush()
        assert run.record().total_events == 1

    def test_the_payload_is_taken_at_once(self, repo: Repo, spec: Digest) -> None:
        """Changing it afterwards changes no event."""
        payload: dict[str, Any] = {"n": [1]}
        with repo.run(spec=spec) as run:
            run.event("note", payload)
            payload["n"].append(2)
        assert repo.runs.get_events(run.run_id)[0].payload == {"n": [1]}

    def test_a_bad_event_is_refused_at_once(self, repo: Repo, spec: Digest) -> None:
        """The run goes on without it."""
        with repo.run(spec=spec) as run:
            with pytest.raises(InvalidEvent):
                run.event("note", {"x": object()})
            with pytest.raises(InvalidEvent):
                run.event("", {})
            run.event("good")
        assert kinds(repo, run.run_id) == ["good"]

    def test_artifacts_and_checkpoints(self, repo: Repo, spec: Digest) -> None:
        """They are objects that the run needs, and events that name them."""
        with repo.run(spec=spec) as run:
            report = run.artifact("report.md", "grün")
            table = run.artifact("table.bin", b"\0" * 200_000)
            state = run.checkpoint({"b": 1, "a": [1.5]})
            run.checkpoint({}, checkpoint_id="start", node_id="entry")
            final = run.final_state(b"the end")
        assert repo.objects.get(report) == "grün".encode()
        assert repo.objects.get(table) == bytes(200_000)
        assert repo.objects.get(state) == b'{"a":[1.5],"b":1}'
        events = repo.runs.get_events(run.run_id)
        assert [event.kind for event in events] == ["artifact_stored"] * 2 + [
            "checkpoint_saved"
        ] * 2
        assert events[1].payload == {
            "artifact_id": "table.bin",
            "content_hash": str(table),
            "size_bytes": 200_000,
        }
        assert events[2].payload == {
            "checkpoint_id": str(state),
            "node_id": "",
            "state_hash": str(state),
        }
        for needed in (report, table, state, final):
            with pytest.raises(StillReferenced, match=run.run_id):
                repo.objects.delete(needed)
        assert repo.verify().problems == ()

    def test_a_state_that_is_not_json(self, repo: Repo, spec: Digest) -> None:
        """It is refused, and leaves no event."""
        with repo.run(spec=spec) as run, pytest.raises(InvalidInputError):
            run.checkpoint({"x": {1, 2}})
        assert kinds(repo, run.run_id) == []

    def test_ending_by_hand(self, repo: Repo, spec: Digest) -> None:
        """The block's end adds nothing to it; nothing may follow."""
        with repo.run(spec=spec) as run:
            run.event("note")
            state = repo.objects.put(b"state")
            record = run.end(RunStatus.FAILED, final_state=state, reason="gave up")
            assert (record.status, record.total_events) == (RunStatus.FAILED, 1)
            with pytest.raises(InvalidRunState):
                run.end(RunStatus.COMPLETED)
        assert repo.runs.get_run(run.run_id) == record
        assert record.summary is not None
        assert record.summary.final_state_digest == state

    def test_somebody_else_may_end_it(self, open_repo: OpenRepo) -> None:
        """Then the block's end says so, and buffered events are not half in."""
        with frozen(open_repo) as repo:
            run = repo.run(spec=add_spec(repo))
            with pytest.raises(InvalidRunState, match="CANCELLED"), run:  # noqa: PT012
                run.event("before")
                run.flush()
                end(repo, run.run_id, RunStatus.CANCELLED)
                run.event("after")
            assert kinds(repo, run.run_id) == ["before"]

    @pytest.mark.parametrize("landed", [False, True])
    def test_a_failing_writer(self, open_repo: OpenRepo, landed: bool) -> None:  # noqa: FBT001
        """Its error is raised, nothing is lost, and nothing is stored twice."""
        with frozen(open_repo) as sound:
            spec = add_spec(sound)
            ledger = FailingLedger(sound.objects.ledger, landed=landed)
            repo = Repo(ledger.port, sound.objects.blobs, clock=lambda: NOON)
            with repo.run(spec=spec) as run:
                run.event("note", {"n": 1})
                run.flush()
                run.event("note", {"n": 2})
                run.event("note", {"n": 2})
                ledger.failures = 1 if landed else 2
                for _ in range(ledger.failures):
                    with pytest.raises(StorageError):
                        run.flush()
                sound.runs.append_event(run.run_id, note(None, "of another writer"))
                run.event("note", {"n": 3})
            payloads = [event.payload for event in sound.runs.get_events(run.run_id)]
            payloads.remove("of another writer")
            assert payloads == [{"n": 1}, {"n": 2}, {"n": 2}, {"n": 3}]
            assert sound.runs.get_run(run.run_id).status is RunStatus.COMPLETED

    def test_a_writer_that_fails_at_the_end(self, open_repo: OpenRepo) -> None:
        """The error is raised and the run is not completed."""
        with frozen(open_repo) as sound:
            spec = add_spec(sound)
            ledger = FailingLedger(sound.objects.ledger, landed=False)
            run = Repo(ledger.port, sound.objects.blobs, clock=lambda: NOON).run(spec=spec)
            with pytest.raises(StorageError), run:  # noqa: PT012
                run.event("note")
                ledger.failures = 1
            record = sound.runs.get_run(run.run_id)
            assert (record.status, record.total_events) == (RunStatus.RUNNING, 1)
            assert run.end(RunStatus.FAILED).total_events == 1

    @pytest.mark.parametrize("landed", [False, True])
    def test_what_the_writer_met_is_raised_by_the_next_call(
        self,
        open_repo: OpenRepo,
        landed: bool,  # noqa: FBT001
    ) -> None:
        """Once; its events are kept and land with those that follow, once."""
        with open_repo() as sound:
            spec = add_spec(sound)
            ledger = FailingLedger(sound.objects.ledger, landed=landed)
            with Repo(ledger.port, sound.objects.blobs).run(spec=spec) as run:
                for turn, call in enumerate((lambda: run.event("refused"), run.flush)):
                    ledger.failures = 1
                    run.event("note", turn)
                    eventually(lambda: has_failed(run))
                    with pytest.raises(StorageError, match="the disk failed"):
                        call()
                    run.event("more", turn)
            found = [(e.kind, e.payload) for e in sound.runs.get_events(run.run_id)]
            assert found == [("note", 0), ("more", 0), ("note", 1), ("more", 1)]
            assert sound.runs.get_run(run.run_id).status is RunStatus.COMPLETED

    def test_what_the_writer_met_and_nobody_heard_of(self, open_repo: OpenRepo) -> None:
        """A clean exit raises it and does not complete the run; its events are kept."""
        with open_repo() as sound:
            spec = add_spec(sound)
            ledger = FailingLedger(sound.objects.ledger, landed=False)
            repo = Repo(ledger.port, sound.objects.blobs)
            for error, status in ((StorageError, RunStatus.RUNNING), (KeyError, RunStatus.FAILED)):
                with pytest.raises(error), repo.run(spec=spec) as run:  # noqa: PT012
                    ledger.failures = 1
                    run.event("note")
                    eventually(lambda: has_failed(run))
                    if error is KeyError:
                        raise error
                record = sound.runs.get_run(run.run_id)
                assert (record.status, record.total_events) == (status, 1)

    def test_closing_the_repository(self, open_repo: OpenRepo) -> None:
        """What was recorded is kept; the run goes on elsewhere, and records no more here."""
        repo = open_repo()
        run = repo.run(spec=add_spec(repo))
        run.event("note")
        repo.close()
        with pytest.raises(RepositoryClosed):
            run.event("late")
        with pytest.raises(RepositoryClosed):
            run.flush()
        if self.reopens:
            with open_repo() as again:
                assert kinds(again, run.run_id) == ["note"]
                assert end(again, run.run_id, RunStatus.FAILED).total_events == 1

    def test_an_end_that_is_refused_loses_no_event(self, repo: Repo, spec: Digest) -> None:
        """A gap that somebody else left forbids completion; what was recorded stays."""
        run = repo.run(spec=spec)
        with pytest.raises(InvalidRunState), run:  # noqa: PT012
            repo.runs.append_event(run.run_id, note(50, "early"))
            run.event("last")
        assert kinds(repo, run.run_id) == ["last", "note"]
        assert repo.runs.get_run(run.run_id).status is RunStatus.RUNNING
        assert run.end(RunStatus.FAILED).status is RunStatus.FAILED

    def test_not_across_a_fork(
        self, repo: Repo, spec: Digest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A child of the process that began the run is told at its first call."""
        calls: list[Callable[[LiveRun], object]] = [
            lambda run: run.event("note"),
            lambda run: run.artifact("name", b"data"),
            lambda run: run.final_state(b"state"),
            lambda run: run.flush(),
            lambda run: run.end(RunStatus.COMPLETED),
        ]
        with repo.run(spec=spec) as run:
            child = os.getpid() + 1
            with monkeypatch.context() as patch:
                patch.setattr(os, "getpid", lambda: child)
                for call in calls:
                    with pytest.raises(RepositoryClosed, match="forked"):
                        call(run)
            run.event("own")
        assert kinds(repo, run.run_id) == ["own"]
