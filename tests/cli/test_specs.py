from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING, Any

from aivcs.domain.digest import Digest

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.cli.conftest import Program

FIELDS = ["digest", "name", "components", "git_sha", "dirty", "created_at"]
CHANGE = [
    *("component", "path", "change", "old", "new", "old_executable", "new_executable"),
    *("old_size", "new_size", "values", "lines", "note"),
]
PARTS = ["prompts", "tools", "model", "graph", "config", "env"]


def test_add_answers_with_the_components(here: Program, agent: Path) -> None:
    answer = here.json("spec", "add", agent)
    assert list(answer) == [*FIELDS, "environment"]
    assert answer["environment"]["python"] == platform.python_version()
    assert list(answer["components"]) == PARTS
    assert answer["name"] == "helper"
    assert len(answer["components"]["prompts"]) == 64
    assert answer["components"]["tools"] is None
    said = here.good("spec", "add", agent, "--name", "other")
    assert said.text == f"{answer['digest']}  other\n"
    assert said.err == ""


def test_add_takes_the_current_folder(
    here: Program, agent: Path, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(agent)
    assert here.json("spec", "add")["digest"] == spec


def test_add_warns_of_what_was_left_out(here: Program, agent: Path) -> None:
    for name in (".env", *(f"key{number}.pem" for number in range(5)), "picture.xyz"):
        (agent / name).write_text("x")
    said = here.good("spec", "add", agent)
    first, second = said.err.splitlines()
    assert first.startswith("warning: left out 6 that look like secrets: .env, key0.pem,")
    assert ", ...;" in first
    assert second == "left out 1 more; 'aivcs spec add --explain' lists them"


def test_explain_stores_nothing(here: Program, agent: Path) -> None:
    (agent / ".env").write_text("x")
    answer = here.json("spec", "add", agent, "--explain")
    assert list(answer) == ["name", "files", "left_out", "secrets"]
    assert {"component": "prompts", "path": "system.md", "executable": False, "size": 10} in (
        answer["files"]
    )
    assert answer["secrets"] == [".env"]
    assert [left["path"] for left in answer["left_out"]] == [".env"]
    text = here.good("spec", "add", agent, "--explain").text
    assert "prompts    system.md   10 bytes" in text
    assert ".env" in text
    assert here.json("spec", "list") == []


def test_add_refuses_what_is_no_agent(here: Program, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert here.fail("spec", "add", "empty") == (2, "invalid_spec")
    assert here.fail("spec", "add", "missing") == (2, "invalid_spec")
    (empty / "system.md").symlink_to("/etc/passwd")
    assert here.fail("spec", "add", "empty") == (2, "invalid_spec")
    (empty / "system.md").unlink()
    (empty / "prompts").symlink_to(".")
    assert here.fail("spec", "add", "empty") == (2, "invalid_spec")
    (empty / "prompts").unlink()
    (empty / "system.md").write_text("x")
    assert here.fail("spec", "add", "empty", "--name", "a b") == (2, "invalid_name")
    assert here.json("spec", "list") == []
    assert here.json("object", "list") == []


def test_show_has_the_files(here: Program, spec: str) -> None:
    answer = here.json("spec", "show", spec[:6])
    assert list(answer) == [*FIELDS, "environment", "files"]
    assert list(answer["files"]) == PARTS
    (file,) = answer["files"]["prompts"]
    assert list(file) == ["path", "executable", "digest"]
    text = here.good("spec", "show", spec).text
    assert f"digest:       {spec}" in text
    assert f"environment:  python {platform.python_version()}, implementation " in text
    assert f"prompts    system.md   {file['digest'][:12]}" in text
    assert here.fail("spec", "show", "f" * 64) == (3, "spec_not_found")
    assert here.fail("spec", "show", f"{spec}0") == (2, "invalid_digest")


def test_list_has_the_newest_first(here: Program, spec: str, second: str) -> None:
    assert [row["digest"] for row in here.json("spec", "list")] == [second, spec]
    said = here.good("spec", "list", "--limit", 1)
    heading, row = said.text.splitlines()
    assert heading.split() == ["spec", "name", "created", "git", "commit"]
    assert row.startswith(f"{second[:12]}  helper")
    assert said.err == "1 more; --limit N shows more, --json all\n"


def test_diff_as_json_and_as_text(here: Program, agent: Path, spec: str, second: str) -> None:
    answer = here.json("spec", "diff", spec, second)
    assert list(answer) == ["a", "b", "changes"]
    assert (answer["a"], answer["b"]) == (spec, second)
    (change,) = answer["changes"]
    assert list(change) == CHANGE
    assert (change["component"], change["path"], change["change"]) == (
        "prompts",
        "system.md",
        "modified",
    )
    text = here.good("spec", "diff", spec, second).text
    assert "prompts: system.md (modified)" in text
    assert "-You help.\n+You help well.\n" in text

    (agent / "model.json").unlink()
    (agent / "system.md").chmod(0o755)
    (agent / "tools.json").write_bytes(b"\0binary")
    third = here.json("spec", "add", agent)["digest"]
    text = here.good("spec", "diff", second, third).text
    assert "prompts: system.md (mode, executable now)" in text
    binary = Digest.of(b"\0binary").short()
    assert (
        f"tools: tools.json (added)\n    not text\n    old: -\n    new: 7 bytes, {binary}\n" in text
    )
    assert "model: model.json (removed)" in text
    kinds = {
        change["path"]: change for change in here.json("spec", "diff", second, third)["changes"]
    }
    assert kinds["tools.json"]["old"] is None
    assert kinds["tools.json"]["note"] == "not text"
    assert kinds["system.md"]["old_executable"] is False
    assert kinds["system.md"]["new_executable"] is True
    assert kinds["model.json"]["new"] is None
    assert kinds["system.md"]["old"] == kinds["system.md"]["new"]


def test_diff_by_value(here: Program, agent: Path) -> None:
    long = "x" * 60
    tools: list[dict[str, Any]] = [
        {"name": "search", "parameters": {"city": {"type": "string"}, "unit": "C"}},
        {"name": "book", "about": f"{long}1"},
        {"name": "pay", "steps": "one\ntwo\n"},
    ]
    (agent / "tools.json").write_text(json.dumps(tools))
    (agent / "model.json").write_text('{"name": "m", "temperature": 0.2, "stop": null}')
    old = here.json("spec", "add", agent)["digest"]
    tools[0]["parameters"] = {"city": {"type": "number"}, "day": [1]}
    tools[1]["about"] = f"{long}2"
    tools[2]["steps"] = "one\n2\n"
    (agent / "tools.json").write_text(json.dumps([tools[2], tools[0], tools[1]]))
    (agent / "model.json").write_text('{"name": "m", "temperature": 0.7}')
    new = here.json("spec", "add", agent)["digest"]
    assert here.good("spec", "diff", old, new).text.splitlines() == [
        "tools: tools.json (modified)",
        "  > [name=pay]: from /2 to /0",
        "  ~ [name=pay].steps:",
        "    @@ -1,2 +1,2 @@",
        "     one",
        "    -two",
        "    +2",
        '  ~ [name=search].parameters.city.type: "string" -> "number"',
        '  - [name=search].parameters.unit: "C"',
        "  + [name=search].parameters.day: [1]",
        "  ~ [name=book].about:",
        f'    - "{long}1"',
        f'    + "{long}2"',
        "model: model.json (modified)",
        "  ~ temperature: 0.2 -> 0.7",
        "  - stop: null",
    ]
    _, model = here.json("spec", "diff", old, new)["changes"]
    assert model["lines"] is None
    assert model["values"] == [
        {
            "path": "temperature",
            "change": "changed",
            "old": 0.2,
            "new": 0.7,
            "old_pointer": "/temperature",
            "new_pointer": "/temperature",
        },
        {
            "path": "stop",
            "change": "removed",
            "old": None,
            "new": None,
            "old_pointer": "/stop",
            "new_pointer": None,
        },
    ]


def test_diff_of_odd_values(here: Program, agent: Path) -> None:
    (agent / "model.json").write_text('{"a": "x\\n\\ud800"}')
    old = here.json("spec", "add", agent)["digest"]
    (agent / "model.json").write_text('{"a": "x\\n\\ud801"}')
    new = here.json("spec", "add", agent)["digest"]
    text = here.good("spec", "diff", old, new).text
    assert '  ~ a: "x\\n\\ud800" -> "x\\n\\ud801"\n' in text
    (agent / "model.json").write_text("[7]")
    third = here.json("spec", "add", agent)["digest"]
    text = here.good("spec", "diff", new, third).text
    assert '  ~ the whole: {"a": "x\\n\\ud801"} -> [7]\n' in text
    (agent / "model.json").write_text("[ 7 ]")
    last = here.json("spec", "add", agent)["digest"]
    text = here.good("spec", "diff", third, last).text
    assert "    the values are the same, written differently\n--- a/model.json\n" in text


def test_diff_of_equals_is_empty(here: Program, spec: str) -> None:
    said = here.good("spec", "diff", spec, spec)
    assert said.out == b""
    assert said.err == "the two are the same\n"
    assert here.json("spec", "diff", spec, spec)["changes"] == []


def test_checkout_gives_the_files_back(
    here: Program, agent: Path, tmp_path: Path, spec: str
) -> None:
    answer = here.json("spec", "checkout", spec[:8], "out")
    assert answer == {"digest": spec, "directory": "out", "files": 2}
    for path in agent.iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()
    assert here.fail("spec", "checkout", spec, "out") == (2, "invalid_input")
    text = here.good("spec", "checkout", spec, "new").text
    assert text == f"wrote 2 files of spec {spec[:12]} to new\n"
    assert here.json("spec", "add", "new")["digest"] == spec
