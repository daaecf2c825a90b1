"""What holds after a process died in the middle of its work."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.batch import Batch
from aivcs.domain.execution import Action, ExecutionState
from aivcs.domain.executions import lifecycle
from aivcs.domain.lineage import lineage_problems
from aivcs.domain.log_writes import Claim, Erasure, NewRun
from aivcs.domain.run import RunMetadata, RunStatus, RunSummary
from aivcs.domain.stream import Family
from aivcs.repo import Repo
from aivcs.testing import victim
from aivcs.testing.event_store import custom, numbers
from aivcs.testing.faults import Death, Fuse, dying_blobs, dying_ledger
from aivcs.testing.objects import noise
from aivcs.testing.subject import ENDED, NOON, RepoContract, add_spec, by, end, note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aivcs.domain.digest import Digest
    from aivcs.domain.events import RunEvent
    from aivcs.testing.subject import OpenRepo

    Check = Callable[[Repo], object]

_LARGE = 150_000


def session(repo: Repo, name: str, kept: list[Check]) -> None:
    """Do some of everything under ``name``; add a check for whatever was acknowledged."""
    data = noise(_LARGE, len(name)) + name.encode()
    large = repo.objects.put(data)
    kept.append(lambda sound: sound.objects.get(large) == data)
    spec, other = add_spec(repo, f"{name} 1"), add_spec(repo, f"{name} 2")
    kept.append(lambda sound: {one.digest for one in sound.specs.list()} >= {spec, other})
    run_id = repo.runs.create_run(spec, RunMetadata(name))
    kept.append(lambda sound: sound.runs.get_run(run_id))
    kept.extend(_appended(repo, run_id, note(seq, str(seq) * 3000)) for seq in (1, 3, 2))
    with repo.run(spec=spec, agent=name) as run:
        run.event("note")
        run.flush()
        kept.append(lambda sound: len(sound.runs.get_events(run.run_id)) >= 1)
        run.artifact("large", noise(_LARGE, 7))
        run.checkpoint({"name": name})
    kept.append(lambda sound: sound.runs.get_run(run.run_id).status is RunStatus.COMPLETED)
    kept.append(lambda sound: sound.runs.get_run(run.run_id).total_events == 3)
    kept.extend(_promoted(repo, name, digest) for digest in (spec, other))
    repo.releases.rollback(name)
    kept.append(lambda sound: len(sound.releases.history(name)) == 3)
    end(repo, run_id, RunStatus.COMPLETED)
    kept.append(lambda sound: sound.runs.get_run(run_id).status is RunStatus.COMPLETED)
    kept.extend(_owned(repo, name))
    kept.extend(_executed(repo, name))
    repo.seal()
    kept.append(lambda sound: sound.objects.get(large) == data)
    repo.gc(full=True)
    doomed = repo.objects.put(b"doomed" + data)
    repo.objects.delete(doomed)
    kept.append(lambda sound: not sound.objects.contains(doomed))


def _appended(repo: Repo, run_id: str, event: RunEvent) -> Check:
    repo.runs.append_event(run_id, event)
    return lambda sound: event in sound.runs.get_events(run_id)


def _owned(repo: Repo, name: str) -> Iterator[Check]:
    """Do what can be done of a run's lease, keys, groups, states and bodies."""
    ledger, own = repo.objects.ledger, f"owned by {name}"
    plain = repo.runs.appending(own, [note(None, 1), note(None, 2)]).appends[0]
    once = replace(plain, key="once", epoch=1)
    pause = plain.drafts[0]._replace(action=Action.PAUSE)
    resume = plain.drafts[0]._replace(action=Action.RESUME)
    run = NewRun(own, None, RunMetadata(""), NOON, tenant=name, state=ExecutionState.CREATED)
    ledger.commit(Batch(runs=(run,), claims=(Claim(own, "ann", NOON, NOON),), appends=(once,)))
    yield lambda sound: sound.objects.ledger.commit(Batch(appends=(once,))).seqs == ((1, 2),)
    more = replace(plain, epoch=1, drafts=(pause,)), replace(plain, epoch=1, drafts=(resume,))
    ledger.commit_all([Batch(appends=(append,)) for append in more])
    yield lambda sound: len(sound.runs.get_events(own)) == 4
    summary = RunSummary(0, None, 1, success=False)
    failed, _ = repo.runs.ending(own, RunStatus.FAILED, summary)
    ledger.commit(Batch(ends=(replace(failed, epoch=1),)))
    yield lambda sound: own in {one.run_id for one in sound.objects.ledger.seals()}
    ledger.commit(Batch(erasures=(Erasure(own, (3, 4)),)))
    yield (
        lambda sound: (
            [one.body for one in sound.objects.ledger.entries(Family.RUN, own, after=2)]
            == [None, None]
        )
    )


def _executed(repo: Repo, name: str) -> Iterator[Check]:
    """Begin an execution, and end it by an event."""
    own = f"execution of {name}"
    batch = [custom(1), {**custom(2), "data": "x" * 5000}]
    repo.events.append_batch(own, name, batch, idempotency_key="once")
    yield lambda sound: sound.events.append_batch(own, name, batch, idempotency_key="once") == 1
    done = lifecycle.ExecutionCompleted(1)
    repo.events.append(own, name, done)
    yield lambda sound: sound.events.load_events(own)[2].event == done
    yield lambda sound: sound.runs.get_run(own).status is RunStatus.COMPLETED


def _promoted(repo: Repo, name: str, spec: Digest) -> Check:
    record = repo.releases.promote(name, spec, by())
    return lambda sound: record in sound.releases.history(name)


class CrashContract(RepoContract):
    """A process that dies before or after any of its writes landed.

    ``every`` is 1 to try each of its writes, more to try some of them.
    """

    every = 1

    @pytest.mark.parametrize("landed", [False, True])
    def test_death_at_any_write(self, open_repo: OpenRepo, landed: bool) -> None:  # noqa: FBT001
        """What was acknowledged is there, nothing is half there, and work goes on."""
        with open_repo() as sound:
            for at in range(1, 1000, self.every):
                fuse = Fuse(at, landed=landed)
                ledger = dying_ledger(sound.objects.ledger, fuse)
                dying = Repo(ledger, dying_blobs(sound.objects.blobs, fuse))
                kept: list[Check] = []
                with suppress(Death):
                    session(dying, f"agent{at}", kept)
                self._check(sound, f"agent{at}", kept)
                if not fuse.burnt:
                    break
            assert at > 15

    def _check(self, sound: Repo, name: str, kept: list[Check]) -> None:
        for check in kept:
            assert check(sound)
        assert sound.verify().ok
        history = sound.releases.history(name)[::-1]
        assert list(lineage_problems(history)) == []
        for run in sound.runs.list_runs(agent=name, status=RunStatus.RUNNING):
            assert end(sound, run.run_id, RunStatus.CANCELLED).status is RunStatus.CANCELLED
        again: list[Check] = []
        session(sound, f"{name}-again", again)
        assert all(check(sound) for check in again)


class KillContract(RepoContract):
    """A process that is killed; the fixture ``place`` is what ``aivcs.open`` takes there."""

    durability: str | None = "group"

    def kill(self, repo: Repo, place: str, after: float) -> int:
        """Kill a writing process ``after`` so many seconds of work and check what is left.

        Returns how many calls it had acknowledged.
        """
        spec = add_spec(repo)
        module = [sys.executable, "-m", "aivcs.testing.victim"]
        command = [*module, place, str(spec), self.durability or "group"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603
            assert child.stdout is not None
            first = child.stdout.readline().split()
            timer = threading.Timer(after, child.kill)
            timer.start()
            said = [line.split() for line in child.stdout if line.endswith("\n")]
            timer.join()
            assert child.wait() == -signal.SIGKILL
        self._check(repo, first[1], said)
        return len(said)

    def _check(self, repo: Repo, run_id: str, said: list[list[str]]) -> None:
        seqs = [event.seq for event in repo.runs.get_events(run_id)]
        assert seqs == list(range(1, len(seqs) + 1))
        releases = {str(record.seq) for record in repo.releases.history("victim")}
        for kind, what in said:
            if kind == "event":
                assert int(what) <= len(seqs)
            elif kind == "execution":
                assert int(what) <= len(numbers(repo.events, f"of {run_id}"))
            elif kind == "object":
                repo.objects.check(what)
            else:
                assert what in releases
        assert repo.verify().ok
        repo.seal()
        repo.gc(full=True)
        assert repo.verify().ok
        run = repo.runs.get_run(run_id)
        assert (run.status, run.total_events) == (RunStatus.RUNNING, len(seqs))
        assert repo.runs.append_event(run_id, note()) == len(seqs) + 1
        status = ENDED[1 + len(seqs) % 2]
        assert end(repo, run_id, status).status is status

    def test_killed_at_random_instants(self, repo: Repo, place: str) -> None:
        """No acknowledged call is lost, and the run can be ended."""
        acknowledged = [self.kill(repo, place, random.uniform(0, 0.1)) for _ in range(20)]  # noqa: S311
        assert sum(acknowledged) > 0

    def test_what_is_killed_works(
        self, repo: Repo, place: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Left alone it does what it says, and completes its run."""
        victim.main(place, str(add_spec(repo)), self.durability or "group", "2")
        said = [line.split() for line in capsys.readouterr().out.splitlines()]
        kinds = ["run", *["event"] * 3, *["execution"] * 2, "object", "release"]
        assert [kind for kind, _ in said[:8]] == kinds
        run = repo.runs.get_run(said[0][1])
        assert (len(said), run.status, run.total_events) == (15, RunStatus.COMPLETED, 8)

    @pytest.mark.slow
    def test_killed_at_very_many_random_instants(self, repo: Repo, place: str) -> None:
        """The same a hundred times, in the first instants and later."""
        for _ in range(100):
            self.kill(repo, place, random.expovariate(1 / 0.05))
