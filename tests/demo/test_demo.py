from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import aivcs
from aivcs.cli.main import main
from aivcs.demo import stage, story
from aivcs.errors import IntegrityError, InvalidInputError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AIVCS_DIR", raising=False)


def tell(*args: str, columns: int = 80) -> bytes:
    """Run the demo as a program of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "aivcs", "demo", *args],
        env={**os.environ, "COLUMNS": str(columns)},
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    return done.stdout


def test_the_story_is_the_same_each_time_at_any_width(tmp_path: Path) -> None:
    first = tell(columns=40)
    shutil.rmtree(tmp_path / "aivcs-demo")
    assert tell(columns=200) == first
    assert 60 < len(first.splitlines()) < 115


def test_the_story_shows_what_it_tells(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "here"]) == 0
    told = capfd.readouterr().out
    assert "made a repository" in told
    assert "+    temperature: 1." in told
    assert told.count("reward=1.0") == 4
    assert told.count("reward=0.0") == 2
    assert '"passed": false' in told
    assert "rollback to 1" in told
    assert "identical, byte for byte" in told
    assert "ok: checked" in told


def test_what_the_story_leaves_behind(tmp_path: Path) -> None:
    tell("here")
    with aivcs.open(tmp_path / "here") as repo:
        assert [record.kind.value for record in repo.releases.history(story.AGENT)] == [
            "rollback",
            "promote",
            "promote",
        ]
        first, second = (spec.digest for spec in reversed(repo.specs.list()))
        assert [len(repo.runs.list_runs(spec)) for spec in (first, second)] == [3, 3]
        current = repo.releases.current(story.AGENT)
        assert current is not None
        assert current.spec_digest == first
        assert current.actor == "demo"
        assert repo.specs.get(first).git_sha is None
        assert repo.verify().ok
    config = tmp_path / "here" / "restored" / "config" / "default.yaml"
    assert config.read_bytes() == (stage.DATA / "agent-v1/config/default.yaml").read_bytes()


def test_a_reader_can_repeat_each_command(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["demo", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    stage.lay_out(tmp_path / "mine")
    monkeypatch.chdir(tmp_path / "mine")
    for step in told["steps"]:
        program, *args = shlex.split(step["command"])
        assert program == "aivcs"
        assert main(args) == step["exit"] == 0


def test_as_json_it_is_one_value(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["ok"] is True
    assert told["steps"][0] == {"command": "aivcs init", "exit": 0}
    assert len(told["steps"]) == len(story.steps("a", "b"))


def test_a_folder_with_something_in_it_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").write_text("dear")
    assert main(["demo", "full"]) == 2
    assert "not an empty folder" in capfd.readouterr().err
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["letter"]
    assert main(["demo", "full/letter"]) == 2
    assert main(["demo", "one", "-C", "two"]) == 2
    assert not (tmp_path / "one").exists()


def test_a_folder_that_cannot_be_made_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["demo", "file/inside"]) == 7
    assert "'file/inside'" in capfd.readouterr().err


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["demo", "--json", "-C", "empty"]) == 0
    assert (tmp_path / "empty" / ".aivcs").is_dir()


def test_it_stops_at_a_command_that_fails(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    steps = (
        story.Step("This works.", ("init",)),
        story.Step("This does not.", ("current", "nobody")),
        story.Step("This is not reached.", ("verify",)),
    )
    monkeypatch.setattr(story, "steps", lambda _first, _second: steps)
    assert main(["demo", "a"]) == 3
    told = capfd.readouterr()
    assert "nobody" in told.out
    assert "exit status 3" in told.err
    assert "not reached" not in told.out
    assert main(["demo", "b", "--json"]) == 3
    assert json.loads(capfd.readouterr().out) == {
        "steps": [
            {"command": "aivcs init", "exit": 0},
            {"command": "aivcs current nobody", "exit": 3},
        ],
        "ok": False,
    }


def test_it_fails_when_the_restored_folder_differs(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    step = story.Step("Compare.", ("init",), identical=(story.FIRST, story.SECOND))
    monkeypatch.setattr(story, "steps", lambda _first, _second: (step,))
    assert main(["demo"]) == 6
    assert "agent-v1/ and agent-v2/ differ in config/default.yaml" in capfd.readouterr().err


def test_folders_are_compared_by_every_file(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "a").write_bytes(b"same")
    stage.check_identical(one, other)
    (other / "deep" / "b").write_bytes(b"")
    with pytest.raises(IntegrityError, match="deep/b"):
        stage.check_identical(one, other)


def test_the_surroundings_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIVCS_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("AIVCS_ACTOR", "me")
    before = dict(os.environ)
    assert main(["demo", "--json", "x"]) == 0
    assert dict(os.environ) == before
    assert Path.cwd() == tmp_path
    assert not (tmp_path / "elsewhere").exists()


def test_ids_look_like_any_and_repeat() -> None:
    ids, again = stage.ids(), stage.ids()
    made = [ids() for _ in range(5)]
    assert made == [again() for _ in range(5)]
    assert len({one[:4] for one in made}) == 5
    assert {one[14] for one in made} == {"4"}


def test_nothing_is_laid_out_over_something(tmp_path: Path) -> None:
    stage.lay_out(tmp_path / "new" / "deep")
    with pytest.raises(InvalidInputError):
        stage.lay_out(tmp_path / "new" / "deep")
