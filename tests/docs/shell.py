"""Commands of a page, run one after the other in one folder and one environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.docs.markdown import ROOT

_STAND_INS: Final = Path(__file__).parent / "standins"
_SECONDS: Final = 120
_BEGIN: Final = """
set -a
if [ -f "$DOCS_STATE" ]; then . "$DOCS_STATE"; fi
trap 'export -p >"$DOCS_STATE"; pwd >"$DOCS_STATE.folder"' EXIT
"""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a console block; ``shown`` is None where the page shows no output."""

    line: int
    text: str
    shown: str | None


def commands(text: str, line: int) -> list[Command]:
    r"""Read a console block whose first line has the number ``line``.

    A command begins with ``$ ``; it goes on in lines that begin with ``> `` and after a
    ``\`` at the end of a line. Everything else is what it prints.
    """
    found: list[Command] = []
    script: list[str] = []
    shown: list[str] = []
    begun = 0

    def settle() -> None:
        if script:
            output = "".join(f"{one}\n" for one in shown) if shown else None
            found.append(Command(begun, "\n".join(script), output))
        elif shown:
            msg = f"line {line}: output before the first command"
            raise ValueError(msg)
        script.clear()
        shown.clear()

    for number, one in enumerate(text.splitlines(), line):
        if one.startswith("$ "):
            settle()
            begun = number
            script.append(one[2:])
        elif script and not shown and one.startswith("> "):
            script.append(one[2:])
        elif script and not shown and script[-1].endswith("\\"):
            script.append(one)
        else:
            shown.append(one)
    settle()
    return found


class Shell:
    """Runs commands by ``bash -e``; variables and the folder live on between them."""

    def __init__(self, place: Path) -> None:
        self.home = place / "home"
        self.folder = self.home / "work"
        self.folder.mkdir(parents=True)
        self._state = place / "state"
        self.environment = _environment(self.home, self._state)

    def run(self, script: str) -> tuple[int, str]:
        """Return the exit status, and stdout and stderr as they were written."""
        bash = shutil.which("bash") or "bash"
        done = subprocess.run(
            [bash, "-e", "-c", f"{_BEGIN}{script}"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
            check=False,
        )
        self.folder = Path(Path(f"{self._state}.folder").read_text(encoding="utf-8").strip())
        return done.returncode, done.stdout.decode()


def _environment(home: Path, state: Path) -> dict[str, str]:
    scripts = Path(sys.executable).parent
    return {
        # Where a machine has no sqlite3 or zstd, those of the Python packages stand in.
        "PATH": f"{scripts}:{os.environ['PATH']}:{_STAND_INS}",
        "HOME": str(home),
        "LOGNAME": "ada",
        "LANG": "C.UTF-8",
        "COLUMNS": "100",
        "TERM": "dumb",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
        "CHECKOUT": str(ROOT),
        "DOCS_STATE": str(state),
        **{key: value for key, value in os.environ.items() if re.match("COV", key)},
    }
