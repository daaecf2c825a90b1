from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.cli.conftest import Program

FIELDS = ["digest", "name", "components", "git_sha", "dirty", "created_at"]
PARTS = ["prompts", "tools", "model", "graph", "config", "env"]


def test_add_answers_with_the_components(here: Program, agent: Path) -> None:
    answer = here.json("spec", "add", agent)
    assert list(answer) == FIELDS
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
    assert list(answer) == [*FIELDS, "files"]
    assert list(answer["files"]) == PARTS
    (file,) = answer["files"]["prompts"]
    assert list(file) == ["path", "executable", "digest"]
    text = here.good("spec", "show", spec).text
    assert f"digest:      {spec}" in text
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
    assert list(change) == ["component", "path", "change", "old", "new"]
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
    assert "tools: tools.json (added)\n    0 bytes before, 7 bytes after, not text" in text
    assert "model: model.json (removed)" in text
    kinds = {
        change["path"]: change for change in here.json("spec", "diff", second, third)["changes"]
    }
    assert kinds["tools.json"]["old"] is None
    assert kinds["model.json"]["new"] is None
    assert kinds["system.md"]["old"] == kinds["system.md"]["new"]


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
