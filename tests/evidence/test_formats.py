from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aivcs import trajectories
from aivcs.errors import InvalidSource
from aivcs.evaluations import FORMATS, Report, model, read, text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ONE: dict[str, Any] = {"suite": "s", "example_id": "a", "passed": True}
TWO: dict[str, Any] = {"suite": "s", "example_id": "b", "passed": False, "score": 0.5}
LINES = b'{"suite": "s", "example_id": "a", "passed": true}\n\n{"example_id": "b", "passed": false}'
EVENT = b'{"kind": "evaluation_result", "payload": {}}'


def report(data: object, format_name: str = "auto") -> Report:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    found = read(raw, format_name, name="file")
    assert isinstance(found, Report)
    return found


def fields(found: Report) -> list[Any]:
    return [dict(one.fields) for one in found.results]


@pytest.mark.parametrize(
    "data", [[ONE, TWO], {"results": [ONE, TWO]}, {"spec_digest": "5", "results": [ONE, TWO]}]
)
def test_a_document_of_results(data: Any) -> None:
    found = report(data)
    assert (found.format, fields(found)) == ("json", [ONE, TWO])
    assert [one.where for one in found.results] == ["result 1 of file", "result 2 of file"]
    assert found.spec_digest == (data.get("spec_digest") if isinstance(data, dict) else None)
    assert report(data, "json") == found


def test_what_the_document_says_holds_for_results_that_say_nothing() -> None:
    plain = {"example_id": "a", "passed": True}
    found = report({"suite": "mine", "results": [plain, TWO]})
    assert [one["suite"] for one in fields(found)] == ["mine", "s"]
    assert "suite" not in fields(report({"results": [plain]}))[0]


def test_one_result_alone() -> None:
    assert fields(report(ONE)) == [ONE]
    assert fields(report(ONE, "jsonl")) == [ONE]


@pytest.mark.parametrize("data", [[], {"results": []}])
def test_a_document_without_results(data: Any) -> None:
    assert report(data).results == ()


def test_lines_of_results() -> None:
    found = report(LINES)
    assert (found.format, len(found.results)) == ("jsonl", 2)
    assert [one.where for one in found.results] == ["line 1 of file", "line 3 of file"]
    assert report(LINES, "jsonl") == found
    assert report(b"\xef\xbb\xbf" + LINES.replace(b"\n", b"\r\n")) == found


def test_numbers_that_json_has_not_are_left_to_whoever_names_the_result() -> None:
    (one,) = report(b'[{"example_id": "a", "score": NaN}]').results
    score: Any = one.fields["score"]
    assert score != score  # noqa: PLR0124 - that is what NaN is


@pytest.mark.parametrize("name", trajectories.FORMATS)
def test_trajectories_are_recognised(name: str, data: Callable[[str], Path]) -> None:
    if name == "jsonl":
        assert read(EVENT, name="file") == read(EVENT + b"\n" + EVENT, "jsonl") == name
        return
    assert read(b"anything", name) == name
    if name not in {"openhands", "mint"}:
        folder = data("claude-code-samples" if name == "claude-code" else name)
        path = next(
            p for p in sorted(folder.rglob("*")) if p.suffix in {".json", ".jsonl", ".traj"}
        )
        assert read(path.read_bytes(), name="file") == name


@pytest.mark.parametrize(
    ("raw", "format_name", "message"),
    [
        (b"", "auto", "file is empty"),
        (b" \n\t", "json", "file is empty"),
        (b"[{]", "auto", "line 1 of file is not JSON: Expecting property name"),
        (b'[\n{"example_id": 1,\n}]', "auto", "line 3 of file is not JSON"),
        (LINES + b"\n{", "auto", "line 4 of file is not JSON: Expecting property name"),
        (b"[" * 200 + b"]" * 200, "auto", "line 1 of file is not JSON: nested too deeply"),
        (b"9" * 5000, "auto", "file is not JSON: Exceeds the limit"),
        (b"\x00[]", "auto", "line 1 of file holds a NUL byte"),
        (b'["\xff"]', "auto", "line 1 of file is not UTF-8"),
        (b'{"a": 1}', "auto", "the format of file is not known"),
        (b"[1]", "auto", "the format of file is not known"),
        (b'{"a": 1}\n{"b": 1}', "auto", "the format of file is not known"),
        (b'{"a": 1}', "json", "file is not a document of results"),
        (b'"text"', "json", "file is not a document of results"),
        (LINES, "json", "file is not a document of results"),
        (b'[{"passed": true}, 5]', "auto", "result 2 of file is not an object"),
        (LINES + b"\n5", "auto", "line 4 of file is not an object"),
        (b"[]", "xml", "unknown format: 'xml'"),
    ],
)
def test_what_cannot_be_read_is_named(raw: bytes, format_name: str, message: str) -> None:
    with pytest.raises(InvalidSource) as caught:
        read(raw, format_name, name="file")
    assert caught.value.message.startswith(message)
    assert caught.value.hint


def test_the_hint_names_every_format() -> None:
    with pytest.raises(InvalidSource) as caught:
        read(b'{"a": 1}')
    assert all(name in str(caught.value.hint) for name in FORMATS)


@pytest.mark.parametrize("raw", [json.dumps([ONE, TWO]).encode(), LINES])
def test_too_many_results_are_refused(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("document", "jsonl"):
        monkeypatch.setattr(f"aivcs.evaluations.{module}.MAX_RESULTS", 1)
    with pytest.raises(InvalidSource, match=f"more than {model.MAX_RESULTS} results"):
        read(raw, name="file")


@pytest.mark.parametrize("raw", [LINES, b"<testsuites/>"])
def test_what_is_too_long_is_refused(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "MAX_SOURCE", 5)
    with pytest.raises(InvalidSource, match=f"file is {len(raw)} bytes long, over the limit of 5"):
        read(raw, name="file")
