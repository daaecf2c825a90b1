from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import aivcs
from aivcs.demo.story import AGENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / ".aivcs-example"
HELD: dict[str, Any] = json.loads((ROOT / "tests" / "golden" / "example.json").read_text())


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Copy the example to where a repository stands."""
    shutil.copytree(EXAMPLE, tmp_path / ".aivcs")
    return tmp_path


def test_the_example_holds_what_it_held(copied: Path, script: Callable[[str], ModuleType]) -> None:
    assert script("make_example").listing(copied) == HELD


def test_the_example_is_whole_and_closed(copied: Path) -> None:
    assert {path.name for path in EXAMPLE.iterdir()} == {
        "aivcs.db",
        "config.toml",
        "format",
        "log",
    }
    with aivcs.open(copied) as repo:
        report = repo.verify()
        assert report.ok
        assert not report.problems
        (current,) = repo.releases.list()
        files = repo.specs.files(current.spec_digest)
        (file,) = files["config"]
        written = repo.objects.get(file.digest)
    bundled = ROOT / "aivcs" / "demo" / "data" / "agent-v1" / "config" / "default.yaml"
    assert written == bundled.read_bytes()


def test_the_example_can_be_written_to(copied: Path) -> None:
    with aivcs.open(copied) as repo:
        before = len(repo.runs.list_runs())
        with repo.run(agent=AGENT) as run:
            run.event("tool_called", {"tool_name": "search"})
        assert repo.releases.rollback(AGENT, to="v2.0.0").restores == 2
        assert len(repo.runs.list_runs()) == before + 1
        assert repo.verify().ok


def test_the_script_writes_it_anew(
    tmp_path: Path, script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    make = script("make_example")
    monkeypatch.setattr(make, "EXAMPLE", tmp_path / ".aivcs")
    monkeypatch.setattr(make, "LISTING", tmp_path / "example.json")
    assert make.main() == 0
    made = json.loads((tmp_path / "example.json").read_text())
    assert made == make.listing(tmp_path)
    for part, key in (("specs", "digest"), ("runs", "run_id"), ("releases", "spec_digest")):
        assert [row[key] for row in made[part]] == [row[key] for row in HELD[part]]
