from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(program: Program, shell: str) -> None:
    answer = program.json("completion", shell)
    assert answer["shell"] == shell
    assert "_AIVCS_COMPLETE" in answer["script"]
    assert program.good("completion", shell).text == answer["script"].rstrip("\n") + "\n"


def test_another_shell_is_refused(program: Program) -> None:
    assert program.fail("completion", "tcsh") == (2, "usage")


def _completed(program: Program, monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    monkeypatch.setenv("_AIVCS_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(["aivcs", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    said = program()
    assert said.err == ""
    monkeypatch.delenv("_AIVCS_COMPLETE")
    return [line.partition(",")[2] for line in said.text.splitlines() if line]


def test_commands_ids_and_names_complete(
    here: Program, run: str, spec: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here.good("promote", "released", spec)

    def complete(*words: str) -> list[str]:
        return _completed(here, monkeypatch, *words)

    assert complete("pro") == ["promote", "prove"]
    assert complete("run", "sho") == ["show"]
    assert complete("run", "show", run[:3]) == [run]
    assert complete("current", "rel") == ["released"]
    assert complete("run", "list", "--agent", "hel") == ["helper"]
    assert complete("promote", "x", spec[:4]) == [spec]
    assert complete("spec", "show", "released"[:2]) == ["released"]
    assert complete("run", "record", "--format", "tau") == ["tau-bench"]
    assert complete("eval", "record", spec, "f", "--format", "ju") == ["junit"]
    assert complete("-C", str(tmp_path), "current", "rel") == ["released"]


def test_completing_without_a_repository_is_silent(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _completed(program, monkeypatch, "run", "show", "x") == []
