"""What every EventStore does: appending, reading, listing, and what is refused."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.execution import WaitReason
from aivcs.domain.executions import facts, lifecycle, steps
from aivcs.domain.executions.failure import ErrorCategory, ExecutionError
from aivcs.errors import (
    AivcsError,
    ConflictError,
    InvalidEvent,
    InvalidInputError,
    InvalidName,
    MissingObject,
    RepositoryClosed,
    WrongExpectedSequence,
)
from aivcs.services.bodies import INLINE_LIMIT
from aivcs.services.event_store import MAX_TENANT
from aivcs.testing.subject import RepoContract

if TYPE_CHECKING:
    from aivcs.domain.executions.data import ExecutionEventData
    from aivcs.repo import Repo
    from aivcs.services.event_store import EventStore
    from aivcs.testing.subject import OpenRepo

FAILURE = ExecutionError(
    ErrorCategory.TOOL_ERROR, "boom", {"kind": "retry", "max": 3}, "E1", 2, "s", "p", 503, [1], 7
)
VARIANTS: tuple[ExecutionEventData, ...] = (
    lifecycle.ExecutionStarted({"parent_id": "exec_0"}, {"any": [1, None]}),
    steps.StepDiscovered("s2", "llm_output", "it asked", 1, "s"),
    steps.StepStarted("s", "ToolNode", "search", "p"),
    steps.StepCompleted("s", 12, "found"),
    steps.StepStarted("s3", "FunctionNode", "other"),
    steps.StepFailed("s3", FAILURE),
    facts.ArtifactStored("a", "s", "0" * 64, 17),
    facts.ToolCallStarted("c", "search", {"q": ["\u00e9"]}, "s"),
    facts.ToolCallCompleted("c", [1.5, None]),
    facts.CheckpointSaved("cp", "f" * 64, "s", "n"),
    facts.GoalEvaluated("g", "progressing", "s", 0.5, "half"),
    facts.KnownEvent("evaluation_result", {"suite": "x", "example_id": "1", "passed": True}),
    facts.Custom("mine", {"deep": [{}]}),
    lifecycle.ExecutionWaiting(WaitReason.APPROVAL, "of ann"),
    lifecycle.ExecutionInputReceived(),
    lifecycle.ExecutionPaused("lunch"),
    lifecycle.ExecutionResumed(),
    lifecycle.ExecutionCompleted(99, "done"),
)


def custom(number: int = 0) -> dict[str, Any]:
    """Return an event that moves nothing, as a plain object."""
    return {"type": "custom", "event_type": "n", "data": number}


def numbers(store: EventStore, execution_id: str, after: int = 0) -> list[Any]:
    """Return the data of custom events by sequence, which must be dense from ``after`` on."""
    found = store.load_events_after(execution_id, after)
    assert [one.sequence for one in found] == list(range(after + 1, after + 1 + len(found)))
    return [one.event.to_dict()["data"] for one in found]


class EventStoreContract(RepoContract):
    """Events in and out; see RepoContract for the fixtures."""

    @pytest.fixture
    def store(self, repo: Repo) -> EventStore:
        """Return an empty event store."""
        return repo.events

    def test_sequences_are_1_2_3(self, store: EventStore) -> None:
        """In each execution by itself; the first append creates it."""
        for execution_id in ("one", "two"):
            assert [store.append(execution_id, "t", custom(n)) for n in range(3)] == [1, 2, 3]
            assert numbers(store, execution_id) == [0, 1, 2]

    def test_a_batch_is_consecutive(self, store: EventStore) -> None:
        """Its answer is the sequence of its first event."""
        assert store.append_batch("e", "t", [custom(0), custom(1)]) == 1
        assert store.append_batch("e", "t", iter([custom(2), custom(3), custom(4)])) == 3
        assert numbers(store, "e") == list(range(5))

    def test_an_empty_batch_is_refused(self, store: EventStore) -> None:
        """Nothing is created by it."""
        with pytest.raises(InvalidInputError, match="empty"):
            store.append_batch("e", "t", [])
        assert store.list_executions("t") == []

    @pytest.mark.parametrize("size", [0, 2])
    def test_a_batch_is_atomic(self, store: EventStore, size: int) -> None:
        """One bad event takes the others with it, wherever it stands."""
        for number in range(size):
            store.append("e", "t", custom(number))
        good, bad = custom(9), {"type": "step_started", "step_id": "s", "name": "n"}
        for batch in ([bad, good], [good, bad], [good, bad, good]):
            with pytest.raises(InvalidEvent, match="step_type"):
                store.append_batch("e", "t", batch)
        assert store.count_events("e") == size
        assert store.execution_exists("e") is (size > 0)

    def test_every_variant_comes_back(self, store: EventStore, open_repo: OpenRepo) -> None:
        """Typed, with all its fields, in this process and in the next."""
        assert store.append_batch("e", "t", VARIANTS) == 1
        before = store.load_events("e")
        assert [one.event for one in before] == list(VARIANTS)
        assert {(one.execution_id, one.tenant_id) for one in before} == {("e", "t")}
        if self.reopens:
            with open_repo() as again:
                assert again.events.load_events("e") == before

    def test_objects_and_values_are_the_same(self, store: EventStore) -> None:
        """An event may be given as its tagged object."""
        store.append_batch("typed", "t", VARIANTS)
        store.append_batch("plain", "t", [event.to_dict() for event in VARIANTS])
        typed, plain = store.load_events("typed"), store.load_events("plain")
        assert [one.event["type"] for one in typed] == [event.type for event in VARIANTS]
        assert [one.event for one in plain] == [one.event for one in typed]

    @pytest.mark.parametrize(
        ("event", "named"),
        [
            ({}, "type"),
            ({"type": 3}, "type"),
            ({"type": "nobody_knows"}, "nobody_knows"),
            ([], "object"),
            ("execution_started", "object"),
            (None, "object"),
            ({"type": "step_completed", "step_id": "s"}, "duration_ms"),
            ({"type": "step_completed", "step_id": "s", "duration_ms": -1}, "duration_ms"),
            ({"type": "step_completed", "step_id": "", "duration_ms": 1}, "step_id"),
            ({"type": "execution_resumed", "surplus": 1}, "surplus"),
            ({"type": "execution_waiting", "reason": "boredom"}, "reason"),
            ({"type": "execution_failed", "error": {"message": "m"}}, "category"),
            ({"type": "goal_evaluated", "goal_id": "g", "status": "maybe"}, "status"),
            ({"type": "custom", "event_type": "n", "data": math.nan}, "custom: nan"),
            ({"type": "custom", "event_type": "n", "data": {1: 2}}, "key"),
            ({"type": "custom", "event_type": "n", "data": b"bytes"}, "bytes"),
        ],
    )
    def test_a_wrong_event_is_refused(self, store: EventStore, event: Any, named: str) -> None:  # noqa: ANN401
        """The message names the field; nothing is written."""
        with pytest.raises(InvalidEvent, match=named):
            store.append("e", "t", event)
        assert not store.execution_exists("e")

    def test_events_after_a_sequence(self, store: EventStore) -> None:
        """Strictly after it."""
        store.append_batch("e", "t", [custom(n) for n in range(5)])
        for after in range(7):
            assert numbers(store, "e", min(after, 5)) == list(range(5))[after:]
        assert store.load_events_after("e", 2**80) == []
        found = store.iter_events("e", after=1, limit=2)
        assert [one.sequence for one in found] == [2, 3]
        assert list(store.iter_events("e", limit=0)) == []

    def test_what_is_not_there(self, store: EventStore) -> None:
        """An unknown execution has no events; that is no error."""
        assert store.load_events("nobody") == []
        assert store.load_events_after("nobody", 3) == []
        assert store.get_latest_sequence("nobody") is None
        assert store.execution_exists("nobody") is False
        assert store.count_events("nobody") == 0
        assert store.list_executions("nobody") == []

    def test_what_is_there(self, store: EventStore) -> None:
        """The last sequence is the number of events."""
        for number in range(1, 4):
            store.append("e", "t", custom())
            assert store.get_latest_sequence("e") == store.count_events("e") == number
            assert store.execution_exists("e")

    def test_executions_are_listed_newest_first(self, store: EventStore) -> None:
        """Page by page, those of one tenant, by creation and not by what came later."""
        ids = [f"e{n}" for n in range(7)]
        for execution_id in ids:
            store.append(execution_id, "t", custom())
            store.append(f"other-{execution_id}", "u", custom())
        store.append("e0", "t", custom())
        newest = ids[::-1]
        assert store.list_executions("t") == newest
        assert store.list_executions("u", 2) == ["other-e6", "other-e5"]
        for offset in range(9):
            for limit in range(4):
                page = store.list_executions("t", limit, offset)
                assert page == newest[offset : offset + limit]

    def test_the_tenant_is_that_of_the_first_event(self, store: EventStore) -> None:
        """Another one's event is refused, also a repeated one."""
        store.append("e", "t", custom(), idempotency_key="k")
        for key in (None, "k"):
            with pytest.raises(InvalidInputError, match="another tenant"):
                store.append("e", "u", custom(), idempotency_key=key)
        assert store.list_executions("u") == []
        assert store.count_events("e") == 1

    @pytest.mark.parametrize("tenant", ["", None, 3, "\0", "\ud800", "t" * (MAX_TENANT + 1)])
    def test_a_tenant_that_is_none(self, store: EventStore, tenant: Any) -> None:  # noqa: ANN401
        """It is a short text."""
        with pytest.raises(InvalidInputError, match="tenant"):
            store.append("e", tenant, custom())
        with pytest.raises(InvalidInputError, match="tenant"):
            store.list_executions(tenant)

    def test_ids_are_any_text(self, store: EventStore) -> None:
        """Of up to 256 characters."""
        for execution_id in ("exec_2x", "\u00e9 /..%\n", "x" * 256):
            assert store.append(execution_id, "t", custom(1)) == 1
            assert numbers(store, execution_id) == [1]
        wrong: list[Any] = ["", "x" * 257, "\0", "\ud800", None, 3]
        for bad in wrong:
            with pytest.raises(InvalidName):
                store.append(bad, "t", custom())
            with pytest.raises(InvalidName):
                store.load_events(bad)

    def test_an_expected_sequence(self, store: EventStore) -> None:
        """It is that of the last event; 0 means that there is none."""
        with pytest.raises(WrongExpectedSequence):
            store.append("e", "t", custom(), expected_seq=1)
        assert not store.execution_exists("e")
        assert store.append("e", "t", custom(0), expected_seq=0) == 1
        for wrong in (0, 2, 2**70):
            with pytest.raises(WrongExpectedSequence, match="has 1 entries"):
                store.append("e", "t", custom(), expected_seq=wrong)
        assert store.append_batch("e", "t", [custom(1), custom(2)], expected_seq=1) == 2
        assert store.append("e", "t", custom(3), expected_seq=3) == 4
        assert numbers(store, "e") == [0, 1, 2, 3]

    @pytest.mark.parametrize("number", [-1, 1.0, True, "1"])
    def test_numbers_are_whole(self, store: EventStore, number: Any) -> None:  # noqa: ANN401
        """And not negative."""
        for call in (
            lambda: store.append("e", "t", custom(), expected_seq=number),
            lambda: store.load_events_after("e", number),
            lambda: store.iter_events("e", limit=number),
            lambda: store.list_executions("t", number),
            lambda: store.list_executions("t", 1, number),
        ):
            with pytest.raises(InvalidInputError, match="whole number"):
                call()

    def test_an_idempotency_key(self, store: EventStore) -> None:
        """The same events under it are stored once, and the answer is that of the first time."""
        batch = [custom(1), custom(2)]
        for _ in range(3):
            assert store.append_batch("e", "t", batch, idempotency_key="k") == 1
        assert store.append("e", "t", custom(3)) == 3
        assert store.append_batch("e", "t", batch, idempotency_key="k") == 1
        assert store.append("other", "t", custom(1), idempotency_key="k") == 1
        for other in ([custom(1)], [custom(2), custom(1)], [custom(1), custom(2), custom(3)]):
            with pytest.raises(ConflictError, match="'k'"):
                store.append_batch("e", "t", other, idempotency_key="k")
        assert numbers(store, "e") == [1, 2, 3]

    def test_a_repetition_comes_before_the_expected_sequence(self, store: EventStore) -> None:
        """Whoever did not hear the answer asks with the number of the first time."""
        for _ in range(2):
            assert store.append("e", "t", custom(1), expected_seq=0, idempotency_key="k") == 1

    @pytest.mark.parametrize("key", ["", 3, "\0", "\ud800", "k" * 257])
    def test_a_key_that_is_none(self, store: EventStore, key: Any) -> None:  # noqa: ANN401
        """It is a short text."""
        with pytest.raises(InvalidInputError):
            store.append("e", "t", custom(), idempotency_key=key)
        assert not store.execution_exists("e")

    @pytest.mark.parametrize("size", [INLINE_LIMIT // 2, 3 * INLINE_LIMIT, 300_000])
    def test_a_long_payload(self, repo: Repo, store: EventStore, size: int) -> None:
        """It is an object from some length on, which nobody sees."""
        event = {"type": "custom", "event_type": "n", "data": "\u00e9" * size}
        store.append("e", "t", event)
        store.append_batch("e", "t", [custom(1), event, event])
        assert [one.event.to_dict() for one in store.load_events("e")][0::3] == [event, event]
        assert repo.verify().ok
        repo.gc(full=True)
        assert len(store.load_events("e")) == 4

    def test_a_long_payload_that_is_gone(self, repo: Repo, store: EventStore) -> None:
        """Its absence is an error, not an empty event."""
        event = {"type": "custom", "event_type": "n", "data": "x" * 3 * INLINE_LIMIT}
        store.append("e", "t", event)
        (digest,) = repo.objects.list()
        repo.objects.delete(digest, force=True)
        with pytest.raises(MissingObject, match=str(digest)):
            store.load_events("e")

    def test_artifacts_and_checkpoints_keep_their_objects(
        self, repo: Repo, store: EventStore, open_repo: OpenRepo
    ) -> None:
        """No collection takes what an event of an execution names; hashes of others may be."""
        kept, state, loose = repo.objects.put_many([b"kept", b"state", b"loose"])
        store.append("e", "t", facts.ArtifactStored("a", "s", str(kept), 4))
        store.append("e", "t", facts.CheckpointSaved("c", str(state)))
        store.append("e", "t", facts.ArtifactStored("a", "s", "md5:of-something", 4))
        store.append("e", "t", facts.ArtifactStored("a", "s", "0" * 64, 4))
        assert repo.verify().problems == ()
        if self.reopens:
            repo.close()
            with open_repo() as again:
                again.gc(full=True)
                assert again.objects.get(kept) + again.objects.get(state) == b"keptstate"
                assert not again.objects.contains(loose)

    def test_the_time_is_the_clocks(self, open_repo: OpenRepo) -> None:
        """Also where it goes backwards; the order is that of the sequences."""
        from aivcs.testing.subject import NOON

        times = [NOON, NOON - timedelta(days=1), NOON + timedelta(microseconds=1)]
        later = iter(times)
        with open_repo(clock=lambda: next(later)) as repo:
            for number in range(3):
                repo.events.append("e", "t", custom(number))
            assert [one.timestamp for one in repo.events.load_events("e")] == times
            assert numbers(repo.events, "e") == [0, 1, 2]

    def test_reading_takes_constant_memory(self, store: EventStore) -> None:
        """An iterator may be left in the middle, and appended beside."""
        store.append_batch("e", "t", [custom(n) for n in range(2000)])
        found = store.iter_events("e")
        assert next(found).sequence == 1
        store.append("e", "t", custom(2000))
        rest = [one.sequence for one in found]
        assert rest[:1999] == list(range(2, 2001))

    def test_a_closed_repository(self, open_repo: OpenRepo) -> None:
        """Every call says so."""
        repo = open_repo()
        store = repo.events
        repo.close()
        for call in (
            lambda: store.append("e", "t", custom()),
            lambda: store.load_events("e"),
            lambda: store.count_events("e"),
            lambda: store.list_executions("t"),
            lambda: store.follow("e"),
        ):
            with pytest.raises(RepositoryClosed):
                call()
        assert issubclass(RepositoryClosed, AivcsError)
