"""The thread that commits what live runs buffer: when it begins, what it shares, when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.commitment import SALT_SIZE
from aivcs.domain.stream import Family
from aivcs.errors import StorageError
from aivcs.repo import Repo, init, open_repo
from aivcs.services.buffering import MOST_BYTES, MOST_EVENTS
from aivcs.testing.live import eventually, has_failed
from aivcs.testing.objects import noise
from aivcs.testing.subject import add_spec
from tests.committing.conftest import Crowd

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.domain.digest import Digest
    from tests.committing.conftest import Gated

NAME = "aivcs-writer"


def writers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == NAME]


def test_the_thread_lives_as_long_as_live_runs_record(repo: Repo, spec: Digest) -> None:
    with repo.run(spec=spec) as one, repo.run(spec=spec) as two:
        assert writers() == []
        one.event("note")
        (thread,) = writers()
        assert thread.daemon
        two.event("note")
        assert writers() == [thread]
    eventually(lambda: writers() == [])
    with repo.run(spec=spec) as run:
        run.event("note")
        assert len(writers()) == 1
    eventually(lambda: writers() == [])


def test_closing_ends_the_thread(spec: Digest, gated: Gated) -> None:
    gated.open.set()
    repo = Repo(gated.port, open_repo("memory:").objects.blobs)
    run = repo.run(spec=spec)
    run.event("note")
    repo.close()
    assert writers() == []
    repo.close()


def test_several_runs_that_are_due_share_a_commit(repo: Repo, spec: Digest, gated: Gated) -> None:
    shared = Repo(gated.port, repo.objects.blobs)
    gated.open.set()
    runs = [shared.run(spec=spec) for _ in range(4)]
    gated.groups.clear()
    gated.open.clear()
    while gated.arrived.acquire(blocking=False):
        pass
    runs[0].event("note")
    assert gated.arrived.acquire(timeout=30)
    for run in runs[1:]:
        for number in range(100):
            run.event("note", number)
    gated.open.set()
    for run in runs:
        eventually(lambda run=run: repo.runs.get_events(run.run_id) != [])  # type: ignore[misc]
        run.flush()
    assert gated.groups[:2] == [1, 3]
    assert [len(repo.runs.get_events(run.run_id)) for run in runs] == [1, 100, 100, 100]


def test_every_event_has_a_salt_of_its_own(spec: Digest, repo: Repo) -> None:
    asked: list[int] = []

    def salts(size: int) -> bytes:
        asked.append(size)
        return os.urandom(size)

    salted = Repo(repo.objects.ledger, repo.objects.blobs, salts=salts)
    with salted.run(spec=spec) as run:

        def record() -> None:
            for number in range(100):
                run.event("note", number)

        crowd = Crowd()
        for _ in range(4):
            crowd.go(record)
        assert crowd.wait() == [None] * 4
    found = [entry.salt for entry in repo.objects.ledger.entries(Family.RUN, run.run_id)]
    assert len(found) == len(set(found)) == 400
    assert {len(salt or b"") for salt in found} == {SALT_SIZE}
    assert len(asked) < 40


def test_who_records_too_much_waits(repo: Repo, spec: Digest, gated: Gated) -> None:
    """Memory is bounded: a writer that cannot keep up holds the recording thread back."""
    gated.open.set()
    slow = Repo(gated.port, repo.objects.blobs)
    many, long = slow.run(spec=spec), slow.run(spec=spec)
    gated.open.clear()
    recorded: list[int] = []
    text = noise(60_000).hex()

    def record() -> None:
        for number in range(MOST_EVENTS + 5):
            many.event("note")
            recorded.append(number)

    def write() -> None:
        for number in range(200):
            long.event("note", f"{number} {text}")
            recorded.append(number)

    crowd = Crowd()
    crowd.go(record)
    eventually(lambda: len(recorded) == MOST_EVENTS - 1)
    recorded.clear()
    crowd.go(write)
    eventually(lambda: len(recorded) > MOST_BYTES // 160_000)
    gated.open.set()
    assert crowd.wait() == [None, None]
    for run, count in ((many, MOST_EVENTS + 5), (long, 200)):
        run.flush()
        assert len(repo.runs.get_events(run.run_id)) == count


def test_no_thread_can_be_started(
    repo: Repo, spec: Digest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        msg = "can't start new thread"
        raise RuntimeError(msg)

    with repo.run(spec=spec) as run:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(StorageError, match="no thread"):
                run.event("kept")
        run.flush()
        assert run.record().total_events == 1


def test_what_landed_cannot_be_asked_for(
    repo: Repo, spec: Digest, gated: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failure the log is read; when that fails as well, nothing is committed twice."""
    gated.open.set()
    run = Repo(gated.port, repo.objects.blobs).run(spec=spec)

    def refuse(*_: object, **__: object) -> None:
        msg = "the disk failed"
        raise StorageError(msg)

    with run:
        gated.errors = [StorageError("the disk failed")]
        run.event("note")
        eventually(lambda: has_failed(run))
        with pytest.raises(StorageError):
            run.flush()
        with monkeypatch.context() as patch:
            patch.setattr(gated, "entries", refuse, raising=False)
            run.event("more")
            eventually(lambda: has_failed(run))
            with pytest.raises(StorageError):
                run.flush()
    assert [event.kind for event in repo.runs.get_events(run.run_id)] == ["note", "more"]


SCRIPT = """
import os, sys
import aivcs

repo = aivcs.open(sys.argv[1])
run = repo.run(spec=repo.specs.list()[0].digest)
run.event("note")
if sys.argv[2] == "fork":
    child = os.fork()
    if not child:
        repo.close()
        try:
            run.event("late")
        except aivcs.AivcsError as error:
            print(type(error).__name__)
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
run.flush()
print(run.record().total_events)
"""


@pytest.mark.parametrize(("what", "said"), [("leave", ["1"]), ("fork", ["RepositoryClosed", "1"])])
def test_a_program_that_leaves_its_run(tmp_path: Path, what: str, said: list[str]) -> None:
    """It ends at once though the run did not; a child closes nothing of its parent's."""
    with init(tmp_path) as repo:
        add_spec(repo)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), what],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == said
