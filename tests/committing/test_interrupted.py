"""The handler of a signal runs in the middle of a write of its thread, and writes itself."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest

from aivcs.domain.events import RunEvent
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.errors import AivcsError, RepositoryClosed, StorageError
from aivcs.repo import Repo
from aivcs.services import bodies
from aivcs.testing.subject import NOON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aivcs.domain.batch import Batch, Receipt
    from aivcs.domain.digest import Digest
    from aivcs.ports import Ledger
    from aivcs.services.live import LiveRun

MODES = ("group", "sync")
SIGNAL = signal.SIGUSR1


class Interrupted:
    """A ledger that is interrupted by a signal in the middle of each of its commits."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.armed = self.leaving = False

    def interrupt(self) -> None:
        if self.armed:
            self.armed = False
            signal.raise_signal(SIGNAL)

    def commit(self, batch: Batch) -> Receipt:
        # As a commit that fails takes back what its handler did inside of it.
        with self.ledger.exclusive():
            self.interrupt()
            return self.ledger.commit(batch)

    def commit_all(self, batches: Sequence[Batch]) -> list[Receipt | AivcsError]:
        with self.ledger.exclusive():
            self.interrupt()
            return self.ledger.commit_all(batches)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self.ledger.exclusive():
            yield
            self.armed = self.leaving
            self.interrupt()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)


@pytest.fixture
def handled() -> Iterator[Callable[[Callable[[], object]], list[object]]]:
    """Set what the signal does; what it returned or raised is kept."""
    before = signal.getsignal(SIGNAL)

    def handle(call: Callable[[], object]) -> list[object]:
        said: list[object] = []

        def handler(*_: object) -> None:
            try:
                said.append(call())
            except AivcsError as error:
                said.append(error)

        signal.signal(SIGNAL, handler)
        return said

    yield handle
    signal.signal(SIGNAL, before)


def opened(repo: Repo, mode: str) -> tuple[Repo, Interrupted]:
    ledger = Interrupted(repo.objects.ledger)
    return Repo(cast("Ledger", ledger), repo.objects.blobs, durability=mode), ledger


def record(run: LiveRun, kind: str) -> None:
    """Record an event, and leave it to others to commit it."""
    draft, stored = bodies.draft(run._objects, kind, {}, None, NOON, os.urandom(16))
    run._buffer.add(draft, stored)


def kinds(repo: Repo, run_id: str) -> list[str]:
    return [event.kind for event in repo.runs.get_events(run_id)]


@pytest.mark.parametrize("mode", MODES)
def test_a_commit_inside_a_commit_is_refused(
    repo: Repo, spec: Digest, handled: Any, mode: str
) -> None:
    """Else it is acknowledged in a transaction that may be taken back, or waits for itself."""
    mine, ledger = opened(repo, mode)
    run_id = mine.runs.create_run(spec, RunMetadata("agent"))
    said = handled(lambda: mine.runs.append_event(run_id, RunEvent(None, "handler")))
    ledger.armed = True
    assert mine.runs.append_event(run_id, RunEvent(None, "main")) == 1
    (error,) = said
    assert isinstance(error, StorageError)
    assert "interrupted in the middle of a commit" in error.message
    assert kinds(repo, run_id) == ["main"]
    assert mine.runs.append_event(run_id, RunEvent(None, "later")) == 2


@pytest.mark.parametrize("mode", MODES)
def test_an_event_of_a_handler_is_kept_and_lands_later(
    repo: Repo, spec: Digest, handled: Any, mode: str
) -> None:
    mine, ledger = opened(repo, mode)
    run = mine.run(spec=spec, agent="agent")

    def terminated() -> None:
        run.event("handler")
        run.flush()

    said = handled(terminated)
    run.event("before")
    run.flush()
    ledger.armed = True
    run.artifact("a", b"bytes")
    run.flush()
    (error,) = said
    assert isinstance(error, StorageError)
    assert run.run_id in error.message
    assert kinds(repo, run.run_id)[:2] == ["before", "artifact_stored"]
    run.end(RunStatus.COMPLETED)
    assert kinds(repo, run.run_id) == ["before", "artifact_stored", "handler"]
    assert repo.verify().ok


def test_a_group_of_which_one_is_interrupted(repo: Repo, spec: Digest, handled: Any) -> None:
    mine, ledger = opened(repo, "sync")
    runs = [mine.runs.create_run(spec, RunMetadata("agent")) for _ in range(2)]
    event = RunEvent(None, "main")
    said = handled(lambda: mine.runs.append_event(runs[0], RunEvent(None, "handler")))
    ledger.armed = True
    batches = [mine.runs.appending(run, (event,)) for run in runs]
    assert len(mine.objects.ledger.commit_all(batches)) == 2
    assert [type(one) for one in said] == [StorageError]
    assert [kinds(repo, run) for run in runs] == [["main"], ["main"]]


def test_the_beginning_and_the_end_of_a_transaction_are_guarded(
    repo: Repo, spec: Digest, handled: Any
) -> None:
    mine, ledger = opened(repo, "sync")
    run_id = mine.runs.create_run(spec, RunMetadata("agent"))
    said = handled(lambda: mine.runs.append_event(run_id, RunEvent(None, "handler")))
    for armed in ("enter", "leave"):
        with mine.objects.ledger.exclusive():
            mine.runs.append_event(run_id, RunEvent(None, armed))
            ledger.leaving = True
    assert [type(one) for one in said] == [StorageError] * 2
    assert kinds(repo, run_id) == ["enter", "leave"]


def test_other_threads_commit_meanwhile(repo: Repo, spec: Digest) -> None:
    mine = Repo(repo.objects.ledger, repo.objects.blobs, durability="sync")
    run_id = mine.runs.create_run(spec, RunMetadata("agent"))
    seqs: list[int] = []
    thread = threading.Thread(
        target=lambda: seqs.append(mine.runs.append_event(run_id, RunEvent(None, "other")))
    )
    with mine.objects.ledger.exclusive():
        thread.start()
        mine.runs.append_event(run_id, RunEvent(None, "main"))
    thread.join()
    assert seqs == [2]


@pytest.mark.parametrize("where", ["buffer", "writer"])
def test_an_event_while_another_is_being_recorded(repo: Repo, spec: Digest, where: str) -> None:
    """The locks that a handler finds taken by its own thread do not stop it."""
    run = repo.run(spec=spec, agent="agent")

    def interrupted() -> None:
        lock = run._buffer._lock if where == "buffer" else repo._writer._changed
        with lock:
            run.event("handler")

    thread = threading.Thread(target=interrupted, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    run.end(RunStatus.COMPLETED)
    assert kinds(repo, run.run_id) == ["handler"]


def test_interrupted_while_what_landed_is_forgotten(repo: Repo, spec: Digest) -> None:
    """What was recorded since is not taken for what landed."""
    run = Repo(repo.objects.ledger, repo.objects.blobs, durability="sync").run(spec=spec)
    buffer = run._buffer
    record(run, "first")
    with buffer.taking():
        repo.objects.ledger.commit(buffer.take())
        sent = buffer._sent
        buffer._forget()
        # The removal was made, the rest was not.
        buffer._sent = sent
    run.event("second")
    run.end(RunStatus.COMPLETED)
    assert kinds(repo, run.run_id) == ["first", "second"]
    assert buffer._bytes == 0


def test_what_landed_among_early_events_is_not_sent_again(repo: Repo, spec: Digest) -> None:
    """The commit landed, its answer was lost, and another writer's event stands in between."""
    ledger = repo.objects.ledger
    run = Repo(ledger, repo.objects.blobs, durability="sync").run(spec=spec)
    repo.runs.append_event(run.run_id, RunEvent(2, "early"))
    buffer = run._buffer
    record(run, "first")
    record(run, "second")
    with buffer.taking():
        ledger.commit(buffer.take())
    run.event("third")
    run.end(RunStatus.COMPLETED)
    assert kinds(repo, run.run_id) == ["first", "early", "second", "third"]


def test_every_event_after_the_close_is_refused(repo: Repo, spec: Digest) -> None:
    """Not the first one alone: nobody would ever commit the others."""
    mine = Repo(repo.objects.ledger, repo.objects.blobs)
    run = mine.run(spec=spec, agent="agent")
    run.event("before")
    mine._writer.close()
    for _ in range(3):
        with pytest.raises(RepositoryClosed):
            run.event("after")


def test_a_lease_in_the_middle_of_a_renewal(repo: Repo, spec: Digest) -> None:
    run_id = repo.runs.create_run(spec, RunMetadata("agent"))
    held = repo.runs.lease(run_id, "ann", beating=False)

    def interrupted() -> None:
        with held._lock:
            held.renew()
            held.release()

    thread = threading.Thread(target=interrupted, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    assert repo.runs.get_run(run_id).lease is None


def test_a_lease_is_not_renewed_across_a_fork(
    repo: Repo, spec: Digest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is its lock waited for, which nobody in the child may hold."""
    run_id = repo.runs.create_run(spec, RunMetadata("agent"))
    with repo.runs.lease(run_id, "ann", beating=False) as held:
        monkeypatch.setattr(held, "_process", -1)
        with pytest.raises(RepositoryClosed, match="forked"):
            held.renew()
        monkeypatch.undo()
        held.renew()
