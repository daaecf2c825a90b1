"""A command checks a spec in a folder that has exactly its files."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.command import checking
from aivcs.domain.release import ReleaseMetadata
from aivcs.errors import CheckAborted, InvalidInputError, StorageError
from aivcs.repo import init

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.repo import Repo

NOTE = """
import os, pathlib, sys
with open(sys.argv[1], "a") as file:
    print(os.environ["AIVCS_SPEC"], os.environ["AIVCS_DIR"], sorted(os.listdir(".")), file=file)
text = pathlib.Path("system.md").read_text()
sys.exit(1 if "rude" in text else 0)
"""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repo]:
    monkeypatch.chdir(tmp_path)
    with init(tmp_path) as repo:
        for number in range(6):
            agent = tmp_path / "agent"
            agent.mkdir(exist_ok=True)
            (agent / "system.md").write_text(f"{number}{' rude' * (number > 3)}\n")
            (agent / "model.json").write_text(f"{number}\n")
            spec = repo.specs.add(agent)
            repo.releases.promote("helper", spec, ReleaseMetadata(promoted_by="ada"))
        yield repo


def test_it_runs_where_the_spec_is_checked_out(repo: Repo, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    found = repo.bisect("helper", [sys.executable, "-c", NOTE, str(notes)], good=1)
    assert found.first_bad is not None
    assert (found.first_bad.seq, found.components) == (5, ("prompts",))
    lines = notes.read_text().splitlines()
    assert lines == [
        f"{one.subject.spec_digest} {repo.folder} ['model.json', 'system.md']"
        for one in found.evaluations
    ]
    assert [one.detail["exit_status"] for one in found.evaluations] == [
        0 if one.answer == "good" else 1 for one in found.evaluations
    ]


def test_a_script_here_is_found_from_there(repo: Repo, tmp_path: Path) -> None:
    script = tmp_path / "check.sh"
    script.write_text("#!/bin/sh\n! grep -q rude system.md\n")
    script.chmod(0o755)
    found = repo.bisect("helper", ["./check.sh"], good=1)
    assert found.components == ("prompts",)


def test_a_signal_stops_the_bisection_and_it_goes_on(repo: Repo, tmp_path: Path) -> None:
    script = tmp_path / "check.sh"
    script.write_text("#!/bin/sh\nkill -9 $$\n")
    script.chmod(0o755)
    with pytest.raises(CheckAborted, match="exit status 137"):
        repo.bisect("helper", ["./check.sh"], good=1)
    script.write_text("#!/bin/sh\n! grep -q rude system.md\n")
    assert repo.bisect("helper", ["./check.sh"], good=1).components == ("prompts",)


def test_what_cannot_be_started_is_refused(repo: Repo) -> None:
    with pytest.raises(InvalidInputError, match="no-such-program cannot be started"):
        repo.bisect("helper", ["no-such-program"], good=1)
    with pytest.raises(InvalidInputError, match="cannot be started"):
        repo.bisect("helper", ["sh", "a\0b"], good=1)
    assert repo.runs.list_runs() == []


def _write(folder: Path) -> None:
    folder.mkdir()


def test_the_folder_is_gone_afterwards(tmp_path: Path) -> None:
    place = tmp_path / "place"
    script = f'pwd >"{place}"; mkdir -p deep/er; touch deep/er/file; chmod 500 deep; exit 3'
    assert checking.exit_status(["sh", "-c", script], _write, {}) == 3
    assert not Path(place.read_text().strip()).exists()


def test_the_output_goes_where_it_is_sent(tmp_path: Path) -> None:
    with (tmp_path / "said").open("wb") as said:
        script = "echo out; echo err >&2; echo $AIVCS_SPEC"
        status = checking.exit_status(
            ["sh", "-c", script], _write, {"AIVCS_SPEC": "x"}, said.fileno()
        )
    assert status == 0
    assert (tmp_path / "said").read_text() == "out\nerr\nx\n"


def test_without_room_for_a_folder_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(tempfile, "TemporaryDirectory", full)
    with pytest.raises(StorageError, match="no folder to check a spec in: No space left"):
        checking.exit_status(["true"], _write, {})


@pytest.mark.parametrize("argv", [["sh", "x"], ["./absent"], ["/bin/sh"], []])
def test_a_program_that_is_no_file_here_is_left_as_it_is(
    argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert checking.found_here(argv) == argv
