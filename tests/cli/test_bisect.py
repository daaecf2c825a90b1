"""The command ``bisect``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program

NOT_RUDE = ("--", "sh", "-c", "! grep -q rude system.md")


@pytest.fixture
def released(here: Program, agent: Path) -> Program:
    """Release eight specs; the sixth becomes rude."""
    for number in range(1, 9):
        (agent / "system.md").write_text(f"You help. {number}{' rude' * (number > 5)}\n")
        (agent / "model.json").write_text(f'{{"temperature": {number // 3}}}\n')
        spec = here.json("spec", "add", agent)["digest"]
        here.good("promote", "helper", spec, "--version-label", f"1.{number}")
    return here


def test_it_tells_release_and_component(released: Program) -> None:
    said = released.good("bisect", "helper", "--good", "1", *NOT_RUDE)
    lines = dict(line.split(":", 1) for line in said.text.splitlines())
    assert lines["first bad"].strip().startswith("helper@6 (1.6), spec ")
    assert lines["last good"].strip().startswith("helper@5 (1.5), spec ")
    assert lines["to blame"].strip() == "prompts"
    assert lines["confidence"].strip() == "1"
    told = said.err.splitlines()
    assert len(told) == int(lines["evaluations"])
    assert "helper@6: bad" in told
    assert "the last good spec with prompts of the bad one: bad" in told


def test_json_has_everything(released: Program) -> None:
    found = released.good(
        "--json", "bisect", "helper", "--good", "1.2", "--bad", "7", *NOT_RUDE
    ).json
    assert list(found) == [
        "name", "first_bad", "last_good", "could_be", "components", "blamed", "differing",
        "evaluations", "confidence", "run_id",
    ]  # fmt: skip
    assert list(found["first_bad"]) == ["seq", "spec_digest", "version_label"]
    assert (found["first_bad"]["seq"], found["last_good"]["seq"]) == (6, 5)
    assert found["could_be"] == [found["first_bad"]]
    assert (found["components"], found["blamed"]) == (["prompts"], [["prompts"]])
    assert found["differing"] == ["prompts", "model"]
    assert list(found["evaluations"][0]) == [
        "spec_digest", "seq", "components", "answer", "duration_ms", "exit_status",
    ]  # fmt: skip
    assert released.json("run", "show", found["run_id"])["status"] == "COMPLETED"


def test_what_is_flaky_is_asked_again(released: Program) -> None:
    found = released.good(
        "--json",
        "bisect",
        "helper",
        "--good",
        "1",
        "--flaky",
        "auto",
        "--confidence",
        "0.9",
        *NOT_RUDE,
    ).json
    assert (found["first_bad"]["seq"], found["components"]) == (6, ["prompts"])
    assert 0.9 < found["confidence"] < 1
    said = released.good("bisect", "helper", "--good", "1", "--flaky", "0.1", *NOT_RUDE)
    assert "confidence:   0.99" in said.text


def test_what_could_not_be_told_apart_is_exit_status_3(released: Program) -> None:
    said = released("bisect", "helper", "--good", "4", "--", "sh", "-c", "exit 125")
    assert said.status == 3
    assert said.text.count("could be:") == 4
    assert said.err.splitlines()[-1].startswith("not told apart: the first bad release is one of 4")
    said = released("--json", "bisect", "helper", "--good", "4", "--", "sh", "-c", "exit 125")
    assert said.status == 3
    assert said.json["first_bad"] is None
    assert len(said.json["could_be"]) == 4


def test_without_components_it_says_in_which_they_differ(released: Program) -> None:
    said = released.good("bisect", "helper", "--good", "1", "--no-components", *NOT_RUDE)
    assert "differing:    prompts, model" in said.text
    assert "to blame" not in said.text


def test_recorded_evidence_is_asked(released: Program, tmp_path: Path) -> None:
    for number in range(1, 9):
        file = tmp_path / f"{number}.jsonl"
        passed = "true" if number < 4 else "false"
        file.write_text(f'{{"suite": "s", "example_id": "e", "passed": {passed}}}\n')
        released.good("eval", "record", f"helper@{number}", file)
    found = released.good(
        "--json", "bisect", "helper", "--good", "1", "--evidence", "--suite", "s"
    ).json
    assert (found["first_bad"]["seq"], found["components"]) == (4, ["prompts"])
    assert all("pass_rate" in one for one in found["evaluations"])
    assert released.fail(
        "bisect", "helper", "--good", "1", "--evidence", "--min-pass-rate", "0"
    ) == (2, "invalid_input")


@pytest.mark.parametrize(
    "args",
    [
        ("--good", "1"),
        ("--good", "1", "--evidence", *NOT_RUDE),
        NOT_RUDE,
        ("--good", "1", "--suite", "s", *NOT_RUDE),
        ("--good", "1", "--min-pass-rate", "1", *NOT_RUDE),
        ("--good", "1", "--flaky", "often", *NOT_RUDE),
        ("--good", "1", "--at-most", "0", *NOT_RUDE),
    ],
)
def test_wrong_arguments_are_told(released: Program, args: tuple[str, ...]) -> None:
    assert released.fail("bisect", "helper", *args) == (2, "usage")


@pytest.mark.parametrize(
    ("args", "failure"),
    [
        (("--good", "1", "--flaky", "0.5", *NOT_RUDE), (2, "invalid_input")),
        (("--good", "1", "--confidence", "1", *NOT_RUDE), (2, "invalid_input")),
        (("--good", "8", *NOT_RUDE), (2, "invalid_input")),
        (("--good", "9", *NOT_RUDE), (3, "release_not_found")),
        (("--good", "1", "--", "no-such-program"), (2, "invalid_input")),
        (("--good", "1", "--", "sh", "-c", "exit 200"), (5, "check_aborted")),
    ],
)
def test_what_is_refused_says_why(
    released: Program, args: tuple[str, ...], failure: tuple[int, str]
) -> None:
    assert released.fail("bisect", "helper", *args) == failure


def test_interrupted_it_goes_on_or_begins_anew(released: Program, tmp_path: Path) -> None:
    script = tmp_path / "check.sh"
    script.write_text(
        f"#!/bin/sh\necho x >>{tmp_path}/asked\n"
        f"[ $(wc -l <{tmp_path}/asked) -eq 3 ] && exit 200\n! grep -q rude system.md\n"
    )
    script.chmod(0o755)
    asked = tmp_path / "asked"
    ask = ("bisect", "helper", "--good", "1", "--", "./check.sh")
    assert released.fail(*ask)[1] == "check_aborted"
    found = released.good("--json", *ask).json
    assert (found["first_bad"]["seq"], found["components"]) == (6, ["prompts"])
    assert len(asked.read_text().split()) == len(found["evaluations"]) + 1
    asked.write_text("")
    assert released.fail(*ask)[1] == "check_aborted"
    anew = released.good(
        "--json", "bisect", "helper", "--good", "1", "--restart", "--", "./check.sh"
    ).json
    assert len(asked.read_text().split()) == 3 + len(anew["evaluations"])
    (left,) = released.json("run", "list", "--status", "cancelled")
    assert left["tags"]["bisect"] == "helper"
