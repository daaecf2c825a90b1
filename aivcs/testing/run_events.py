"""What every RunLedger does with events."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.digest import Digest
from aivcs.domain.events import RunEvent
from aivcs.domain.run import RunStatus
from aivcs.domain.strictjson import MAX_DEPTH
from aivcs.errors import (
    InvalidEvent,
    InvalidRunState,
    MissingObject,
    RunNotFound,
    SequenceConflict,
)
from aivcs.services.bodies import INLINE_LIMIT
from aivcs.testing.subject import ENDED, NOON, RepoContract, end, note

if TYPE_CHECKING:
    from aivcs.domain.run import RunId
    from aivcs.repo import Repo

_DEEPEST: Any = []
for _ in range(MAX_DEPTH - 1):
    _DEEPEST = [_DEEPEST]
_TOO_DEEP: Any = []
for _ in range(100_000):
    _TOO_DEEP = [_TOO_DEEP]


def seqs(repo: Repo, run_id: RunId) -> list[int | None]:
    """Return the seqs of a run's events as they are read."""
    return [event.seq for event in repo.runs.get_events(run_id)]


class RunEventsContract(RepoContract):
    """Appending and reading events; see RepoContract for the fixtures."""

    def test_a_new_run_has_no_events(self, repo: Repo, run_id: RunId) -> None:
        """Nothing is an empty list, not an error."""
        assert repo.runs.get_events(run_id) == []

    def test_events_of_an_unknown_run(self, repo: Repo) -> None:
        """An unknown run is an error, not an empty list."""
        with pytest.raises(RunNotFound, match="nonexistent"):
            repo.runs.get_events("nonexistent")
        with pytest.raises(RunNotFound, match="nonexistent"):
            repo.runs.append_event("nonexistent", note())

    def test_events_come_back_in_order_of_seq(self, repo: Repo, run_id: RunId) -> None:
        """Seqs may be given in any order while the run is RUNNING."""
        events = {seq: note(seq) for seq in (2, 1, 3)}
        for seq, event in events.items():
            assert repo.runs.append_event(run_id, event) == seq
        assert repo.runs.get_events(run_id) == [events[1], events[2], events[3]]
        assert repo.runs.get_run(run_id).total_events == 3

    def test_seqs_are_assigned(self, repo: Repo, run_id: RunId) -> None:
        """Without a seq an event takes the next number."""
        assert [repo.runs.append_event(run_id, note()) for _ in range(3)] == [1, 2, 3]
        assert repo.runs.append_event(run_id, note(4)) == 4
        assert repo.runs.append_events(run_id, [note(), note(), note(7)]) == (5, 6, 7)
        assert seqs(repo, run_id) == [1, 2, 3, 4, 5, 6, 7]

    def test_an_early_event_waits_for_the_gap(self, repo: Repo, run_id: RunId) -> None:
        """It is read from the start, and counts when the gap is closed."""
        repo.runs.append_events(run_id, [note(5), note(3), note(2)])
        assert seqs(repo, run_id) == [2, 3, 5]
        assert repo.runs.get_run(run_id).total_events == 0
        assert repo.runs.append_event(run_id, note()) == 1
        assert repo.runs.get_run(run_id).total_events == 3
        assert repo.runs.append_event(run_id, note()) == 4
        assert repo.runs.get_run(run_id).total_events == 5
        assert seqs(repo, run_id) == [1, 2, 3, 4, 5]
        assert repo.verify().ok

    def test_early_and_dense_events_in_one_call(self, repo: Repo, run_id: RunId) -> None:
        """One call may open a gap and close it."""
        assert repo.runs.append_events(run_id, [note(3), note(1), note(2), note()]) == (3, 1, 2, 4)
        assert [event.payload for event in repo.runs.get_events(run_id)][:3] == [
            {"n": 1},
            {"n": 2},
            {"n": 3},
        ]

    @pytest.mark.parametrize("seq", [1, 3])
    def test_an_equal_event_is_stored_once(self, repo: Repo, run_id: RunId, seq: int) -> None:
        """Sending it again is a success that changes nothing, in the log and before it."""
        repo.runs.append_event(run_id, note(1))
        for _ in range(2):
            assert repo.runs.append_event(run_id, note(seq)) == seq
        assert repo.runs.append_events(run_id, [note(seq), note(seq)]) == (seq, seq)
        assert seqs(repo, run_id) == sorted({1, seq})

    def test_kinds_are_checked_when_asked(self, repo: Repo, run_id: RunId) -> None:
        """Any kind is taken, unless the caller wants the known ones with their fields."""
        good = RunEvent(None, "tool_called", {"tool_name": "search"})
        free = RunEvent(None, "custom", [1])
        assert repo.runs.append_events(run_id, [good, free], check=True) == (1, 2)
        for kind, payload in (("tool_called", {}), ("tool_called", []), ("deploy_started", {})):
            event = RunEvent(None, kind, payload)
            with pytest.raises(InvalidEvent, match=kind):
                repo.runs.append_event(run_id, event, check=True)
            with pytest.raises(RunNotFound):
                repo.runs.append_event("nobody", event, check=True)
            repo.runs.append_event(run_id, event)
        assert seqs(repo, run_id) == [1, 2, 3, 4, 5]

    def test_a_retry_that_gives_no_time_is_stored_once(self, repo: Repo, run_id: RunId) -> None:
        """Where the caller gave no time, kind and payload tell whether it is the same."""
        for _ in range(2):
            assert repo.runs.append_event(run_id, RunEvent(1, "note", {"a": 1})) == 1
        with pytest.raises(SequenceConflict):
            repo.runs.append_event(run_id, RunEvent(1, "note", {"a": 2}))
        assert seqs(repo, run_id) == [1]

    @pytest.mark.parametrize("seq", [1, 3])
    def test_a_seq_is_taken_once(self, repo: Repo, run_id: RunId, seq: int) -> None:
        """Another kind, payload, key order or time under the same seq is a conflict."""
        first = RunEvent(seq, "note", {"a": 1, "b": 2}, NOON)
        repo.runs.append_events(run_id, [note(1), first] if seq > 1 else [first])
        later = NOON + timedelta(microseconds=1)
        for other in (
            RunEvent(seq, "other", {"a": 1, "b": 2}, NOON),
            RunEvent(seq, "note", {"a": 1}, NOON),
            RunEvent(seq, "note", {"b": 2, "a": 1}, NOON),
            RunEvent(seq, "note", {"a": 1, "b": 2}, later),
        ):
            with pytest.raises(SequenceConflict, match=f"seq {seq} of run {run_id}"):
                repo.runs.append_event(run_id, other)
        assert first in repo.runs.get_events(run_id)
        assert len(repo.runs.get_events(run_id)) == (2 if seq > 1 else 1)

    @pytest.mark.parametrize("seq", [0, -1, 2**53, 2**80, True, 1.0, "1"])
    def test_seqs_are_whole_numbers_from_one(self, repo: Repo, run_id: RunId, seq: Any) -> None:  # noqa: ANN401
        """Zero is no seq, nor is anything that is not a whole number."""
        with pytest.raises(InvalidEvent, match="seq"):
            repo.runs.append_event(run_id, note(seq, {}))
        assert seqs(repo, run_id) == []

    @pytest.mark.parametrize("bad", [0, 1])
    def test_several_events_land_together(self, repo: Repo, run_id: RunId, bad: int) -> None:
        """One event that cannot be stored takes the others with it."""
        repo.runs.append_event(run_id, note(1, {"first": True}))
        wrong = (note(1, {"second": True}), note(None, math.nan))[bad]
        with pytest.raises((SequenceConflict, InvalidEvent)):
            repo.runs.append_events(run_id, [note(2), note(9), wrong, note()])
        assert seqs(repo, run_id) == [1]
        assert repo.runs.append_events(run_id, []) == ()

    @pytest.mark.parametrize("status", ENDED)
    def test_nothing_is_appended_after_the_end(
        self, repo: Repo, run_id: RunId, status: RunStatus
    ) -> None:
        """Not the next event, not an early one, not one that is there already."""
        repo.runs.append_event(run_id, note(1))
        end(repo, run_id, status)
        for event in (note(), note(5), note(1), note(None, math.nan)):
            with pytest.raises(InvalidRunState, match=f"{run_id} is {status.value}"):
                repo.runs.append_event(run_id, event)
        assert seqs(repo, run_id) == [1]

    def test_a_run_with_a_gap_does_not_complete(self, repo: Repo, run_id: RunId) -> None:
        """The refusal names the missing seqs; when they come the run completes."""
        repo.runs.append_events(run_id, [note(2), note(5)])
        with pytest.raises(InvalidRunState, match=r"no event has seq 1, 3, 4$"):
            end(repo, run_id, RunStatus.COMPLETED)
        assert repo.runs.get_run(run_id).status is RunStatus.RUNNING
        repo.runs.append_events(run_id, [note(4), note(3), note(1)])
        assert end(repo, run_id, RunStatus.COMPLETED).total_events == 5

    def test_a_very_wide_gap_is_named_in_short(self, repo: Repo, run_id: RunId) -> None:
        """The first twenty missing seqs are enough."""
        repo.runs.append_event(run_id, note(2**53 - 1))
        with pytest.raises(InvalidRunState, match=r"seq 1, 2, .*, 20$"):
            end(repo, run_id, RunStatus.COMPLETED)

    @pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELLED])
    def test_a_run_with_a_gap_fails_or_is_cancelled(
        self, repo: Repo, run_id: RunId, status: RunStatus
    ) -> None:
        """The early events are kept outside the log, and verification tells of them."""
        repo.runs.append_events(run_id, [note(1), note(3)])
        assert end(repo, run_id, status).total_events == 1
        assert seqs(repo, run_id) == [1, 3]
        report = repo.verify()
        assert report.ok
        assert [(p.kind, p.id, p.severity.value) for p in report.problems] == [
            ("gap", run_id, "warning")
        ]

    def test_the_callers_time_is_kept(self, repo: Repo, run_id: RunId) -> None:
        """To the microsecond, whatever offset it was given in."""
        east = timezone(timedelta(hours=5, minutes=30))
        times = [
            datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            datetime(2026, 6, 1, 12, 0, 0, 1, tzinfo=east),
            datetime(1, 1, 1, tzinfo=UTC),
            datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        ]
        repo.runs.append_events(run_id, [RunEvent(None, "note", {}, moment) for moment in times])
        found = [event.timestamp for event in repo.runs.get_events(run_id)]
        assert found == times
        assert all(moment is not None and moment.tzinfo is UTC for moment in found)

    def test_without_a_time_the_clock_counts(self, repo: Repo, run_id: RunId) -> None:
        """An event that says no time bears the time of its recording."""
        before = repo.clock()
        repo.runs.append_event(run_id, RunEvent(None, "note"))
        (event,) = repo.runs.get_events(run_id)
        assert event.timestamp is not None
        assert before <= event.timestamp <= repo.clock()
        assert event.payload == {}

    @pytest.mark.parametrize(
        "moment",
        [
            datetime(2026, 1, 1),  # noqa: DTZ001 - it is naive on purpose
            "2026-01-01T00:00:00Z",
            0,
            datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
        ],
    )
    def test_a_time_is_aware_and_on_the_calendar(
        self,
        repo: Repo,
        run_id: RunId,
        moment: Any,  # noqa: ANN401
    ) -> None:
        """A naive time could mean any of a day's hours; nothing is guessed."""
        with pytest.raises(InvalidEvent):
            repo.runs.append_event(run_id, RunEvent(None, "note", {}, moment))
        assert seqs(repo, run_id) == []

    @pytest.mark.parametrize(
        "payload",
        [
            None,
            True,
            0,
            -1.5,
            10**40,
            1e300,
            "",
            "zero \0, wide \U0001f600, lone \ud800",
            [],
            [None, [1, [2]]],
            {},
            {"z": 1, "a": {"y": [], "b": ""}, "": 0},
            _DEEPEST,
        ],
    )
    def test_any_json_value_is_a_payload(self, repo: Repo, run_id: RunId, payload: Any) -> None:  # noqa: ANN401
        """It comes back as it was, with its key order."""
        repo.runs.append_event(run_id, RunEvent(1, "custom", payload, NOON))
        (event,) = repo.runs.get_events(run_id)
        assert event == RunEvent(1, "custom", payload, NOON)
        assert repr(event.payload) == repr(payload)

    @pytest.mark.parametrize(
        "payload",
        [math.nan, {"x": [math.inf]}, {1: "x"}, {"x": b"bytes"}, {"x": {1, 2}}, _TOO_DEEP],
        ids=["nan", "infinity", "number as key", "bytes", "set", "too deep"],
    )
    def test_what_is_not_json_is_refused(self, repo: Repo, run_id: RunId, payload: Any) -> None:  # noqa: ANN401
        """The error comes before anything is stored."""
        with pytest.raises(InvalidEvent):
            repo.runs.append_event(run_id, RunEvent(1, "custom", payload, NOON))
        assert seqs(repo, run_id) == []

    @pytest.mark.parametrize(
        "kind", ["tool_called", "Custom:deploy", "x", "k" * 256, "mit Umlaut ä"]
    )
    def test_any_text_is_a_kind(self, repo: Repo, run_id: RunId, kind: str) -> None:
        """The ledger does not judge what a kind means."""
        repo.runs.append_event(run_id, note(1, {}, kind))
        assert [event.kind for event in repo.runs.get_events(run_id)] == [kind]

    @pytest.mark.parametrize("kind", ["", "  ", "k" * 257, "zero\0", "lone \ud800", None, 3])
    def test_a_kind_is_a_short_text(self, repo: Repo, run_id: RunId, kind: Any) -> None:  # noqa: ANN401
        """Blank, endless and unencodable ones are refused."""
        with pytest.raises(InvalidEvent, match="kind"):
            repo.runs.append_event(run_id, note(1, {}, kind))
        assert seqs(repo, run_id) == []

    @pytest.mark.parametrize(
        "size", [INLINE_LIMIT - 2, INLINE_LIMIT - 1, 5 * INLINE_LIMIT, 300_000]
    )
    @pytest.mark.parametrize("seq", [1, 2])
    def test_a_long_payload(self, repo: Repo, run_id: RunId, size: int, seq: int) -> None:
        """However long it is, it reads alike, also while it waits, and is verified."""
        event = note(seq, "ä" * (size // 2))
        repo.runs.append_event(run_id, event)
        repo.runs.append_event(run_id, event)
        assert repo.runs.get_events(run_id) == [event]
        repo.runs.append_event(run_id, note(1, {}) if seq > 1 else note(2, {}))
        assert event in repo.runs.get_events(run_id)
        assert repo.verify().ok

    def test_a_long_payload_that_is_gone(self, repo: Repo, run_id: RunId) -> None:
        """Its object is needed by the event; when it is lost anyway the run says so."""
        text = "x" * (2 * INLINE_LIMIT)
        repo.runs.append_event(run_id, note(1, text))
        body = Digest.of(f'"{text}"'.encode())
        assert repo.objects.contains(body)
        repo.objects.delete(body, force=True)
        with pytest.raises(MissingObject, match=str(body)):
            repo.runs.get_events(run_id)

    def test_events_of_some_kinds(self, repo: Repo, run_id: RunId) -> None:
        """``kinds`` chooses before ``limit`` counts, early events too."""
        kinds = {1: "a", 2: "b", 3: "a", 5: "a", 6: "b"}
        repo.runs.append_events(run_id, [note(seq, kind=kind) for seq, kind in kinds.items()])
        for limit in (None, 0, 1, 3, 9):
            for after in (0, 1, 5):
                for wanted in ((), ("a",), ("b", "a"), ("c",)):
                    found = repo.runs.iter_events(run_id, after=after, limit=limit, kinds=wanted)
                    fits = [
                        s for s, k in kinds.items() if s > after and (not wanted or k in wanted)
                    ]
                    assert [event.seq for event in found] == fits[:limit]

    def test_paging_through_events(self, repo: Repo, run_id: RunId) -> None:
        """``after`` and ``limit`` cut the same list, early events at its end."""
        repo.runs.append_events(run_id, [note(seq) for seq in (1, 2, 3, 5, 7)])
        for after in (-1, 0, 1, 3, 4, 6, 9, 2**70):
            for limit in (None, 0, 1, 2, 4, 9, 2**70):
                page = repo.runs.iter_events(run_id, after=after, limit=limit)
                expected = [seq for seq in (1, 2, 3, 5, 7) if seq > after][:limit]
                assert [event.seq for event in page] == expected

    def test_a_long_log_reads_whole(self, repo: Repo, run_id: RunId) -> None:
        """More events than one page of any adapter."""
        repo.runs.append_events(run_id, (note() for _ in range(2500)))
        assert seqs(repo, run_id) == list(range(1, 2501))
        page = repo.runs.iter_events(run_id, after=900, limit=1200)
        assert [event.seq for event in page] == list(range(901, 2101))
