from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Said:
    """What a call of the program left behind."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def json(self) -> Any:
        """The one JSON value on stdout; anything beside it fails the test."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error on the last line of stderr; nothing may stand on stdout."""
        assert self.out == b""
        last = json.loads(self.err.splitlines()[-1])
        assert list(last) == ["error"]
        assert list(last["error"]) == ["code", "message", "hint"]
        found: dict[str, Any] = last["error"]
        return found


class Program:
    """Calls the program in this process."""

    def __init__(
        self, capture: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._capture = capture
        self._monkeypatch = monkeypatch

    def __call__(self, *args: object, stdin: bytes = b"") -> Said:
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        self._capture.readouterr()
        status = main([str(arg) for arg in args])
        out, err = self._capture.readouterr()
        return Said(status, out, err.decode())

    def good(self, *args: object, stdin: bytes = b"") -> Said:
        """Call and expect success."""
        said = self(*args, stdin=stdin)
        assert said.status == 0, said.err
        return said

    def json(self, *args: object, stdin: bytes = b"") -> Any:
        """Call with --json, expect success, and return the answer."""
        return self.good(*args, "--json", stdin=stdin).json

    def fail(self, *args: object, stdin: bytes = b"") -> tuple[int, str]:
        """Call with --json and return exit status and code of the failure."""
        said = self("--json", *args, stdin=stdin)
        code = said.error["code"]
        assert isinstance(code, str)
        assert "Traceback" not in said.err
        return said.status, code


@pytest.fixture
def program(
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Program:
    """Stand in an empty folder without a repository."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("AIVCS")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AIVCS_ACTOR", "tester")
    # What waits in a buffer when a pipe breaks is part of what is shown.
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    return Program(capfdbinary, monkeypatch)


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    """Make an agent's folder."""
    folder = tmp_path / "helper"
    folder.mkdir()
    (folder / "system.md").write_text("You help.\n")
    (folder / "model.json").write_text('{"temperature": 0}\n')
    return folder


@pytest.fixture
def here(program: Program) -> Program:
    """Stand in a folder with an empty repository."""
    program.good("init")
    return program


@pytest.fixture
def spec(here: Program, agent: Path) -> str:
    """Store the agent's spec and return its digest."""
    digest = here.json("spec", "add", agent)["digest"]
    assert isinstance(digest, str)
    return digest


@pytest.fixture
def second(here: Program, agent: Path, spec: str) -> str:
    """Change the agent, store that spec too and return its digest."""
    (agent / "system.md").write_text("You help well.\n")
    digest = here.json("spec", "add", agent)["digest"]
    assert isinstance(digest, str)
    assert digest != spec
    return digest


@pytest.fixture
def run(here: Program, spec: str) -> str:
    """Start a run and return its id."""
    run_id = here.json("run", "start", "--agent", "helper", "--spec", spec)["run_id"]
    assert isinstance(run_id, str)
    return run_id
