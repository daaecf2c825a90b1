"""Go's own packages for logs and notes, as a program that answers questions."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final, Self

SOURCE: Final = Path(__file__).parent / "foreign.go"
PACKAGES: Final = Path("/usr/share/gocode")
HINT: Final = "apt-get install golang-go golang-golang-x-mod-dev"


class Refused(Exception):
    """Go's package does not accept it."""


def installed() -> bool:
    """Tell whether there is a Go with the packages."""
    needed = PACKAGES / "src" / "golang.org" / "x" / "mod" / "sumdb" / "tlog"
    return shutil.which("go") is not None and needed.is_dir()


class Go:
    """The program, built in ``folder`` and running until the end of the block."""

    def __init__(self, folder: Path) -> None:
        self._program = folder / "foreign"
        environment = {
            **os.environ,
            "GO111MODULE": "off",
            "GOPATH": str(PACKAGES),
            "GOCACHE": str(folder / "cache"),
            "GOFLAGS": "",
            "CGO_ENABLED": "0",
        }
        command = ["go", "build", "-o", str(self._program), str(SOURCE)]
        subprocess.run(command, check=True, env=environment, cwd=folder)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [self._program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def ask(self, do: str, **question: Any) -> Any:
        """Return what it found; Refused with its reason."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        stdin.write(json.dumps({"do": do, **question}, default=_plain) + "\n")
        stdin.flush()
        answer = json.loads(stdout.readline())
        if "Refused" in answer:
            raise Refused(answer["Refused"])
        return answer.get("Found")


def _plain(value: object) -> str:
    assert isinstance(value, bytes)
    return base64.b64encode(value).decode()
