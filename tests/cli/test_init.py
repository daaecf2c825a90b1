from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from tests.cli.conftest import Program


def test_init_says_where_and_whether_it_is_new(program: Program, tmp_path: Path) -> None:
    made = program.json("init", "deep/down")
    folder = str(tmp_path / "deep" / "down" / ".aivcs")
    assert made == {"repository": folder, "format": 1, "created": True}
    assert program.json("init", "deep/down") == {**made, "created": False}
    assert folder in program.good("init", "deep/down").text


def test_init_takes_the_folder_of_the_option(program: Program, tmp_path: Path) -> None:
    assert program.json("-C", "one", "init")["created"]
    assert program.json("init", "--repo", "one")["created"] is False
    assert (tmp_path / "one" / ".aivcs" / "format").is_file()
    assert program.fail("-C", "one", "init", "two") == (2, "usage")


def test_init_takes_the_folder_of_the_environment(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIVCS_DIR", str(tmp_path / "chosen"))
    assert program.json("init")["created"]
    assert program.json("run", "list") == []
    assert (tmp_path / "chosen" / ".aivcs").is_dir()


def test_the_repository_is_found_upward_but_not_from_a_given_folder(
    here: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert here.json("releases") == []
    assert here.fail("-C", below, "releases") == (10, "no_repository")
    assert here.json("-C", tmp_path, "releases") == []
    assert here.json("releases", "-C", tmp_path / ".aivcs") == []
    monkeypatch.setenv("AIVCS_DIR", str(below))
    assert here.fail("releases") == (10, "no_repository")


def test_no_repository_and_one_of_a_newer_format(program: Program, tmp_path: Path) -> None:
    assert program.fail("run", "list") == (10, "no_repository")
    program.good("init")
    (tmp_path / ".aivcs" / "format").write_text("2\n")
    assert program.fail("run", "list") == (10, "repository_too_new")
    assert program.fail("init") == (10, "repository_too_new")


def test_two_processes_that_init_one_folder_make_one_repository(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "aivcs", "init", "both", "--json"]
    started = [
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    answers = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert sorted('"created": true' in answer for answer in answers) == [False, True]
    assert Path(tmp_path, "both", ".aivcs", "aivcs.db").is_file()
