from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain import jsontext
from aivcs.errors import InvalidEvent, InvalidSource
from aivcs.trajectories import FORMATS, source
from aivcs.trajectories import read as read_source
from aivcs.trajectories.agent import describe
from aivcs.trajectories.detect import READERS

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGE = {"role": "user", "content": "Hi"}
SAMPLES: dict[str, Any] = {
    "tau-bench": [{"traj": [MESSAGE]}],
    "swe-agent": {"trajectory": [{"action": "ls"}], "history": [], "info": {}},
    "mini-swe-agent": {"messages": [MESSAGE], "info": {}},
    "openhands": {"history": [{"action": "run"}], "instance_id": "x"},
    "who-and-when": {"history": [MESSAGE], "mistake_agent": "x"},
    "mint": {"state": {"history": [MESSAGE]}, "task": {}},
    "claude-code": {"type": "user", "message": MESSAGE},
    "jsonl": {"kind": "note"},
}

WORDS = """
traj role content tool_calls function name arguments id history trajectory info
action observation messages metadata test_result report resolved instance_id error
mistake_agent is_correct system_prompt type message loglines timestamp kind payload
seq user assistant tool tool_use tool_result system is_demo replay_config agent model
tools args cause reward task_id exit_status extra llm_config tool_call_metadata
function_name state task success
"""


def test_every_format_has_a_reader_under_its_name() -> None:
    assert tuple(READERS) == FORMATS == tuple(SAMPLES)


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_format_is_recognised_by_its_content(format_name: str) -> None:
    sample = json.dumps(SAMPLES[format_name]).encode()
    for format_asked in ("auto", format_name):
        (run,) = read_source(sample, format_asked)
        assert run.format == format_name
        assert len(run.events) in (1, 2)


@pytest.mark.parametrize("format_name", ["openhands", "mint", "claude-code", "jsonl"])
def test_formats_of_lines_are_recognised_by_a_line(format_name: str) -> None:
    line = json.dumps(SAMPLES[format_name])
    assert {run.format for run in read_source(f"\n{line}\n{line}\n".encode())} == {format_name}


def test_lists_of_messages_are_mini_swe_agent() -> None:
    (run,) = read_source(json.dumps([5, MESSAGE]).encode())
    assert run.format == "mini-swe-agent"
    assert len(run.events) == 2


@pytest.mark.parametrize(
    "text", ["{}", "[]", "null", "3", '{"a": 1}', '{"a": 1}\n{"b": 2}', "[1]\n[2]", '[{"a": 1}]']
)
def test_an_unknown_format_lists_the_known(text: str) -> None:
    with pytest.raises(InvalidSource, match="the format of input is not known") as caught:
        read_source(text.encode())
    assert all(name in str(caught.value.hint) for name in FORMATS)
    assert "--format" in str(caught.value.hint)


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(InvalidSource, match="unknown format: 'csv'") as caught:
        read_source(b"{}", "csv")
    assert "tau-bench" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "input is empty"),
        (b" \r\n\n\t", "input is empty"),
        (b"\xef\xbb\xbf", "input is empty"),
        (b'{"a": 1}\n{"b": "\xff"}', r"line 2 of input is not UTF-8 \(byte 16\)"),
        (b'{"a": 1}\n\n\x00', "line 3 of input holds a NUL byte"),
        ('{"kind": "x"}'.encode("utf-16-le"), "line 1 of input holds a NUL byte"),
        (b"\x89PNG\r\n\x1a\n", "line 1 of input is not UTF-8"),
        (b"hello\n", "line 1 of input is not JSON"),
        (b'[\n{"traj": [],\n', "line 3 of input is not JSON"),
        (b'{"kind": "x"}\n{"kind"', "line 2 of input is not JSON"),
        (b'{"a": 1}\nb', "line 2 of input is not JSON"),
        (b'{"a": Infinity}', "input is not JSON: Infinity is not a finite number"),
        (b"[" * 200_000, "line 1 of input is not JSON: nested too deeply"),
        (b"[\n\n" + b"[" * 101 + b"]" * 102, "line 3 of input is not JSON: nested too deeply"),
        (b'{"kind": "x"}\n' + b"[" * 102 + b"]" * 102, "line 2 of input is not JSON: nested too"),
        (b'{"kind": "x"}\n' + b"[" * 200_000, "line 2 of input is not JSON"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, message: str) -> None:
    with pytest.raises(InvalidSource, match=message) as caught:
        read_source(data)
    assert caught.value.hint
    for format_name in FORMATS:
        with pytest.raises(InvalidSource):
            read_source(data, format_name)


def test_a_source_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_SOURCE", 12)
    with pytest.raises(InvalidSource, match="13 bytes long, over the limit of 12"):
        read_source(b'{"kind":"xy"}')


def test_an_explicit_format_that_does_not_fit_describes_what_was_found() -> None:
    with pytest.raises(InvalidSource, match=r"found an object with 'kind', 'payload'$"):
        read_source(b'{"kind": "x", "payload": 1}', "swe-agent")
    with pytest.raises(InvalidSource, match=r"found a list of 2$"):
        read_source(b"[1, 2]", "who-and-when")
    with pytest.raises(InvalidSource, match=r"found lines of JSON$"):
        read_source(b'{"kind": "x"}\n{"kind": "x"}', "tau-bench")
    with pytest.raises(InvalidSource, match=r"found the value '3'$"):
        read_source(b"3", "mini-swe-agent")
    with pytest.raises(InvalidSource, match=r"found an empty object$"):
        read_source(b"{}", "tau-bench")


def test_a_configuration_beyond_canonical_json_is_kept() -> None:
    sample = {**SAMPLES["swe-agent"], "replay_config": {"agent": {"model": {"n": 2**60}}}}
    (run,) = read_source(json.dumps(sample).encode())
    assert run.spec
    assert run.spec["model"] == {"model.json": b'{"n":1152921504606846976}'}
    sample["history"] = [{"role": "system", "content": "\ud800"}]
    (run,) = read_source(json.dumps(sample).encode())
    assert run.spec
    assert run.spec["prompts"] == {"prompts/system.md": b"\xed\xa0\x80"}


def test_a_configuration_nested_too_deeply_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(InvalidSource, match="nested too deeply"):
        describe("swe-agent", model=deep)


@pytest.mark.parametrize(("levels", "fits"), [(98, True), (99, False)])
def test_an_event_nested_too_deeply_is_named(levels: int, fits: bool) -> None:
    kept = {"type": "note", "uuid": "x", "deep": json.loads("[" * levels + "]" * levels)}
    data = f"{json.dumps(SAMPLES['claude-code'])}\n{json.dumps(kept)}".encode()
    if fits:
        (run,) = read_source(data)
        assert all(jsontext.encode(event.payload) for event in run.events)
        return
    with pytest.raises(InvalidSource, match=r"^event 2 of run 0 of input is nested too deeply$"):
        read_source(data)


def _values() -> st.SearchStrategy[Any]:
    words = st.sampled_from(WORDS.split())
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | words
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=5),
        max_leaves=25,
    )


def _try(data: bytes) -> Iterator[str]:
    for format_name in ("auto", *FORMATS):
        try:
            runs = read_source(data, format_name)
        except (InvalidSource, InvalidEvent):
            continue
        yield from {run.format for run in runs}


@given(st.binary(max_size=60))
def test_random_bytes_are_read_or_refused(data: bytes) -> None:
    assert set(_try(data)) <= set(FORMATS)


@given(st.lists(_values(), min_size=1, max_size=3))
def test_random_json_is_read_or_refused(values: list[Any]) -> None:
    text = "\n".join(json.dumps(value) for value in values)
    assert set(_try(text.encode())) <= set(FORMATS)


@given(
    st.sampled_from(FORMATS),
    st.dictionaries(st.sampled_from(["history", "info", "traj", "metadata"]), _values()),
)
def test_random_changes_to_a_sample_are_read_or_refused(
    format_name: str, changes: dict[str, Any]
) -> None:
    sample = SAMPLES[format_name]
    changed = {**sample, **changes} if isinstance(sample, dict) else [{**sample[0], **changes}]
    assert set(_try(json.dumps(changed).encode())) <= set(FORMATS)
