"""What holds when many write at once, in threads and in processes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.batch import Batch, Receipt
from aivcs.domain.lineage import lineage_problems
from aivcs.domain.log_writes import Claim
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.errors import (
    Fenced,
    InvalidRunState,
    NoPreviousRelease,
    RunNotFound,
    SequenceConflict,
    StaleCurrent,
)
from aivcs.services.importing import Wanted
from aivcs.testing.crew import WORKERS, processes, threads
from aivcs.testing.event_store_crew import EventStoreCrewContract
from aivcs.testing.objects import noise
from aivcs.testing.subject import NOON, add_spec, by, end, note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.digest import Digest
    from aivcs.domain.run import RunId
    from aivcs.repo import Repo
    from aivcs.testing.crew import Crew, Hire, Meet

_MANY = 50
_SOURCE = b"".join(b'{"kind": "note", "payload": {"n": %d}}\n' % n for n in range(30))


def append_events(repo: Repo, number: int, _meet: Meet, run_id: RunId) -> list[int]:
    """Append events without seqs."""
    return [
        repo.runs.append_event(run_id, note(None, [number, n], kind="work")) for n in range(_MANY)
    ]


def append_numbered(repo: Repo, number: int, meet: Meet, run_id: RunId) -> tuple[int, int]:
    """Append events under seqs that every worker uses; return successes and conflicts."""
    won = 0
    for seq in range(1, _MANY + 1):
        if seq % 10 == 1:
            meet()
        with suppress(SequenceConflict):
            won += repo.runs.append_event(run_id, note(seq, [number])) == seq
    return won, _MANY - won


def record_runs(repo: Repo, number: int, _meet: Meet, spec: Digest) -> list[RunId]:
    """Record whole runs, each with events, an artifact and a large state."""
    ids = []
    for n in range(_MANY):
        with repo.run(spec=spec, agent=f"worker{number}") as run:
            for step in range(3):
                run.event("step", {"n": n, "step": step, "long": "x" * 5000 * (step == n % 9)})
            run.artifact("shared", b"the same from all")
            if n % 25 == 0:
                run.final_state(noise(200_000, n))
        ids.append(run.run_id)
    return ids


def race(repo: Repo, number: int, meet: Meet, ids: list[RunId]) -> list[int]:
    """Append to each run until somebody ends it; the workers take turns in ending."""
    counts = []
    for turn, run_id in enumerate(ids):
        done = 0
        meet()
        for _ in range(30):
            try:
                if turn % WORKERS == number and done == turn % 7:
                    end(repo, run_id, tuple(RunStatus)[1 + turn % 3])
                    break
                repo.runs.append_event(run_id, note(None, number))
            except InvalidRunState:
                break
            done += 1
        counts.append(done)
    return counts


def end_at_once(repo: Repo, number: int, meet: Meet, ids: list[RunId]) -> list[bool]:
    """End each run at the same instant as the others; say which calls succeeded."""
    won = []
    for run_id in ids:
        meet()
        try:
            end(repo, run_id, tuple(RunStatus)[1 + number % 3])
        except InvalidRunState:
            won.append(False)
        else:
            won.append(True)
    return won


def move_releases(repo: Repo, number: int, _meet: Meet, specs: list[Digest]) -> int:
    """Promote and roll back; return how many entries that appended."""
    appended = 0
    for n in range(_MANY // 2):
        try:
            if (n + number) % 3:
                repo.releases.promote("shared", specs[n % len(specs)], by(f"worker{number}"))
            else:
                repo.releases.rollback("shared", to=1 if n % 2 else None, actor=f"worker{number}")
        except NoPreviousRelease:
            continue
        appended += 1
    return appended


def promote_expecting(repo: Repo, number: int, meet: Meet, spec: Digest) -> list[int]:
    """Promote what everybody sees as current; return the seqs of the entries won."""
    won = []
    for seq in range(10):
        meet()
        try:
            metadata = by(f"worker{number}")
            record = repo.releases.promote("shared", spec, metadata, expected_current=seq)
        except StaleCurrent:
            continue
        won.append(record.seq)
    return won


def import_file(repo: Repo, _number: int, meet: Meet) -> tuple[bool, list[str]]:
    """Record the runs of a file; say whether they were new, and their ids."""
    meet()
    found = repo.importer.record(
        _SOURCE,
        Wanted(agent="agent"),
        default_spec=lambda _: repo.specs.get(repo.specs.list()[0].digest),
    )
    return found.new, [run.run_id for run in found.runs]


def put_objects(repo: Repo, number: int, _meet: Meet) -> None:
    """Put, read and delete objects that others put and read too."""
    for n in range(_MANY):
        data = noise(150_000, n % 3) if n % 10 == 0 else b"%d" % (n % 7)
        assert repo.objects.get(repo.objects.put(data)) == data
        own = repo.objects.put(b"own %d %d" % (number, n))
        repo.objects.delete(own)
        assert not repo.objects.contains(own)


def take_leases(repo: Repo, number: int, meet: Meet, ids: list[RunId]) -> list[int | None]:
    """Take each run's lease at the same instant as the others; return the epochs won."""
    won: list[int | None] = []
    for run_id in ids:
        claim = Claim(run_id, f"worker{number}", NOON + timedelta(hours=1), NOON)
        meet()
        try:
            won.extend(repo.objects.ledger.commit(Batch(claims=(claim,))).epochs)
        except Fenced:
            won.append(None)
    return won


def take_over(repo: Repo, number: int, meet: Meet, run_id: RunId) -> dict[int, list[int]]:
    """Take a lease that has always passed, and write until it is gone; return seqs by epoch."""
    ledger = repo.objects.ledger
    written: dict[int, list[int]] = {}
    claim = Claim(run_id, f"worker{number}", NOON, NOON + timedelta(hours=1))
    meet()
    for _ in range(10):
        (epoch,) = ledger.commit(Batch(claims=(claim,))).epochs
        seqs = written.setdefault(epoch, [])
        with suppress(Fenced):
            for n in range(5):
                batch = repo.runs.appending(run_id, [note(None, [epoch, n])])
                append = replace(batch.appends[0], epoch=epoch)
                seqs.extend(ledger.commit(Batch(appends=(append,))).seqs[0])
    return written


def append_once(repo: Repo, _number: int, meet: Meet, run_id: RunId) -> list[tuple[int, ...]]:
    """Append under keys that every worker uses; return the seqs of each key."""
    answers: list[tuple[int, ...]] = []
    for n in range(_MANY):
        batch = repo.runs.appending(run_id, [note(None, [n]), note(None, n)])
        if n % 10 == 0:
            meet()
        append = replace(batch.appends[0], key=f"key {n}")
        answers.extend(repo.objects.ledger.commit(Batch(appends=(append,))).seqs)
    return answers


def append_in_groups(repo: Repo, number: int, _meet: Meet, ids: list[RunId]) -> list[list[int]]:
    """Append to several runs in one transaction, with one in between that is refused."""
    done: list[list[int]] = [[] for _ in ids]
    for n in range(_MANY):
        group = [repo.runs.appending(run_id, [note(None, [number, n])]) for run_id in ids]
        absent = replace(group[0], appends=(replace(group[0].appends[0], name="nobody"),))
        first, refused, *rest = repo.objects.ledger.commit_all([group[0], absent, *group[1:]])
        assert isinstance(refused, RunNotFound)
        for seqs, answer in zip(done, [first, *rest], strict=True):
            assert isinstance(answer, Receipt)
            seqs.extend(answer.seqs[0])
    return done


class ConcurrencyContract(EventStoreCrewContract):
    """Every test has a ``crew`` of four workers on the storage of ``repo``."""

    def test_appends_to_one_run(self, repo: Repo, run_id: RunId, crew: Crew) -> None:
        """None is lost, none doubled, each worker's own order is kept."""
        answers = crew(append_events, run_id)
        seqs = sorted(seq for answer in answers for seq in answer)
        assert seqs == list(range(1, WORKERS * _MANY + 1))
        events = {event.seq: event.payload for event in repo.runs.get_events(run_id)}
        for number, answer in enumerate(answers):
            assert [events[seq] for seq in answer] == [[number, n] for n in range(_MANY)]
        assert repo.verify().problems == ()

    def test_one_winner_a_seq(self, repo: Repo, run_id: RunId, crew: Crew) -> None:
        """Of several events under one seq exactly one is stored."""
        won = [successes for successes, _ in crew(append_numbered, run_id)]
        assert sum(won) == _MANY
        events = repo.runs.get_events(run_id)
        assert [event.seq for event in events] == list(range(1, _MANY + 1))
        for number in range(WORKERS):
            assert sum(event.payload == [number] for event in events) == won[number]

    def test_many_runs(self, repo: Repo, spec: Digest, crew: Crew) -> None:
        """Two hundred runs by four workers: all there, all complete, all verified."""
        ids = [run_id for answer in crew(record_runs, spec) for run_id in answer]
        runs = repo.runs.list_runs()
        assert sorted(run.run_id for run in runs) == sorted(ids)
        assert len(ids) == WORKERS * _MANY
        assert {(run.status, run.total_events) for run in runs} == {(RunStatus.COMPLETED, 4)}
        report = repo.verify()
        assert report.problems == ()
        assert report.checked["events"] == 4 * len(ids)

    def test_an_end_and_appends_have_one_order(self, repo: Repo, spec: Digest, crew: Crew) -> None:
        """What was acknowledged came before the end, and nothing comes after it."""
        ids = [repo.runs.create_run(spec, RunMetadata("agent")) for _ in range(24)]
        answers = crew(race, ids)
        for turn, run_id in enumerate(ids):
            acknowledged = sum(answer[turn] for answer in answers)
            run = repo.runs.get_run(run_id)
            assert run.status is tuple(RunStatus)[1 + turn % 3]
            assert run.summary is not None
            assert run.summary.total_events == acknowledged == len(repo.runs.get_events(run_id))
        assert repo.verify().problems == ()

    def test_one_end(self, repo: Repo, spec: Digest, crew: Crew) -> None:
        """Of several ends of one run exactly one succeeds, and its status stays."""
        ids = [repo.runs.create_run(spec, RunMetadata("agent")) for _ in range(12)]
        answers = crew(end_at_once, ids)
        for turn, run_id in enumerate(ids):
            (winner,) = [number for number, answer in enumerate(answers) if answer[turn]]
            assert repo.runs.get_run(run_id).status is tuple(RunStatus)[1 + winner % 3]

    def test_one_holder(self, repo: Repo, spec: Digest, crew: Crew) -> None:
        """Of several who take a lease at once exactly one holds it."""
        ids = [repo.runs.create_run(spec, RunMetadata("agent")) for _ in range(12)]
        answers = crew(take_leases, ids)
        for turn, run_id in enumerate(ids):
            assert [answer[turn] for answer in answers if answer[turn]] == [1]
            (winner,) = [number for number, answer in enumerate(answers) if answer[turn]]
            lease = repo.runs.get_run(run_id).lease
            assert lease is not None
            assert lease.holder == f"worker{winner}"

    def test_who_was_replaced_writes_no_more(self, repo: Repo, run_id: RunId, crew: Crew) -> None:
        """The log is of one epoch after the other, and holds what was acknowledged."""
        written: dict[int, list[int]] = {}
        for answer in crew(take_over, run_id):
            assert not written.keys() & answer.keys()
            written |= answer
        assert sorted(written) == list(range(1, 10 * WORKERS + 1))
        events = repo.runs.get_events(run_id)
        seqs_by_epoch = [seq for _, seqs in sorted(written.items()) for seq in seqs]
        assert seqs_by_epoch == [event.seq for event in events]
        for epoch, seqs in written.items():
            expected = [[epoch, n] for n in range(len(seqs))]
            assert [event.payload for event in events if event.seq in seqs] == expected

    def test_one_append_a_key(self, repo: Repo, run_id: RunId, crew: Crew) -> None:
        """Whoever asks for it, it happens once, and all get the same answer."""
        first, *others = crew(append_once, run_id)
        assert others == [first] * (WORKERS - 1)
        assert len(repo.runs.get_events(run_id)) == 2 * _MANY
        assert repo.verify().problems == ()

    def test_groups_of_batches(self, repo: Repo, spec: Digest, crew: Crew) -> None:
        """They interleave as single ones do, and the one that is refused changes nothing."""
        ids = [repo.runs.create_run(spec, RunMetadata("agent")) for _ in range(3)]
        answers = crew(append_in_groups, ids)
        for turn, run_id in enumerate(ids):
            events = {event.seq or 0: event.payload for event in repo.runs.get_events(run_id)}
            assert sorted(events) == list(range(1, WORKERS * _MANY + 1))
            for number, answer in enumerate(answers):
                assert [events[seq] for seq in answer[turn]] == [[number, n] for n in range(_MANY)]
        assert repo.verify().problems == ()

    def test_promotes_and_rollbacks(self, repo: Repo, crew: Crew) -> None:
        """The history is dense and every entry follows from those before it."""
        specs = [add_spec(repo, text) for text in ("one", "two", "three")]
        for spec in specs:
            repo.releases.promote("shared", spec, by())
        appended = sum(crew(move_releases, specs))
        history = repo.releases.history("shared")[::-1]
        assert [record.seq for record in history] == list(range(1, len(specs) + appended + 1))
        assert list(lineage_problems(history)) == []
        assert repo.verify().problems == ()

    def test_the_first_to_move_wins(self, repo: Repo, spec: Digest, crew: Crew) -> None:
        """Whoever expected the release that was current before gets StaleCurrent."""
        answers = crew(promote_expecting, spec)
        assert sorted(seq for answer in answers for seq in answer) == list(range(1, 11))
        history = repo.releases.history("shared")
        for number, answer in enumerate(answers):
            mine = [r.seq for r in reversed(history) if r.actor == f"worker{number}"]
            assert mine == answer

    def test_one_import(self, repo: Repo, spec: Digest, crew: Crew) -> None:
        """A file that several workers record at once gives one set of runs."""
        answers = crew(import_file)
        assert sorted(new for new, _ in answers) == [False] * (WORKERS - 1) + [True]
        (run,) = repo.runs.list_runs()
        assert [ids for _, ids in answers] == [[run.run_id]] * WORKERS
        assert (run.total_events, run.spec_digest) == (30, spec)
        assert repo.verify().problems == ()

    def test_objects(self, repo: Repo, crew: Crew) -> None:
        """Shared ones are stored once, deleted ones are gone."""
        crew(put_objects)
        assert len(repo.objects.list()) == 10
        assert repo.verify().problems == ()


class ThreadsContract(ConcurrencyContract):
    """Threads that share one repository."""

    @pytest.fixture
    def crew(self, repo: Repo) -> Crew:
        """Return a crew of threads."""
        return threads(repo)


class ProcessesContract(ConcurrencyContract):
    """Processes with repositories of their own; the fixture ``place`` says where it is.

    ``place`` is what ``aivcs.open`` takes in another process; ``durability`` its argument.
    """

    durability: str | None = None

    @pytest.fixture(scope="class")
    @classmethod
    def workers(cls) -> Iterator[Hire]:
        """Return processes, started once for all tests of a class."""
        with processes() as crew:
            yield crew

    @pytest.fixture
    def crew(self, workers: Hire, place: str) -> Crew:
        """Return a crew of processes."""
        return workers(place, self.durability)
