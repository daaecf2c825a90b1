from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from tests.cli.fields import OUTCOME

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.cli.conftest import Program


def _kinds(program: Program) -> list[str]:
    return [event["kind"] for event in program.json("run", "events", "latest")]


def test_a_command_is_recorded_and_its_output_passes_through(here: Program, spec: str) -> None:
    said = here.good("run", "record", "--spec", spec, "--", "sh", "-c", "echo out; echo err >&2")
    assert said.text == "out\n"
    first, last = said.err.splitlines()
    assert first == "err"
    shown = here.json("run", "show", "latest")
    assert last == f"recorded run {shown['run_id']}: COMPLETED, {shown['total_events']} events"
    assert (shown["agent"], shown["spec_digest"], shown["status"]) == ("helper", spec, "COMPLETED")
    assert {"command_started", "output", "command_exited"} == set(_kinds(here))


def test_json_leaves_stdout_to_the_answer(here: Program, spec: str, tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"hello")
    said = here(
        "run", "record", "--spec", spec, "--agent", "me", "--tag", "a=1", "--state", "state",
        "--json", "--", "sh", "-c", "echo out; exit 3",
    )  # fmt: skip
    assert said.status == 3
    assert list(said.json) == OUTCOME
    assert (said.json["agent"], said.json["status"]) == ("me", "FAILED")
    assert said.err == "out\n"
    assert here.good("object", "get", said.json["final_state_digest"]).out == b"hello"
    assert here.json("run", "show", "latest")["tags"] == {"a": "1"}


def test_a_failure_is_told_with_its_reason(here: Program, spec: str) -> None:
    said = here("run", "record", "--spec", spec, "--", "sh", "-c", "exit 3")
    assert said.status == 3
    assert said.err.endswith(": FAILED (exit status 3), 2 events\n")
    said = here("run", "record", "--spec", spec, "--", "no-such-command-here")
    assert ": FAILED (command not found: no-such-command-here), 1 event\n" in said.err


def test_the_separator_may_be_left_out(here: Program, spec: str) -> None:
    said = here("run", "record", "--spec", spec, "echo", "--json", "-C", "nowhere")
    assert said.text == "--json -C nowhere\n"
    assert said.status == 0


def test_events_of_the_command_and_of_its_children(here: Program, spec: str) -> None:
    line = json.dumps({"kind": "from_file", "payload": {"n": 1}})
    append = f"{sys.executable} -m aivcs run append $AIVCS_RUN_ID --kind from_child"
    script = f"echo '{line}' >> $AIVCS_EVENTS; cd /; {append} >/dev/null; echo bad >> $AIVCS_EVENTS"
    said = here.good("run", "record", "--spec", spec, "--", "sh", "-c", script)
    kinds = _kinds(here)
    assert kinds.count("from_file") == kinds.count("from_child") == kinds.count("custom") == 1
    assert "warning: " in said.err


def test_the_status_may_be_told(here: Program, spec: str) -> None:
    args = ("run", "record", "--spec", spec, "--status", "cancelled", "--json", "--", "true")
    assert here(*args).json["status"] == "CANCELLED"


def test_a_signal_is_the_exit_status(here: Program, spec: str) -> None:
    said = here("run", "record", "--spec", spec, "--", "sh", "-c", "kill -TERM $$")
    assert said.status == 143
    assert here.json("run", "show", "latest")["reason"] == "killed by SIGTERM"


def test_a_command_that_is_not_there(here: Program, spec: str) -> None:
    said = here("run", "record", "--spec", spec, "--", "no-such-command-here")
    assert said.status == 127
    recorded, error, hint = said.err.splitlines()
    assert recorded.startswith("recorded run ")
    assert error == "error: command not found: no-such-command-here"
    assert hint.startswith("hint: ")
    assert here.json("run", "show", "latest")["status"] == "FAILED"


def test_a_file_that_is_no_command(here: Program, spec: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text\n")
    said = here("run", "record", "--json", "--spec", spec, "--", "./text")
    assert said.status == 126
    assert said.json["status"] == "FAILED"
    error = json.loads(said.err.splitlines()[-1])["error"]
    assert error["code"] == "not_started"
    assert error["message"] == "cannot execute ./text: Permission denied"
    assert error["hint"]


def test_the_spec_is_found_like_for_files(
    here: Program, agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (agent / "empty").mkdir()
    monkeypatch.chdir(agent / "empty")
    assert here.fail("run", "record", "--", "true") == (2, "invalid_input")
    (agent / "empty" / "loop.md").symlink_to("loop.md")
    assert here.fail("run", "record", "--", "true") == (2, "invalid_input")
    monkeypatch.chdir(agent.parent)
    assert here.fail("run", "record", "--", "true") == (2, "invalid_input")
    (agent / "empty" / "loop.md").unlink()
    monkeypatch.chdir(agent)
    said = here.good("run", "record", "--", "true")
    assert said.err.startswith("recording against spec ")
    monkeypatch.chdir(agent.parent)
    (stored,) = here.json("spec", "list")
    here.good("promote", "released", stored["digest"])
    here.good("run", "record", "--agent", "released", "--", "true")
    assert [run["agent"] for run in here.json("run", "list")] == ["released", "helper"]
    assert "AIVCS_RUN_ID" not in os.environ
