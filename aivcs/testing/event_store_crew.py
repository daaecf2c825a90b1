"""What holds of executions that many append to at once, in threads and in processes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from aivcs.domain.execution import Action
from aivcs.domain.run import RunStatus
from aivcs.errors import InvalidInputError, InvalidRunState, WrongExpectedSequence
from aivcs.testing.crew import WORKERS
from aivcs.testing.event_store import custom, numbers
from aivcs.testing.event_store_moves import EVENTS
from aivcs.testing.subject import RepoContract

if TYPE_CHECKING:
    from aivcs.repo import Repo
    from aivcs.testing.crew import Crew, Meet

_MANY = 40


def append_expecting(repo: Repo, number: int, _meet: Meet) -> tuple[list[int], int]:
    """Append behind what was last seen, reading again after each conflict; count those."""
    won: list[int] = []
    lost = 0
    while len(won) < _MANY:
        seen = repo.events.count_events("e")
        event = custom(number * 1000 + len(won))
        try:
            won.append(repo.events.append("e", "t", event, expected_seq=seen))
        except WrongExpectedSequence:
            lost += 1
    return won, lost


def append_keyed(repo: Repo, _number: int, meet: Meet) -> list[int]:
    """Append the same batches under the same keys as all others, at the same time."""
    first = []
    for turn in range(_MANY):
        if turn % 10 == 0:
            meet()
        batch = [custom(turn), custom(turn)]
        first.append(repo.events.append_batch("e", "t", batch, idempotency_key=f"turn {turn}"))
    return first


def append_batches(repo: Repo, number: int, _meet: Meet) -> list[int]:
    """Append batches of three."""
    batches = ([custom(number * 1000 + turn)] * 3 for turn in range(_MANY))
    return [repo.events.append_batch("e", "t", batch) for batch in batches]


def create(repo: Repo, number: int, meet: Meet, *, shared: bool) -> list[int | None]:
    """Append the first event of executions at the same instant as all others."""
    answers: list[int | None] = []
    for turn in range(12):
        meet()
        try:
            tenant = "t" if shared else f"tenant{number}"
            answers.append(repo.events.append(f"e{turn}", tenant, custom(number)))
        except InvalidInputError:
            answers.append(None)
    return answers


def race_to_the_end(repo: Repo, number: int, meet: Meet) -> list[int]:
    """Append to executions until somebody ends them; the workers take turns in ending."""
    counts = []
    for turn in range(16):
        done = 0
        meet()
        for step in range(30):
            end = turn % WORKERS == number and step == turn % 5
            event = EVENTS[Action.COMPLETE if turn % 2 else Action.FAIL] if end else custom(step)
            try:
                repo.events.append(f"e{turn}", "t", event)
            except InvalidRunState:
                break
            done += 1
        counts.append(done)
    return counts


def follow_or_append(repo: Repo, number: int, meet: Meet) -> list[int]:
    """Follow an execution that the others append to, or append; the last one ends it."""
    if number == 0:
        repo.events.append("e", "t", custom(-1))
    meet()
    if number == 0:
        return [one.sequence for one in repo.events.follow("e", pause=lambda: None)]
    total = 1 + (WORKERS - 1) * _MANY
    for turn in range(_MANY):
        if repo.events.append("e", "t", custom(turn)) == total:
            repo.events.append("e", "t", EVENTS[Action.CANCEL])
    return []


class EventStoreCrewContract(RepoContract):
    """Every test has a ``crew`` of four workers on the storage of ``repo``."""

    def test_appends_with_an_expected_sequence(self, repo: Repo, crew: Crew) -> None:
        """Each sequence has one winner; nobody's event stands where he did not expect it."""
        answers = crew(append_expecting)
        seqs = sorted(seq for won, _ in answers for seq in won)
        assert seqs == list(range(1, WORKERS * _MANY + 1))
        data = numbers(repo.events, "e")
        for number, (won, _) in enumerate(answers):
            assert [data[seq - 1] for seq in won] == [number * 1000 + n for n in range(_MANY)]
        assert repo.verify().problems == ()

    def test_the_same_keys_by_all(self, repo: Repo, crew: Crew) -> None:
        """Each batch is stored once, and everybody hears where, also who created it."""
        answers = crew(append_keyed)
        assert answers == [answers[0]] * WORKERS
        data = numbers(repo.events, "e")
        assert Counter(data) == dict.fromkeys(range(_MANY), 2)
        assert [data[first - 1 : first + 1] for first in answers[0]] == [
            [turn, turn] for turn in range(_MANY)
        ]
        assert repo.verify().problems == ()

    def test_batches_stay_together(self, repo: Repo, crew: Crew) -> None:
        """No other event stands between those of one batch."""
        answers = crew(append_batches)
        data = numbers(repo.events, "e")
        assert len(data) == WORKERS * _MANY * 3
        for number, firsts in enumerate(answers):
            for turn, first in enumerate(firsts):
                assert data[first - 1 : first + 2] == [number * 1000 + turn] * 3

    def test_all_create_an_execution(self, repo: Repo, crew: Crew) -> None:
        """One does, and the others' events follow."""
        answers = crew(create_shared)
        for turn in range(12):
            assert sorted(answer[turn] for answer in answers) == list(range(1, WORKERS + 1))
        assert len(repo.events.list_executions("t")) == 12
        assert repo.verify().problems == ()

    def test_the_tenant_of_the_first(self, repo: Repo, crew: Crew) -> None:
        """Of several tenants that create an execution at once, one has it."""
        answers = crew(create_apart)
        for turn in range(12):
            (winner,) = [n for n, answer in enumerate(answers) if answer[turn] is not None]
            assert answers[winner][turn] == 1
            assert f"e{turn}" in repo.events.list_executions(f"tenant{winner}")
            assert repo.events.count_events(f"e{turn}") == 1

    def test_an_ending_event_and_appends_have_one_order(self, repo: Repo, crew: Crew) -> None:
        """What was acknowledged is there, the end is the last of it."""
        answers = crew(race_to_the_end)
        for turn in range(16):
            events = repo.events.load_events(f"e{turn}")
            run = repo.runs.get_run(f"e{turn}")
            assert len(events) == sum(answer[turn] for answer in answers) == run.total_events
            assert run.status is (RunStatus.COMPLETED if turn % 2 else RunStatus.FAILED)
            ends = [one.sequence for one in events if one.event.type.startswith("execution_")]
            assert ends == [len(events)]
        assert repo.verify().problems == ()

    def test_following_what_others_append(self, repo: Repo, crew: Crew) -> None:
        """All events come, in order and once."""
        followed = crew(follow_or_append)[0]
        assert followed == list(range(1, 3 + (WORKERS - 1) * _MANY))
        assert repo.runs.get_run("e").status is RunStatus.CANCELLED


def create_shared(repo: Repo, number: int, meet: Meet) -> list[int | None]:
    """Create executions of one tenant."""
    return create(repo, number, meet, shared=True)


def create_apart(repo: Repo, number: int, meet: Meet) -> list[int | None]:
    """Create executions, each for a tenant of one's own."""
    return create(repo, number, meet, shared=False)
