"""What every state store keeps, whatever keeps it: the contract as a test suite.

A fixture ``opened`` opens the same repository with a given clock; what it opened is closed at
the end.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest

from aivcs.domain.execution import ExecutionState, WaitReason
from aivcs.domain.execution_snapshot import ExecutionSnapshot, Freshness
from aivcs.errors import InvalidInputError, InvalidName, RepositoryClosed
from aivcs.services.state_store import MAX_KEY, MAX_VALUE

if TYPE_CHECKING:
    from aivcs.domain.canonical import Json
    from aivcs.repo import Repo
    from aivcs.services.state_store import StateStore

NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Watch:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        """Return the time it shows."""
        return self.now

    def move(self, seconds: float) -> None:
        """Move it."""
        self.now += timedelta(seconds=seconds)


class OpenWith(Protocol):
    """Opens the repository under test."""

    def __call__(self, clock: Watch) -> Repo:
        """Return it, open."""
        ...


def snapshot_of(execution_id: str, seq: int = 1, **fields: Any) -> ExecutionSnapshot:  # noqa: ANN401
    """Return a snapshot of a running execution of the tenant ``acme``."""
    fields = {"tenant_id": "acme", "state": ExecutionState.RUNNING, **fields}
    return ExecutionSnapshot(execution_id=execution_id, sequence_number=seq, **fields)


class StateStoreContract:
    """Snapshots as they are saved, keys and values, and what ends them."""

    @pytest.fixture
    def watch(self) -> Watch:
        """Return the clock of the repository."""
        return Watch()

    @pytest.fixture
    def store(self, opened: OpenWith, watch: Watch) -> StateStore:
        """Return an empty state store."""
        return opened(watch).state

    def test_a_snapshot_comes_back_as_it_was_saved(self, store: StateStore) -> None:
        """Every field, whatever is in it."""
        saved = snapshot_of(
            "e 1: %_",
            7,
            user_id="ann",
            state=ExecutionState.WAITING,
            wait=WaitReason.APPROVAL,
            current_step_id="step_1",
            step_outputs={"s": {"deep": [1, 2.5, None, "\u00e9"]}},
            variables={"n": 2**60, "": ""},
            timestamp=NOON - timedelta(days=1, microseconds=1),
        )
        assert store.load_snapshot(saved.execution_id) is None
        assert store.save_snapshot(saved)
        assert store.load_snapshot(saved.execution_id) == saved

    def test_without_a_timestamp_it_bears_the_present(self, store: StateStore) -> None:
        """The clock of the repository says which."""
        store.save_snapshot(snapshot_of("e"))
        found = store.load_snapshot("e")
        assert found is not None
        assert found.timestamp == NOON

    def test_the_newest_snapshot_counts(self, store: StateStore) -> None:
        """One of as many events replaces another; one of fewer does not, unless forced."""
        none = {"log": "has none of them"}
        assert store.save_snapshot(snapshot_of("e", 0))
        assert store.save_snapshot(snapshot_of("e", 0, variables=none))
        found = store.load_snapshot("e")
        assert found is not None
        assert found.variables == none

    def test_a_deleted_snapshot_is_gone(self, store: StateStore) -> None:
        """And one that is not there may be deleted."""
        store.delete_snapshot("e")
        store.save_snapshot(snapshot_of("e"))
        store.save_snapshot(snapshot_of("f"))
        store.delete_snapshot("e")
        assert store.load_snapshot("e") is None
        assert store.load_snapshot("f") is not None

    def test_snapshots_of_a_tenant_are_listed_newest_first(self, store: StateStore) -> None:
        """By their times; of equal times that which was saved last."""
        for name, minutes in (("a", 5), ("b", 9), ("c", 5), ("d", 1)):
            when = NOON + timedelta(minutes=minutes)
            store.save_snapshot(snapshot_of(name, timestamp=when))
        store.save_snapshot(snapshot_of("other", tenant_id="zeta"))
        assert store.list_snapshots("acme") == ["b", "c", "a", "d"]
        assert store.list_snapshots("acme", 2) == ["b", "c"]
        assert store.list_snapshots("acme", 0) == []
        assert store.list_snapshots("nobody", 5) == []
        store.save_snapshot(snapshot_of("a", timestamp=NOON + timedelta(hours=1)))
        assert store.list_snapshots("acme", 1) == ["a"]

    @pytest.mark.parametrize("limit", [-1, 1.5, True, None])
    def test_a_limit_that_is_none(self, store: StateStore, limit: Any) -> None:  # noqa: ANN401
        """It is a whole number from 0."""
        with pytest.raises(InvalidInputError, match="limit"):
            store.list_snapshots("acme", limit)

    def test_values_by_key(self, store: StateStore) -> None:
        """Any bytes; the last ones count."""
        key = "exec:e:var:x"
        assert store.get(key) is None
        assert not store.exists(key)
        for value in (b"", bytes(range(256)), b"x" * 200_000):
            store.set(key, value)
            assert store.get(key) == value
            assert store.exists(key)
        store.set(key, bytearray(b"mutable"))
        assert store.get(key) == b"mutable"
        assert store.get(key.upper()) is None
        store.delete(key)
        store.delete(key)
        assert store.get(key) is None

    def test_json_values(self, store: StateStore) -> None:
        """They keep their order, and null is a value."""
        value: Json = {"z": [1, 1.0, True, None, "\u00e9\ud800"], "a": {}}
        store.set_json("k", value)
        assert store.get_json("k") == value
        assert store.get_json("absent") is None
        store.set_json("k", None)
        assert store.get("k") == b"null"
        assert store.get_json("k") is None
        assert store.exists("k")

    @pytest.mark.parametrize("value", [{1: 2}, {"x": b"y"}, [float("nan")], {1, 2}, object()])
    def test_what_json_does_not_have(self, store: StateStore, value: Any) -> None:  # noqa: ANN401
        """It is refused, and the old value stays."""
        store.set_json("k", 1)
        with pytest.raises(InvalidInputError, match="'k'"):
            store.set_json("k", value)
        assert store.get_json("k") == 1

    @pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"NaN", b"[" * 500])
    def test_a_value_that_is_no_json(self, store: StateStore, data: bytes) -> None:
        """It can be read as bytes only."""
        store.set("k", data)
        with pytest.raises(InvalidInputError, match="'k' is not JSON"):
            store.get_json("k")
        assert store.get("k") == data

    @pytest.mark.parametrize("key", ["", None, 3, b"k", "a\0b", "\ud800", "k" * (MAX_KEY + 1)])
    def test_a_key_that_is_none(self, store: StateStore, key: Any) -> None:  # noqa: ANN401
        """A key is a text of 1-1024 characters."""
        for call in (store.get, store.delete, store.exists):
            with pytest.raises(InvalidInputError, match="key"):
                call(key)
        with pytest.raises(InvalidInputError, match="key"):
            store.set(key, b"")

    @pytest.mark.parametrize("value", ["text", None, 3, [1], b"x" * (MAX_VALUE + 1)])
    def test_a_value_that_is_none(self, store: StateStore, value: Any) -> None:  # noqa: ANN401
        """Bytes, up to the limit."""
        with pytest.raises(InvalidInputError, match="'k'"):
            store.set("k", value)
        assert not store.exists("k")

    @pytest.mark.parametrize("execution_id", ["", "x" * 257, "a\0b"])
    def test_an_id_that_is_none(self, store: StateStore, execution_id: str) -> None:
        """The ids are those of runs."""
        for call in (store.load_snapshot, store.delete_snapshot, store.delete_execution_state):
            with pytest.raises(InvalidName):
                call(execution_id)

    def test_a_value_lives_as_long_as_it_was_said(self, store: StateStore, watch: Watch) -> None:
        """At the end of its time it is absent."""
        store.set("k", b"v", ttl=10)
        store.set("delta", b"v", ttl=timedelta(minutes=1))
        store.set("ever", b"v")
        watch.move(9.999)
        assert store.get("k") == b"v"
        watch.move(0.001)
        assert store.get("k") is None
        assert not store.exists("k")
        assert store.exists("delta")
        watch.move(10**9)
        assert [store.exists(key) for key in ("delta", "ever")] == [False, True]

    def test_no_time_at_all(self, store: StateStore) -> None:
        """It has expired at once, and what was there is replaced all the same."""
        store.set("k", b"old")
        store.set("k", b"new", ttl=0)
        assert store.get("k") is None
        store.set_json("j", 1, ttl=timedelta())
        assert not store.exists("j")

    def test_a_new_value_has_a_time_of_its_own(self, store: StateStore, watch: Watch) -> None:
        """None, where none is said."""
        store.set("k", b"1", ttl=5)
        store.set("k", b"2")
        watch.move(100)
        assert store.get("k") == b"2"
        store.set("k", b"3", ttl=5)
        watch.move(4)
        store.set("k", b"4", ttl=5)
        watch.move(4)
        assert store.get("k") == b"4"

    @pytest.mark.parametrize("ttl", [10.0**18, 10**300, timedelta.max])
    def test_longer_than_the_calendar(self, store: StateStore, ttl: Any) -> None:  # noqa: ANN401
        """It never expires."""
        store.set("k", b"v", ttl)
        assert store.exists("k")

    @pytest.mark.parametrize(
        "ttl", [-1, -0.001, float("nan"), float("inf"), timedelta(-1), True, "5"]
    )
    def test_a_time_that_is_none(self, store: StateStore, ttl: Any) -> None:  # noqa: ANN401
        """It is refused, and the old value stays."""
        store.set("k", b"old")
        with pytest.raises(InvalidInputError, match="time to live"):
            store.set("k", b"v", ttl)
        assert store.get("k") == b"old"

    def test_what_has_expired_is_swept(self, store: StateStore, watch: Watch) -> None:
        """And counted; what was read since is gone already."""
        assert store.sweep() == 0
        for number in range(5):
            store.set(f"k{number}", b"v", ttl=1 + number)
        store.set("ever", b"v")
        watch.move(3)
        assert store.get("k0") is None
        assert store.sweep() == 2
        assert store.sweep() == 0
        watch.move(-2)
        assert [store.exists(f"k{number}") for number in range(5)] == [False] * 3 + [True] * 2
        assert store.exists("ever")

    def test_all_of_an_execution_goes(self, store: StateStore) -> None:
        """Its snapshot and its keys; not those of others, however alike their ids."""
        ids = ["a", "A", "ab", "a%", "a_", "%", "_", "a:", "a;", "\u00e9", "a*", "a["]
        for name in ids:
            store.save_snapshot(snapshot_of(name))
            for rest in ("", "var:x", "\U0010ffff"):
                store.set(f"exec:{name}:{rest}", b"v")
        store.set("exec:a", b"v")
        store.set("exec", b"v")
        left = set(ids)
        for name in ("a%", "_", "%", "\u00e9", "a_", "nobody"):
            store.delete_execution_state(name)
            left.discard(name)
            for other in ids:
                assert (store.load_snapshot(other) is not None) == (other in left), (name, other)
                for rest in ("", "var:x", "\U0010ffff"):
                    assert store.exists(f"exec:{other}:{rest}") == (other in left), (name, other)
        store.delete_execution_state("a")
        assert store.exists("exec:ab:")
        assert store.exists("exec:a")
        assert store.exists("exec")

    def test_a_snapshot_without_a_log_is_invalid(self, store: StateStore) -> None:
        """It is there, but nothing to go on from."""
        assert store.freshness("e") is None
        store.save_snapshot(snapshot_of("e", 3))
        assert store.freshness("e") is Freshness.INVALID
        assert store.load_fresh("e") is None
        assert store.save_snapshot(snapshot_of("e", 1))
        found = store.load_snapshot("e")
        assert found is not None
        assert found.sequence_number == 1

    def test_the_facts_of_a_backend(self, store: StateStore) -> None:
        """It needs no network."""
        assert store.name()
        assert not store.requires_network()
        assert store.supports_air_gapped()
        store.health_check()

    def test_after_the_end(self, store: StateStore) -> None:
        """Every call is refused; the end may be repeated."""
        store.set("k", b"v")
        store.save_snapshot(snapshot_of("e"))
        store.shutdown()
        store.shutdown()
        calls: list[Any] = [
            lambda: store.get("k"),
            lambda: store.set("k", b""),
            lambda: store.set("k", b"", 0),
            lambda: store.delete("k"),
            lambda: store.exists("k"),
            lambda: store.get_json("k"),
            lambda: store.set_json("k", 1),
            lambda: store.save_snapshot(snapshot_of("e")),
            lambda: store.load_snapshot("e"),
            lambda: store.load_fresh("e"),
            lambda: store.freshness("e"),
            lambda: store.delete_snapshot("e"),
            lambda: store.delete_execution_state("e"),
            lambda: store.list_snapshots("acme"),
            store.sweep,
            store.health_check,
        ]
        for call in calls:
            with pytest.raises(RepositoryClosed):
                call()

    def test_it_ends_with_its_repository(self, opened: OpenWith, watch: Watch) -> None:
        """Also one that is asked for only then."""
        repo = opened(watch)
        repo.state.set("k", b"v")
        repo.close()
        other = opened(watch)
        other.close()
        for closed in (repo, other):
            with pytest.raises(RepositoryClosed):
                closed.state.get("k")
