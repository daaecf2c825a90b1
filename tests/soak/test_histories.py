"""Histories of agents: what the sweep sees, and that it sees what is wrong."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.diff import SpecDiff
from aivcs.services.specs import SpecStore
from soak import __main__ as program
from soak import histories, report, result
from tests.conftest import BUNDLED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aivcs.domain.digest import Digest
    from aivcs.domain.filediff import FileDiff


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a history of SWE-agent's versions, as they went and came back, and one of odd files."""
    real = tmp_path / "histories" / "swe-agent"
    for number, name in enumerate(("agent-v1", "agent-v2", "agent-v1")):
        shutil.copytree(BUNDLED / name, real / f"{number}")
    odd = tmp_path / "histories" / "odd"
    first, second, third = (odd / str(number) for number in range(3))
    (first / "sub/[deep] folder").mkdir(parents=True)
    (first / "sub/[deep] folder/tool.json").write_text('[{"name": "a", "v": 1}]')
    (first / "empty.md").write_bytes(b"")
    (first / "run.sh").write_bytes(b"#!/bin/sh\r\n")
    (first / "caf\u00e9.j2").write_bytes(b"no line end")
    (first / "picture").write_bytes(bytes(range(256)))
    (first / ".gitignore").write_text("*\n")
    shutil.copytree(first, second)
    (second / "run.sh").chmod(0o755)
    (second / "picture").write_bytes(bytes(range(255)))
    (second / "caf\u00e9.j2").write_bytes(b"no line end\n")
    (second / "sub/[deep] folder/tool.json").write_text('[{"name": "a", "v": 2}]')
    shutil.copytree(second, third)
    (third / "empty.md").unlink()
    (third / "run.sh").write_bytes(b"#!/bin/sh\nexit\n")
    (third / "run.sh").chmod(0o644)
    (third / "new\tname.md").write_text("x")
    (tmp_path / "histories" / "no history").touch()
    (tmp_path / "histories" / "none yet").mkdir()
    return tmp_path / "histories"


def test_every_version_is_restored_and_every_change_named(root: Path) -> None:
    found = histories.tried(root)
    assert found.wrong == ()
    assert found.counts["histories"] == 2
    assert found.counts["versions"] == 6
    assert found.counts["pairs of neighbours"] == 4
    assert found.counts["specs, of which no two are the same"] == 5
    kinds = {kind: found.counts[f"files {kind}"] for kind in ("added", "removed", "mode")}
    assert kinds == {"added": 1, "removed": 1, "mode": 1}
    assert found.counts["files modified"] == 2 + 3 + 1
    assert histories.tried(root, share=0.5).counts["versions"] == 4


def _one_less(a: Digest, b: Digest, real: Callable[..., SpecDiff]) -> SpecDiff:
    found = real(a, b)
    return SpecDiff(found.old, found.new, found.changes[1:])


def test_what_a_diff_leaves_out_is_seen(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = SpecStore.diff
    monkeypatch.setattr(
        SpecStore, "diff", lambda store, a, b: _one_less(a, b, lambda *two: real(store, *two))
    )
    assert any("odd/1: the diff names" in one for one in histories.tried(root).wrong)


def test_lines_too_many_are_seen(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def whole(old: bytes, new: bytes, path: str) -> list[str]:
        sides = [content.decode().split("\n")[:-1] for content in (old, new)]
        counts = [f"1,{len(lines)}" for lines in sides]
        marked = [
            f"{mark}{line}" for mark, lines in zip("-+", sides, strict=True) for line in lines
        ]
        return [f"--- a/{path}", f"+++ b/{path}", f"@@ -{counts[0]} +{counts[1]} @@", *marked]

    monkeypatch.setattr("aivcs.domain.filediff.text_diff", whole)
    shutil.rmtree(root / "odd")
    found = histories.tried(root).wrong
    assert len(found) == 2
    assert "lines added and removed, git" in found[0]


def test_bytes_and_modes_that_are_not_restored_are_seen(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = SpecStore.checkout

    def careless(store: SpecStore, digest: Digest, directory: Path) -> None:
        real(store, digest, directory)
        for path in directory.rglob("run.sh"):
            path.chmod(0o755)
            path.with_name("picture").write_bytes(b"")

    monkeypatch.setattr(SpecStore, "checkout", careless)
    found = histories.tried(root).wrong
    assert "odd/0: run.sh was restored with another mode" in found
    assert "odd/0: picture was restored with other bytes" in found
    assert "odd/0: what was restored has another digest" in found


def test_a_comparison_that_was_not_made_is_seen(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aivcs.domain.filediff import size_diff

    def sizes(_store: SpecStore, _found: SpecDiff, change: object) -> FileDiff:
        return size_diff(change, 1, 1)  # type: ignore[arg-type]

    monkeypatch.setattr(SpecStore, "diff_file", sizes)
    assert any("not compared: over" in one for one in histories.tried(root).wrong)


def test_without_a_folder_the_sweep_is_skipped_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(histories.VARIABLE, str(tmp_path / "absent"))
    monkeypatch.setattr(program, "RESULTS", tmp_path)
    monkeypatch.setattr(result, "RESULTS", tmp_path)
    page = tmp_path / "page.md"
    monkeypatch.setattr(sys, "argv", ["soak", "histories", "--page", str(page)])
    assert program.main() == 0
    said = capsys.readouterr().out
    assert f"histories: skipped, there is no folder {tmp_path / 'absent'}" in said
    assert histories.VARIABLE in said
    assert page.read_text().count("It has not been run yet.") == len(report.TEXTS)


def test_the_program_keeps_what_it_found(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(root / "odd")
    monkeypatch.setenv(histories.VARIABLE, str(root))
    for module in (program, result):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    page = tmp_path / "page.md"
    monkeypatch.setattr(sys, "argv", ["soak", "histories", "--seed", "3", "--page", str(page)])
    assert program.main() == 0
    assert "| histories | nothing wrong | 100% | 3 |" in page.read_text()
    assert "| pairs of neighbours | 2 |" in page.read_text()


@pytest.mark.optional_data
def test_a_history_of_the_optional_data(
    data: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "openhands-icl-example"
    shutil.copytree(data("versioned-specs") / name, tmp_path / "histories" / name)
    monkeypatch.setenv(histories.VARIABLE, str(tmp_path / "histories"))
    found = histories.run(1, 1.0)
    assert found.wrong == ()
    assert found.counts["versions"] == 3
