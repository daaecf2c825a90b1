"""Callers of several threads share a commit, and each has its own answer."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.batch import Batch, Receipt
from aivcs.domain.log_writes import Append, Draft
from aivcs.domain.run import RunMetadata
from aivcs.domain.stream import Family
from aivcs.errors import RepositoryClosed, RunNotFound, StorageError
from aivcs.services.committing import GROUP_BYTES, GroupCommit, grouped
from aivcs.testing.subject import NOON
from tests.committing.conftest import Crowd

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.domain.digest import Digest
    from aivcs.repo import Repo
    from tests.committing.conftest import Gated


def appending(run_id: str, body: str = "{}") -> Batch:
    draft = Draft("note", body, None, NOON, NOON, salt=os.urandom(16))
    return Batch(appends=(Append(Family.RUN, run_id, (draft,)),))


class Meeting:
    """One caller is committing; others come until it is let through."""

    def __init__(self, gated: Gated) -> None:
        self.gated = gated
        self.ledger = GroupCommit(gated.port)
        self.crowd = Crowd()

    def come(self, batch: Batch) -> None:
        """Let another thread commit a batch; returns when it waits in the queue."""
        waiting = len(self.ledger._queue)
        self.crowd.go(lambda: self.ledger.commit(batch))
        if len(self.crowd.threads) == 1:
            assert self.gated.arrived.acquire(timeout=30)
            return
        until(lambda: len(self.ledger._queue) == waiting + 1)

    def part(self) -> list[object]:
        self.gated.open.set()
        return self.crowd.wait()


def until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.fixture
def run_id(repo: Repo, spec: Digest) -> str:
    return repo.runs.create_run(spec, RunMetadata("agent"))


@pytest.fixture
def meeting(gated: Gated) -> Meeting:
    return Meeting(gated)


def test_those_who_wait_share_a_commit(meeting: Meeting, run_id: str) -> None:
    for _ in range(9):
        meeting.come(appending(run_id))
    answers = meeting.part()
    assert meeting.gated.groups == [1, 8]
    assert all(isinstance(answer, Receipt) for answer in answers)
    seqs = [answer.seqs for answer in answers if isinstance(answer, Receipt)]
    assert sorted(seqs) == [((seq,),) for seq in range(1, 10)]


def test_each_has_its_own_error(meeting: Meeting, run_id: str) -> None:
    for batch in (appending(run_id), appending(run_id), appending("nobody"), appending(run_id)):
        meeting.come(batch)
    kinds = [type(answer) for answer in meeting.part()]
    assert kinds == [Receipt, Receipt, RunNotFound, Receipt]
    assert meeting.gated.groups == [1, 3]


def test_what_is_no_batch_harms_nobody_else(
    meeting: Meeting, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise TypeError

    meeting.come(appending(run_id))
    for _ in range(3):
        meeting.come(appending(run_id))
    monkeypatch.setattr(meeting.gated.ledger, "commit_all", refuse, raising=False)
    assert [type(answer) for answer in meeting.part()] == [Receipt] * 4
    assert meeting.gated.groups == [1, 3, 1, 1, 1]


def test_a_failing_disk_is_told_to_all_of_the_group(meeting: Meeting, run_id: str) -> None:
    for _ in range(4):
        meeting.come(appending(run_id))
    meeting.gated.open.set()
    meeting.gated.errors = [StorageError("the disk failed", hint="look"), StorageError("first")]
    first, *rest = meeting.part()
    assert isinstance(first, StorageError)
    for error in rest:
        assert isinstance(error, StorageError)
        assert (error.message, error.hint) == ("the disk failed", "look")
    assert len({id(error) for error in rest}) == 3
    assert isinstance(meeting.ledger.commit(appending(run_id)), Receipt)


def test_a_thread_that_is_interrupted_answers_for_all(meeting: Meeting, run_id: str) -> None:
    for _ in range(3):
        meeting.come(appending(run_id))
    meeting.gated.errors = [KeyboardInterrupt()]
    meeting.gated.open.set()
    answers = meeting.crowd.wait()
    assert sum(isinstance(answer, KeyboardInterrupt) for answer in answers) == 1
    assert isinstance(meeting.ledger.commit(appending(run_id)), Receipt)


def test_interrupted_in_the_middle_of_a_group(meeting: Meeting, run_id: str) -> None:
    for _ in range(3):
        meeting.come(appending(run_id))
    meeting.gated.errors = [KeyboardInterrupt(), StorageError("first")]
    meeting.gated.open.set()
    kinds = sorted(type(answer).__name__ for answer in meeting.crowd.wait())
    assert kinds == ["KeyboardInterrupt", "StorageError", "StorageError"]


def test_ctrl_c_while_others_wait(meeting: Meeting, run_id: str) -> None:
    """The main thread gives up; nobody else loses an answer, and it never leads a group."""
    meeting.come(appending(run_id))
    meeting.come(appending(run_id))

    def interrupt() -> None:
        until(lambda: len(meeting.ledger._queue) == 2)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        meeting.ledger.commit(appending(run_id, '"main"'))
    assert len(meeting.ledger._queue) == 1
    meeting.come(appending(run_id))
    assert [type(answer) for answer in meeting.part()] == [Receipt] * 3
    assert meeting.gated.groups == [1, 2]


def test_the_main_thread_commits_for_itself_alone(meeting: Meeting, run_id: str) -> None:
    meeting.come(appending(run_id))

    def let_through() -> None:
        until(lambda: len(meeting.ledger._queue) == 1)
        meeting.part()

    threading.Thread(target=let_through).start()
    assert isinstance(meeting.ledger.commit(appending(run_id)), Receipt)
    assert meeting.gated.groups == [1, 1]


def test_heavy_batches_go_alone(meeting: Meeting, run_id: str) -> None:
    meeting.come(appending(run_id))
    for _ in range(3):
        meeting.come(appending(run_id, '"' + "x" * (GROUP_BYTES // 2) + '"'))
    meeting.crowd.go(lambda: meeting.ledger.commit(appending(run_id, '"' + "x" * GROUP_BYTES)))
    assert meeting.gated.arrived.acquire(timeout=30)
    meeting.part()
    assert sorted(meeting.gated.groups) == [1, 1, 1, 1, 1]


def test_inside_the_one_transaction(repo: Repo, run_id: str) -> None:
    ledger = grouped(repo.objects.ledger)
    with pytest.raises(KeyError), ledger.exclusive():  # noqa: PT012
        assert ledger.commit(appending(run_id)).seqs == ((1,),)
        raise KeyError
    assert ledger.commit(appending(run_id)).seqs == ((1,),)


def test_not_across_a_fork(repo: Repo, run_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = grouped(repo.objects.ledger)
    child = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: child)
    with pytest.raises(RepositoryClosed, match="forked"):
        ledger.commit(appending(run_id))
