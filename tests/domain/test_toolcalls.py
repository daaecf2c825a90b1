from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.events import RunEvent
from aivcs.domain.jsondelta import Delta
from aivcs.domain.toolcalls import (
    Added,
    ParamChanged,
    Removed,
    Reordered,
    ToolCall,
    compare_tool_calls,
    tool_calls,
)


def _calls(*names: str, **params: Any) -> list[ToolCall]:
    return [ToolCall(seq, name, {"tool_name": name, **params}) for seq, name in enumerate(names, 1)]


def test_only_calls_that_name_a_tool_are_calls() -> None:
    events = [
        RunEvent(1, "tool_called", {"tool_name": "search", "q": 1, "tool_call_id": "x"}),
        RunEvent(2, "tool_called", {"tool_name": 5}),
        RunEvent(3, "tool_called", {}),
        RunEvent(4, "tool_called", ["search"]),
        RunEvent(5, "tool_returned", {"tool_name": "search"}),
        RunEvent(
            None,
            "tool_call_started",
            {"tool_call_id": "y", "step_id": "s", "tool_name": "fetch", "input": 1},
        ),
    ]
    assert tool_calls(events) == [
        ToolCall(1, "search", {"tool_name": "search", "q": 1}),
        ToolCall(6, "fetch", {"tool_name": "fetch", "input": 1}),
    ]


def test_equal_calls_do_not_differ() -> None:
    assert compare_tool_calls(_calls("a", "b"), _calls("a", "b")) == ()
    assert compare_tool_calls([], []) == ()


def test_an_insertion_reorders_nothing() -> None:
    found = compare_tool_calls(_calls("search", "fetch"), _calls("translate", "search", "fetch"))
    assert found == (Added(_calls("translate")[0]),)


def test_a_swap_is_exactly_one_reordering() -> None:
    (found,) = compare_tool_calls(_calls("search", "fetch"), _calls("fetch", "search"))
    assert isinstance(found, Reordered)
    assert {found.from_index, found.to_index} == {0, 1}


def test_changed_parameters_of_an_aligned_call() -> None:
    a = [ToolCall(1, "search", {"q": "x", "deep": {"n": 1}})]
    b = [ToolCall(4, "search", {"q": "y", "deep": {"n": 1, "m": 2}})]
    changed = ParamChanged("search", 1, 4, (Delta("/q", "x", "y"), Delta("/deep/m", None, 2)))
    assert compare_tool_calls(a, b) == (changed,)


def test_a_call_that_moved_and_changed_is_both() -> None:
    a = [ToolCall(1, "x", {"q": 1}), *_calls("y", "z")]
    b = [*_calls("y", "z"), ToolCall(9, "x", {"q": 2})]
    assert compare_tool_calls(a, b) == (
        Reordered(b[2], 0, 2),
        ParamChanged("x", 1, 9, (Delta("/q", 1, 2),)),
    )


def test_order_of_the_answer_and_its_json() -> None:
    a = [*_calls("a", "b", "gone"), ToolCall(7, "c", {"q": 1})]
    b = [*_calls("new", "a", "b"), ToolCall(8, "c", {"q": 2})]
    found = compare_tool_calls(a, b)
    assert [change.to_dict()["change"] for change in found] == ["param_changed", "removed", "added"]
    assert found[0].to_dict() == {
        "change": "param_changed",
        "tool_name": "c",
        "seq_a": 7,
        "seq_b": 8,
        "deltas": [{"pointer": "/q", "before": 1, "after": 2}],
    }
    (moved,) = compare_tool_calls(_calls("a", "b"), _calls("b", "a"))
    assert moved.to_dict()["call"] in [call.to_dict() for call in _calls("b", "a")]


CALLS = st.lists(
    st.builds(ToolCall, st.just(1), st.sampled_from("abc"), st.integers(0, 2)), max_size=12
)


@given(CALLS, CALLS)
def test_every_call_is_accounted_for_and_both_ways_agree(
    a: list[ToolCall], b: list[ToolCall]
) -> None:
    found, back = compare_tool_calls(a, b), compare_tool_calls(b, a)
    added = Counter(change.call.tool_name for change in found if isinstance(change, Added))
    removed = Counter(change.call.tool_name for change in found if isinstance(change, Removed))
    assert Counter(call.tool_name for call in a) - removed == (
        Counter(call.tool_name for call in b) - added
    )
    assert not set(added) & set(removed)
    assert added == Counter(one.call.tool_name for one in back if isinstance(one, Removed))
    assert removed == Counter(one.call.tool_name for one in back if isinstance(one, Added))
    assert (not found) == (
        [(c.tool_name, c.params) for c in a] == [(c.tool_name, c.params) for c in b]
    )


@given(CALLS, CALLS)
def test_what_does_not_call_makes_no_difference(a: list[ToolCall], b: list[ToolCall]) -> None:
    def events(calls: list[ToolCall], *, noise: bool) -> list[RunEvent]:
        found = []
        for call in calls:
            found += [RunEvent(None, "message_added", {"role": "user"})] * noise
            payload = {"tool_name": call.tool_name, "q": call.params}
            found.append(RunEvent(call.seq, "tool_called", payload))
        return found

    quiet = compare_tool_calls(
        tool_calls(events(a, noise=False)), tool_calls(events(b, noise=False))
    )
    assert quiet == compare_tool_calls(
        tool_calls(events(a, noise=True)), tool_calls(events(b, noise=False))
    )
