from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Program

GIT = shutil.which("git") or "git"
LINK = ["what", "id", "spec_digest", "name", "dirty", "by", "here"]


def git(*arguments: str) -> str:
    done = subprocess.run([GIT, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def project(here: Program, agent: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make the folder a git repository with one commit, and return that."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    assert here.json("spec", "list") == []
    git("init", "--quiet", "--initial-branch=main")
    (agent / "aivcs.toml").write_text('name = "helper"\n')
    git("add", "--all")
    git("commit", "--quiet", "-m", "one")
    return git("rev-parse", "HEAD")


def test_showing_a_commit(here: Program, project: str, agent: Path) -> None:
    nothing = here.good("git", "show")
    assert nothing.text == f"commit {project}\n"
    assert nothing.err == (
        "nothing is linked to it; 'aivcs spec add' stores an agent with its commit\n"
    )
    digest = here.json("spec", "add", agent)["digest"]
    found = here.json("git", "show", "main")
    assert list(found) == ["commit", "links", "unread"]
    assert [list(link) for link in found["links"]] == [LINK]
    assert found["links"][0] == {
        "what": "spec",
        "id": digest,
        "spec_digest": digest,
        "name": "helper",
        "dirty": False,
        "by": ["ledger"],
        "here": True,
    }
    git("notes", "--ref", "aivcs", "add", "-m", "by\x1b[31m hand")
    shown = here.good("git", "show", project[:7])
    assert shown.text.splitlines() == [
        f"commit {project}",
        f"what  id{' ' * 62}  agent   tree   by",
        f"spec  {digest}  helper  clean  ledger",
    ]
    assert shown.err == "not read: by\\x1b[31m hand\n"


def test_linking(here: Program, project: str, agent: Path) -> None:
    digest = here.json("spec", "add", agent)["digest"]
    here.good("promote", "helper", digest, "--version-label", "1.0.0")
    said = here.json("git", "link", "helper@1.0.0")
    assert (said["commit"], said["changed"]) == (project, True)
    assert [list(fact) for fact in said["facts"]] == [LINK[:5]] * 2
    text = here.good("git", "link").text.splitlines()
    assert text[0] == f"spec {digest[:12]} linked to commit {project[:12]}"
    assert text[1] == f"release helper@1 linked to commit {project[:12]}"
    assert text[2].startswith("checkpoint aivcs.local/")
    again = here.good("git", "link", digest[:8])
    assert again.text == f"spec {digest[:12]} was linked already to commit {project[:12]}\n"
    (agent / "system.md").write_text("You help, uncommitted.\n")
    dirty = here.json("spec", "add", agent)["digest"]
    assert here.good("git", "link", dirty).err == (
        "warning: files differed from the commit; the note says so, and is no exact link\n"
    )
    shown = here.good("git", "show").text
    assert f"spec        {dirty}  helper  dirty  ledger, note" in shown
    assert len(git("notes", "--ref", "aivcs", "show").splitlines()) == 4


def test_a_long_list_is_cut(here: Program, project: str) -> None:
    lines = "\n".join(f'{{"dirty":null,"run":"{number}"}}' for number in range(60))
    git("notes", "--ref", "aivcs", "add", "-m", lines)
    said = here.good("git", "show", project)
    assert len(said.text.splitlines()) == 2 + 50
    assert said.err == "10 more; --json shows all\n"
    assert len(here.json("git", "show")["links"]) == 60


@pytest.mark.parametrize(
    ("args", "status", "code"),
    [
        (("git", "show", "nowhere"), 3, "commit_not_found"),
        (("git", "show", "--", "--all"), 2, "invalid_input"),
        (("git", "show", "a\nb"), 2, "invalid_input"),
        (("git", "link"), 3, "not_found"),
        (("git", "link", "nothing"), 3, "spec_not_found"),
        (("git", "link", "nothing@1"), 3, "release_not_found"),
        (("git", "link", "--commit", "nowhere"), 3, "commit_not_found"),
        (("hook", "install", "pre-commit"), 2, "usage"),
        (("hook", "install", "--name", "a b"), 2, "invalid_name"),
        (("hook", "run", "post-merge"), 2, "usage"),
    ],
)
def test_what_is_refused(
    here: Program, project: str, args: tuple[str, ...], status: int, code: str
) -> None:
    assert len(project) == 40
    assert here.fail(*args) == (status, code)


def test_without_git(
    here: Program, tmp_path: Path, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(project) == 40
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert here.fail("git", "show") == (7, "git_failed")
    monkeypatch.delenv("GIT_TEST_ASSUME_DIFFERENT_OWNER")
    (tmp_path / ".git").rename(tmp_path / "apart")
    for args in (("git", "show"), ("hook", "list"), ("hook", "install"), ("hook", "remove")):
        assert here.fail(*args) == (10, "no_git_repository")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert here.fail("git", "show") == (7, "git_failed")


def test_hooks(here: Program, project: str, tmp_path: Path) -> None:
    done = here.json("hook", "install", "post-commit")
    path = str(tmp_path / ".git/hooks/post-commit")
    assert done == [
        {
            "hook": "post-commit",
            "state": "ours",
            "path": path,
            "runs": True,
            "before": False,
            "program": sys.executable,
        }
    ]
    assert here.good("hook", "list").text.splitlines()[:2] == [
        "hook         state   works  before it  path",
        f"post-commit  ours    yes    no         {path}",
    ]
    git("commit", "--quiet", "--allow-empty", "-m", "two")
    assert here.json("git", "show")["links"][0]["by"] == ["ledger", "note"]
    assert here.json("git", "show", project)["links"] == []
    foreign = tmp_path / ".git/hooks/pre-push"
    foreign.write_text("#!/bin/sh\n")
    assert here.fail("hook", "install") == (4, "foreign_hook")
    assert here.fail("hook", "remove", "pre-push") == (4, "foreign_hook")
    here.good("hook", "install", "--force", "--name", "helper/prod", "--fail-open")
    assert "--name helper/prod" in foreign.read_text()
    assert [one["state"] for one in here.json("hook", "remove")] == ["absent", "foreign"]


def _pushing(commit: str) -> bytes:
    return f"refs/heads/main {commit} refs/heads/main {'0' * 40}\n".encode()


def test_what_git_calls(here: Program, project: str, agent: Path) -> None:
    done: dict[str, Any] = here.json("hook", "run", "post-commit")
    digest = done["notes"][0]["facts"][0]["id"]
    assert done["problems"] == []
    assert here.json("hook", "run", "pre-push", "origin", "url") == {
        "commits": 0,
        "specs": [],
        "warnings": [],
    }
    pushing = _pushing(project)
    assert here.json("hook", "run", "pre-push", "origin", "url", stdin=pushing) == {
        "commits": 1,
        "specs": [digest],
        "warnings": [],
    }
    said = here.good("hook", "run", "pre-push", "origin", "url", stdin=pushing)
    assert (said.text, said.err) == ("", "aivcs: 1 spec of 1 commit may be pushed\n")
    with Path(".aivcs/config.toml").open("a") as file:
        file.write("[gates]\nmin_examples = 1\nrequire_tools_digest = true\n")
    push = ("hook", "run", "pre-push", "--name", "helper/prod")
    refused = here("--json", *push, stdin=pushing)
    assert refused.status == 5
    assert refused.error["code"] == "gate_failed"
    assert "min_examples: " in refused.error["message"]
    assert "require_tools_digest: " in refused.error["message"]
    many = b"".join(pushing.replace(b"main", b"b%d" % number) for number in range(7))
    said = here(*push, stdin=many)
    assert said.err.startswith("error: the push of b0, b1, b2, b3, b4 and 2 more is refused: ")
    assert said.err.count("min_examples: ") == 7
    assert here.fail(*push, stdin=b"nonsense\n") == (2, "invalid_input")
    (agent / "system.md").write_text("You help, uncommitted.\n")
    changed = here.good("hook", "run", "post-commit")
    assert changed.text == ""
    assert changed.err.endswith(f" of helper of changed files, at {project[:12]}\n")
    (agent / "aivcs.toml").write_text("nonsense")
    assert "aivcs: warning: " in here.good("hook", "run", "post-commit").err


def test_a_note_of_a_spec_that_is_not_here(here: Program, project: str) -> None:
    git("notes", "--ref", "aivcs", "add", "-m", '{"dirty":false,"spec":"%s"}' % ("a" * 64))
    assert here.good("git", "show").text.endswith("-      clean  note, not here\n")
    said = here.good("hook", "run", "pre-push", stdin=_pushing(project))
    assert said.err == (
        f"aivcs: warning: {project[:12]}: the spec {'a' * 12} of its note is not here\n"
        "aivcs: 1 spec of 1 commit may be pushed\n"
    )


def test_the_hook_after_a_commit_is_quick(here: Program, project: str) -> None:
    """It loads what stores a spec, and little besides."""
    script = "import sys; from aivcs.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"
    argv = [sys.executable, "-c", script, "hook", "run", "post-commit"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=plain)
    assert f"at {project[:12]}" in done.stderr
    loaded = set(done.stdout.split())
    unread = {"releases", "finding", "judging", "evidence", "runs", "publishing"}
    assert not loaded & {f"aivcs.services.{name}" for name in unread}
    assert not loaded & {"rich", "cryptography", "hypothesis", "concurrent", "asyncio"}
    assert here.json("git", "show")["links"][0]["by"] == ["ledger", "note"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("push_gate = 7", "push_gate is 7"),
        ('push_gate = "a b"', "not a valid name: 'a b'"),
        ("agents = 'bot'", "agents is 'bot'"),
        ('agents = ["../elsewhere"]', "not a path inside the spec: '../elsewhere'"),
        ("agents = [1]", "not a path inside the spec: 1"),
        ("other = 1", "unknown key: other"),
    ],
)
def test_a_configuration_that_is_wrong(here: Program, text: str, message: str) -> None:
    with Path(".aivcs/config.toml").open("a") as file:
        file.write(f"[git]\n{text}\n")
    said = here("--json", "git", "show")
    assert (said.status, said.error["code"]) == (2, "invalid_config")
    assert message in said.error["message"]
