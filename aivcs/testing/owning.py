"""Leases of runs, resuming and reaping: what every repository must do.

Subclass it and give a fixture ``open_repo``.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.batch import Batch
from aivcs.domain.lease import LeaseToken
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.errors import Fenced, InvalidEvent, InvalidInputError, InvalidRunState, RunNotFound
from aivcs.services.reaping import Reaper
from aivcs.services.runs import RunLedger
from aivcs.testing.subject import NOON, RepoContract, add_spec, end, ending, note

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aivcs.domain.batch import Receipt
    from aivcs.domain.digest import Digest
    from aivcs.domain.run import RunId
    from aivcs.ports import Ledger
    from aivcs.repo import Repo
    from aivcs.services.live import LiveRun
    from aivcs.testing.subject import OpenRepo


class Watch:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        """Begin at noon."""
        self.now = NOON

    def __call__(self) -> datetime:
        """Return the moment it shows."""
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += timedelta(seconds=seconds)


def ledger_of(repo: Repo) -> Ledger:
    """Return what a repository writes to."""
    return repo._ledger  # noqa: SLF001 - another writer shares it


def another(repo: Repo, lease: LeaseToken | None = None) -> RunLedger:
    """Return the runs of a repository as another process writes them."""
    return RunLedger(ledger_of(repo), repo.objects, repo.clock, lambda: "other id", lease=lease)


def _write(run: LiveRun) -> None:
    run.event("note", {"n": 4})
    run.flush()


class OwningContract(RepoContract):
    """Who owns a run writes to it, and nobody else."""

    @pytest.fixture
    def watch(self) -> Watch:
        """Return the clock of the repository."""
        return Watch()

    @pytest.fixture
    def repo(self, open_repo: OpenRepo, watch: Watch) -> Iterator[Repo]:
        """Return an empty repository whose clock is ``watch``."""
        with open_repo(clock=watch) as repo:
            yield repo

    def test_the_owner_writes_and_others_are_fenced_off(self, repo: Repo, run_id: RunId) -> None:
        """By appends and by an end; reading is everybody's."""
        other = another(repo)
        with repo.runs.lease(run_id, "ann", beating=False) as held:
            assert (held.holder, held.epoch, held.lost) == ("ann", 1, False)
            assert repo.runs.append_event(run_id, note()) == 1
            with pytest.raises(Fenced, match="held by ann"):
                other.append_event(run_id, note())
            with pytest.raises(Fenced, match="held by ann"):
                other.fail_run(run_id, ending(RunStatus.FAILED))
            with pytest.raises(Fenced, match="held by ann"):
                other.lease(run_id, beating=False)
            assert [event.seq for event in other.get_events(run_id)] == [1]
        assert repo.runs.get_run(run_id).lease is None
        assert other.append_event(run_id, note()) == 2
        assert repo.runs.append_event(run_id, note()) == 3

    def test_the_owner_ends_the_run(self, repo: Repo, run_id: RunId) -> None:
        """The lease goes with it; nothing is left to let go of."""
        with repo.runs.lease(run_id, beating=False) as held:
            end(repo, run_id, RunStatus.COMPLETED)
            assert repo.runs.get_run(run_id).lease is None
            with pytest.raises(InvalidRunState):
                held.renew()
        with pytest.raises(InvalidRunState):
            repo.runs.lease(run_id, beating=False)
        with pytest.raises(RunNotFound):
            repo.runs.lease("nobody", beating=False)

    def test_a_renewed_lease_goes_on(self, repo: Repo, run_id: RunId, watch: Watch) -> None:
        """Its deadline moves on from the moment of renewing."""
        with repo.runs.lease(run_id, seconds=10, beating=False) as held:
            for _ in range(3):
                watch.pass_by(9)
                held.renew()
                assert held.deadline == watch.now + timedelta(seconds=10)
            record = repo.runs.get_run(run_id)
            assert record.lease is not None
            assert record.lease.deadline == held.deadline
            with pytest.raises(Fenced):
                another(repo).lease(run_id, beating=False)
        held.renew()
        assert repo.runs.get_run(run_id).lease is None

    def test_who_sleeps_past_the_deadline_is_fenced_off(
        self, repo: Repo, run_id: RunId, watch: Watch
    ) -> None:
        """Inside its commit, once another has taken over; also after that one let go."""
        other = another(repo)
        with repo.runs.lease(run_id, "ann", seconds=10, beating=False) as held:
            repo.runs.append_event(run_id, note())
            watch.pass_by(11)
            repo.runs.append_event(run_id, note())
            with other.lease(run_id, "bob", beating=False) as taken:
                assert taken.epoch == 2
                other.append_event(run_id, note())
                with pytest.raises(Fenced, match="epoch 2, not 1"):
                    repo.runs.append_event(run_id, note())
                with pytest.raises(Fenced, match="epoch 2, not 1"):
                    repo.runs.complete_run(run_id, ending())
                with pytest.raises(Fenced):
                    held.renew()
                assert held.lost
        with pytest.raises(Fenced, match="nobody holds it now"):
            repo.runs.append_event(run_id, note())
        assert another(repo).append_event(run_id, note()) == 4

    def test_a_child_writes_under_the_lease_of_its_parent(self, repo: Repo, run_id: RunId) -> None:
        """It is told by a token, which is over when the lease was taken over."""
        with repo.runs.lease(run_id, "ann", beating=False) as held:
            child = another(repo, LeaseToken.parse(held.token))
            assert child.epoch(run_id) == 1
            assert child.append_event(run_id, note()) == 1
            with repo.runs.lease(run_id, "ann", beating=False):
                with pytest.raises(Fenced):
                    child.append_event(run_id, note())
                repo.runs.append_event(run_id, note())

    @pytest.mark.parametrize("text", ["", "1", "1:", ":run", "x:run", "-1:run", "²:run"])
    def test_what_is_no_token(self, text: str) -> None:
        """A token is an epoch and a run; the run may have colons."""
        assert LeaseToken.parse("7:a:b") == LeaseToken("a:b", 7)
        with pytest.raises(InvalidInputError, match="token of a lease"):
            LeaseToken.parse(text)

    @pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 1e9])
    def test_a_lease_lasts_a_while(self, repo: Repo, run_id: RunId, seconds: float) -> None:
        """Not no time, and not forever; nothing is held then."""
        with pytest.raises(InvalidInputError, match="lasts"):
            repo.runs.lease(run_id, seconds=seconds)
        assert repo.runs.get_run(run_id).lease is None

    def test_a_thread_renews_it(
        self, repo: Repo, run_id: RunId, watch: Watch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Three times in the time it lasts, until it is let go of or lost."""
        renewed = threading.Semaphore(0)
        ledger = ledger_of(repo)
        commit = ledger.commit

        def counted(batch: Batch) -> Receipt:
            receipt = commit(batch)
            renewed.release()
            return receipt

        monkeypatch.setattr(ledger, "commit", counted)
        with repo.runs.lease(run_id, seconds=0.03) as held:
            watch.pass_by(100)
            for _ in range(4):
                assert renewed.acquire(timeout=30)
            assert held.deadline == watch.now + timedelta(seconds=0.03)
        assert not held.renewing

    def test_the_thread_ends_when_the_lease_is_lost(
        self, repo: Repo, run_id: RunId, watch: Watch
    ) -> None:
        """Whoever asks the lease learns it, and every write does."""
        with repo.runs.lease(run_id, "ann", seconds=0.3) as held:
            watch.pass_by(1)
            with ledger_of(repo).exclusive():
                # The renewing thread waits while this one is at it.
                watch.now = max(watch.now, held.deadline)
                another(repo).lease(run_id, "bob", beating=False)
            for thread in threading.enumerate():
                if run_id in thread.name:
                    thread.join(30)
            assert (held.lost, held.renewing) == (True, False)
            with pytest.raises(Fenced):
                repo.runs.append_event(run_id, note())

    def test_a_live_run_is_owned(self, repo: Repo, spec: Digest) -> None:
        """What it buffered lands before the lease is let go of."""
        other = another(repo)
        with repo.run(spec=spec, agent="agent") as run:
            with run.lease() as held:
                run.event("note", {"n": 1})
                run.flush()
                with pytest.raises(Fenced):
                    other.append_event(run.run_id, note())
                run.event("note", {"n": 2})
            assert held.epoch == 1
            assert len(other.get_events(run.run_id)) == 2
            assert other.append_event(run.run_id, note()) == 3
            with run.lease():
                run.event("note", {"n": 4})
                run.end(RunStatus.COMPLETED)
        assert repo.runs.get_run(run.run_id).total_events == 4

    def test_resuming(self, repo: Repo, spec: Digest, watch: Watch) -> None:
        """The last checkpoint, what came after it, and a lease that fences the one before off."""
        other = another(repo)
        run = repo.run(spec=spec, agent="agent")
        held = run.lease("ann", seconds=10)
        state = run.checkpoint({"n": 1}, checkpoint_id="first", node_id="a")
        run.checkpoint({"n": 1}, checkpoint_id="second", node_id="b")
        run.event("note", {"n": 3})
        run.flush()
        with pytest.raises(Fenced):
            other.resume(run.run_id, "bob")
        looked = other.resume(run.run_id, seconds=None)
        assert looked.lease is None
        watch.pass_by(11)
        with other.resume(run.run_id, "bob", beating=False) as resumed:
            assert resumed.lease is not None
            assert resumed.run.lease is not None
            assert (resumed.lease.epoch, resumed.run.lease.holder) == (2, "bob")
            assert resumed.point == looked.point
            assert resumed.point is not None
            assert resumed.point.checkpoint_id == "second"
            assert (resumed.point.node_id, resumed.point.state_hash) == ("b", str(state))
            assert [event.seq for event in resumed.point.events_after] == [3]
            with pytest.raises(Fenced):
                _write(run)
            assert other.append_event(run.run_id, note()) == 4
        # The event that it buffered is not recorded, and it is told so.
        with pytest.raises(Fenced):
            held.release()
        held.release()
        assert repo.runs.get_run(run.run_id).lease is None

    def test_what_cannot_be_resumed(self, repo: Repo, run_id: RunId) -> None:
        """A run that has ended, an unknown one, a checkpoint without a name; nothing is held."""
        with repo.runs.resume(run_id, beating=False) as resumed:
            assert resumed.point is None
        repo.runs.append_event(run_id, note(kind="checkpoint_saved", payload={}))
        with pytest.raises(InvalidEvent, match="checkpoint"):
            repo.runs.resume(run_id, beating=False)
        assert repo.runs.get_run(run_id).lease is None
        end(repo, run_id, RunStatus.FAILED)
        for seconds in (None, 30.0):
            with pytest.raises(InvalidRunState):
                repo.runs.resume(run_id, seconds=seconds)
            with pytest.raises(RunNotFound):
                repo.runs.resume("nobody", seconds=seconds)


class ReapingContract(OwningContract):
    """Runs that are left are failed, and no others."""

    def test_a_lease_that_ran_out(self, repo: Repo, spec: Digest, watch: Watch) -> None:
        """The run fails and says whose lease it was; the late owner is fenced off."""
        ids = [repo.runs.create_run(spec, RunMetadata("agent")) for _ in range(4)]
        kept, left, free, done = ids
        with repo.runs.lease(kept, seconds=100, beating=False):
            late = repo.runs.lease(left, "ann", seconds=10, beating=False)
            repo.runs.append_event(left, note())
            repo.runs.lease(done, seconds=10, beating=False)
            end(repo, done, RunStatus.COMPLETED)
            assert not repo.runs.abandoned()
            assert not repo.runs.reap()
            watch.pass_by(10)
            assert [one.run.run_id for one in repo.runs.abandoned()] == [left]
            (reaped,) = repo.runs.reap()
        assert reaped == repo.runs.get_run(left)
        assert (reaped.status, reaped.total_events) == (RunStatus.FAILED, 1)
        assert reaped.reason == "abandoned: ann held it until 2026-01-01T12:00:10Z"
        assert reaped.summary is not None
        assert reaped.summary.duration_ms == 10_000
        assert repo.runs.get_run(free).status is RunStatus.RUNNING
        with pytest.raises(InvalidRunState):
            repo.runs.append_event(left, note())
        late.release()
        assert repo.runs.reap() == []
        assert repo.verify().ok

    def test_runs_that_nobody_holds(self, repo: Repo, spec: Digest, watch: Watch) -> None:
        """Only where it is asked for, and by when something was last written."""
        old, busy, early = (repo.runs.create_run(spec, RunMetadata("agent")) for _ in range(3))
        watch.pass_by(3600)
        repo.runs.append_event(busy, note())
        repo.runs.append_event(early, note(3))
        watch.pass_by(60)
        assert repo.runs.reap() == []
        hour = timedelta(hours=1)
        (found,) = repo.runs.abandoned(hour)
        assert found.run.run_id == old
        assert found.why == "abandoned: nothing was written since 2026-01-01T12:00:00Z"
        (reaped,) = repo.runs.reap(hour, reason="lost with its machine \0")
        assert reaped.reason == "lost with its machine \\x00"
        watch.pass_by(3600)
        assert [run.run_id for run in repo.runs.reap(hour)] == [early, busy]
        with pytest.raises(InvalidInputError, match="idle"):
            repo.runs.reap(timedelta(seconds=-1))

    def test_one_that_moved_meanwhile_is_left_alone(
        self, repo: Repo, spec: Digest, watch: Watch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was true when the runs were listed must be so still when one is failed."""
        moved = repo.runs.create_run(spec, RunMetadata("agent"))
        ended = repo.runs.create_run(spec, RunMetadata("agent"))
        left = repo.runs.create_run(spec, RunMetadata("agent"))
        watch.pass_by(60)
        listing = Reaper.abandoned

        def then(reaper: Reaper) -> object:
            found = listing(reaper)
            repo.runs.append_event(moved, note())
            end(repo, ended, RunStatus.CANCELLED)
            return found

        monkeypatch.setattr(Reaper, "abandoned", then)
        assert [run.run_id for run in repo.runs.reap(timedelta(seconds=60))] == [left]
        assert repo.runs.get_run(moved).status is RunStatus.RUNNING
        assert repo.runs.get_run(ended).status is RunStatus.CANCELLED

    def test_many(self, repo: Repo, watch: Watch) -> None:
        """More than one page of them."""
        spec = add_spec(repo)
        new = [repo.runs.prepare(spec, RunMetadata("agent"), run_id=f"r{n}") for n in range(502)]
        ledger_of(repo).commit(Batch(runs=tuple(new)))
        watch.pass_by(1)
        assert len(repo.runs.abandoned(timedelta())) == 502
