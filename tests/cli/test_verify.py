from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.cli.conftest import Program


def _damage(program: Program, tmp_path: Path) -> str:
    (tmp_path / "big").write_bytes(b"0123456789abcdef" * 20_000)
    digest = program.json("object", "put", "big")[0]["digest"]
    (file,) = [p for p in (tmp_path / ".aivcs" / "objects").rglob("*") if p.is_file()]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    assert isinstance(digest, str)
    return digest


def test_all_is_well(here: Program, run: str) -> None:
    here.good("run", "append", run, "--kind", "k")
    answer = here.json("verify")
    assert list(answer) == ["ok", "checked", "problems"]
    assert answer["ok"] is True
    assert answer["problems"] == []
    assert list(answer["checked"]) == ["objects", "runs", "events", "releases"]
    assert (answer["checked"]["runs"], answer["checked"]["events"]) == (1, 1)
    assert here.good("verify").text.endswith(", 1 run, 1 event, 0 releases\n")


def test_damage_is_told_with_its_own_status(here: Program, tmp_path: Path) -> None:
    digest = _damage(here, tmp_path)
    said = here("verify", "--json")
    assert said.status == 6
    assert said.json["ok"] is False
    (problem,) = said.json["problems"]
    assert list(problem) == ["kind", "id", "detail", "severity"]
    assert digest in problem["id"]
    text = here("verify")
    assert text.status == 6
    assert text.text.splitlines()[0].startswith("error: ")
    assert text.text.splitlines()[-1].startswith("DAMAGED: checked ")
    assert here("verify", "--runs", "--releases").status == 0
    assert here("verify", "--objects").status == 6
    assert here.fail("object", "get", digest, "-o", "out") == (6, "integrity")
    assert not (tmp_path / "out").exists()


def test_a_missing_file_is_told(here: Program, tmp_path: Path) -> None:
    digest = _damage(here, tmp_path)
    for file in (tmp_path / ".aivcs" / "objects").rglob("*"):
        if file.is_file():
            file.unlink()
    assert here.fail("object", "get", digest) == (6, "missing_object")


def test_parts_are_passed_on(here: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from aivcs.domain.report import Report

    asked: list[dict[str, bool]] = []

    def verify(_: object, *, advance: Callable[[], None], **parts: bool) -> Report:
        advance()
        asked.append(parts)
        return Report({})

    monkeypatch.setattr("aivcs.repo.Repo.verify", verify)
    here.good("verify")
    here.good("verify", "--objects", "--releases")
    assert asked == [
        {"objects": True, "runs": True, "releases": True},
        {"objects": True, "runs": False, "releases": True},
    ]
