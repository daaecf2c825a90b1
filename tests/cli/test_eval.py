from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.fields import OUTCOME

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Program

REPORT = b"""<testsuite name="unit">
<testcase name="one"/><testcase name="two"><failure/></testcase>
<testcase name="three"><skipped/></testcase></testsuite>"""
RECORDED = [
    "spec_digest", "suites", "results", "passed", "skipped", "runs", "already_recorded",
]  # fmt: skip


def results(**passes: str) -> bytes:
    """Return a file where ``a="10"`` is an example that passed the first trial of two."""
    found = [
        {"suite": "s", "example_id": name, "passed": done == "1", "trial": number, "tags": ["x"]}
        for name, trials in passes.items()
        for number, done in enumerate(trials, 1)
    ]
    return json.dumps(found).encode()


def test_a_report_is_recorded(here: Program, spec: str, tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_bytes(REPORT)
    answer = here.json(
        "eval", "record", spec[:8], "report.xml", "--suite", "mine", "--agent", "me",
        "--tag", "a=1", "--format", "junit",
    )  # fmt: skip
    assert list(answer) == RECORDED
    (run,) = answer.pop("runs")
    assert list(run) == OUTCOME
    assert (run["agent"], run["status"], run["total_events"]) == ("me", "COMPLETED", 2)
    assert answer == {
        "spec_digest": spec,
        "suites": ["mine"],
        "results": 2,
        "passed": 1,
        "skipped": 1,
        "already_recorded": False,
    }
    shown = here.json("run", "show", run["run_id"])
    assert shown["tags"] == {"format": "junit", "a": "1"}


def test_recording_again_says_so(here: Program, spec: str) -> None:
    args = ("eval", "record", spec, "-")
    first = here.good(*args, stdin=REPORT)
    assert first.text == f"2 results of spec {spec[:12]} in 1 run: 1 passed, 1 skipped\n"
    assert first.err == ""
    again = here.good(*args, "--json", stdin=REPORT)
    assert again.err == "already recorded; nothing was changed\n"
    assert again.json["already_recorded"] is True
    assert len(here.json("run", "list")) == 1


def test_a_release_may_be_named(here: Program, spec: str, second: str) -> None:
    here.good("promote", "helper", spec)
    here.good("promote", "helper", second)
    assert here.json("eval", "record", "helper@1", "-", stdin=REPORT)["spec_digest"] == spec
    assert here.json("eval", "show", "helper~1")["example_count"] == 2
    assert here.json("eval", "show", "helper")["example_count"] == 0


def test_trajectories_with_verdicts(here: Program, spec: str, data: Callable[[str], Path]) -> None:
    path = min(data("tau-bench").rglob("*.json"))
    count = len(json.loads(path.read_bytes()))
    answer = here.json("eval", "record", spec, path)
    assert (answer["suites"], answer["results"], len(answer["runs"])) == (
        ["tau-bench"], count, count,
    )  # fmt: skip
    said = here.good("eval", "record", spec, path)
    assert f"{count} results of spec {spec[:12]} in {count} runs" in said.text


def test_warnings_of_trajectories(here: Program, spec: str) -> None:
    odd = [1, {"traj": [], "task_id": 3, "reward": 1.0}]
    said = here.good("eval", "record", spec, "-", stdin=json.dumps(odd).encode())
    assert said.err == "warning: Entry 0 is not an object; it is kept as a custom event.\n"


def test_what_is_shown(here: Program, spec: str) -> None:
    said = here.good("eval", "show", spec)
    assert (said.text, said.err) == ("", "no evidence; 'aivcs eval record' records results\n")
    here.good("eval", "record", spec, "-", stdin=results(b="11", a="10", c="1"))
    run = here.json("run", "list")[0]["run_id"]
    shown = here.json("eval", "show", spec)
    (seal,) = shown.pop("runs")
    assert seal["run_id"] == run
    assert len(seal["seal"]) == 64
    shares: dict[str, Any] = {
        "example_count": 3,
        "trials": 5,
        "passes": 4,
        "pass_rate": 2.5 / 3,
        "pass_hat": [{"k": 1, "value": 2.5 / 3}, {"k": 2, "value": 0.5}],
    }
    assert shown == {
        "spec_digest": spec,
        **shares,
        "unreadable": 0,
        "suites": [{"suite": "s", **shares}],
        "examples": [
            {"suite": "s", "example_id": name, "passed": passed, "trials": trials,
             "passes": passes, "tags": ["x"]}
            for name, passed, trials, passes in [
                ("a", False, 2, 1), ("b", True, 2, 2), ("c", True, 1, 1),
            ]
        ],
    }  # fmt: skip
    text = here.good("eval", "show", spec).text
    assert text.splitlines()[1:] == [
        "examples:   3",
        "trials:     5, 4 passed",
        "pass rate:  83.3%",
        "pass^2:     50.0%",
        "runs:       1",
        "",
        "suite  example  passes  tags",
        "s      a        1/2     x",
        "s      b        2/2     x",
        "s      c        1/1     x",
    ]


def test_several_suites_are_told_apart(here: Program, spec: str) -> None:
    here.good("eval", "record", spec, "-", stdin=results(a="1"))
    here.good("eval", "record", spec, "-", stdin=REPORT)
    text = here.good("eval", "show", spec).text
    assert text.count("pass rate:") == 3
    alone = here.good("eval", "show", spec, "--suite", "unit").text
    assert alone.count("pass rate:") == 1
    assert "two" in alone
    assert here.json("eval", "show", spec, "--suite", "none")["example_count"] == 0


def test_long_tables_are_cut(here: Program, spec: str) -> None:
    here.good("eval", "record", spec, "-", stdin=results(**{f"e{n:02}": "1" for n in range(60)}))
    said = here.good("eval", "show", spec)
    assert said.err == "10 more; --limit N shows more, --json all\n"
    assert "e49" in said.text
    assert "e50" not in said.text
    assert len(here.json("eval", "show", spec)["examples"]) == 60
    assert len(here.json("eval", "show", spec, "--limit", "3")["examples"]) == 3


def test_results_that_cannot_be_read_are_told(here: Program, spec: str) -> None:
    run = here.json("eval", "record", spec, "-", stdin=results(a="11"))["runs"][0]["run_id"]
    here.good("run", "purge", run, "--seq", "1")
    said = here.good("eval", "show", spec)
    told = "warning: 1 recorded result cannot be read (erased, or not of the form)\n"
    assert said.err == told
    assert here.json("eval", "show", spec)["unreadable"] == 1


def test_two_specs_are_compared(here: Program, spec: str, second: str) -> None:
    here.good("eval", "record", spec, "-", stdin=results(a="11", b="10", c="00", d="1"))
    here.good("eval", "record", second, "-", stdin=results(a="10", b="11", c="00", e="1"))
    assert here.json("eval", "diff", spec, second) == {
        "a": spec,
        "b": second,
        "pass_rate": {"a": 0.625, "b": 0.625},
        "changes": [
            {"suite": "s", "example_id": name, "change": change, "a": a, "b": b}
            for name, change, a, b in [
                ("a", "regressed", "2/2", "1/2"),
                ("b", "fixed", "1/2", "2/2"),
                ("d", "dropped", "1/1", None),
                ("e", "added", None, "1/1"),
            ]
        ],
    }
    assert len(here.json("eval", "diff", spec, second, "--limit", "1")["changes"]) == 1
    said = here.good("eval", "diff", spec, second)
    assert said.text.splitlines() == [
        "pass rate: 62.5% -> 62.5%",
        "change     suite  example  a    b",
        "regressed  s      a        2/2  1/2",
        "fixed      s      b        1/2  2/2",
        "dropped    s      d        1/1  -",
        "added      s      e        -    1/1",
    ]
    same = here.good("eval", "diff", spec, spec, "--suite", "none")
    assert (same.text, same.err) == ("pass rate: - -> -\n", "no example differs\n")


def test_specs_with_evidence_are_listed(here: Program, spec: str, second: str) -> None:
    assert here.json("eval", "list") == []
    here.good("eval", "record", spec, "-", stdin=REPORT)
    here.good("eval", "record", spec, "-", stdin=results(a="10"))
    here.good("eval", "record", second, "-", stdin=results(a="11"))
    listed = here.json("eval", "list")
    assert [(one["spec_digest"], one["suite"]) for one in listed] == [
        (second, "s"), (spec, "s"), (spec, "unit"),
    ]  # fmt: skip
    assert listed[1] == {
        "spec_digest": spec, "suite": "s", "examples": 1, "trials": 2, "passes": 1,
        "pass_rate": 0.5, "runs": 1,
    }  # fmt: skip
    assert here.json("eval", "list", "--limit", "1") == listed[:1]
    said = here.good("eval", "list", "--limit", "2")
    assert said.err == "there are more; --limit N shows more, --json all\n"
    assert said.text.splitlines()[1] == f"{second[:12]}  s      1         2       100.0%     1"
    assert here.good("eval", "list").err == ""


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "invalid_source"),
        (b"[{", "invalid_source"),
        (b'{"what": 1}', "invalid_source"),
        (b"[]", "invalid_evidence"),
        (b'[{"suite": "s", "passed": true}]', "invalid_evidence"),
        (b'[{"suite": "s", "example_id": "a", "passed": true, "score": NaN}]', "invalid_evidence"),
        (b'{"spec_digest": "00", "results": []}', "invalid_evidence"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><testsuite/>', "invalid_source"),
    ],
)
def test_bad_input_records_nothing(here: Program, spec: str, content: bytes, code: str) -> None:
    assert here.fail("eval", "record", spec, "-", stdin=content) == (2, code)
    assert here.json("run", "list") == []


def test_bad_arguments(here: Program, spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert here.fail("eval", "record", "nobody", "-", stdin=REPORT) == (3, "spec_not_found")
    assert here.fail("eval", "record", spec, "gone.xml") == (2, "invalid_input")
    assert here.fail("eval", "record", spec, "-", "--tag", "x", stdin=REPORT)[0] == 2
    assert here.fail("eval", "record", spec, "-", "--format", "xml", stdin=REPORT)[0] == 2
    assert here.fail("eval", "show", "nobody") == (3, "spec_not_found")
    assert here.fail("eval", "diff", spec, "nobody") == (3, "spec_not_found")
    monkeypatch.setattr("aivcs.trajectories.MAX_SOURCE", 10)
    assert here.fail("eval", "record", spec, "-", stdin=REPORT) == (2, "invalid_source")
