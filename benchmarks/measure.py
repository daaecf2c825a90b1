"""Running programs against the clock, and sides in turn."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.model import Side

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.model import Measured

ROOT: Final = Path(__file__).resolve().parent.parent
_LAUNCH: Final = Path(__file__).with_name("launch.py")
_SHOWN: Final = 2000
_LONGEST: Final = 900


class BenchmarkError(Exception):
    """A benchmark cannot be run; the message says why."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One finished process: wall and CPU seconds, peak resident bytes."""

    seconds: float
    cpu: float
    peak: int


@dataclass(frozen=True, slots=True)
class Contender:
    """A side to be measured; ``measure`` gets an empty folder of its own each time."""

    name: str
    ran: str
    durable: str
    measure: Callable[[Path], Measured]


def environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which no program sees settings or caches of this user."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
        "HOME": str(folder),
        "AIVCS_ACTOR": "bench",
        "BORG_BASE_DIR": str(folder / "borg-base"),
        "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
        "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "RESTIC_CACHE_DIR": str(folder / "restic-cache"),
        "RESTIC_PASSWORD": "bench",
        **(more or {}),
    }


def prepare(argv: Sequence[str | Path], folder: Path, stdin: Path | None = None) -> bytes:
    """Run a program that is not timed and return its output; BenchmarkError if it fails."""
    return _run(argv, argv, folder, folder, stdin)


def timed(
    argv: Sequence[str | Path],
    folder: Path,
    stdin: Path | None = None,
    *,
    within: Path | None = None,
) -> Ran:
    """Run a program in ``folder``, or ``within`` another one, and time the whole process.

    What other processes have still to write is written first. BenchmarkError if it fails.
    """
    out = folder / "launched.json"
    words = [sys.executable, "-I", "-S", _LAUNCH, out, stdin or os.devnull, *argv]
    os.sync()
    _run(words, argv, folder, within or folder, None)
    found = json.loads(out.read_bytes())
    out.unlink()
    return Ran(found["seconds"], found["cpu"], found["peak"])


def inside(python: Path | str, module: str, folder: Path, *words: object) -> dict[str, float]:
    """Run ``benchmarks.inside.<module>`` by an interpreter; return the figures it prints."""
    os.sync()
    argv = [str(python), "-m", f"benchmarks.inside.{module}", *(str(word) for word in words)]
    printed = prepare(argv, folder)
    figures: dict[str, float] = json.loads(printed)
    return figures


def in_turn(contenders: Sequence[Contender], repeat: int, scratch: Path) -> tuple[Side, ...]:
    """Measure each contender ``repeat`` times, one after the other, back and forth.

    Whatever changes on the machine meanwhile so hits all of them alike.
    """
    measured: dict[str, list[Measured]] = {one.name: [] for one in contenders}
    for turn in range(repeat):
        for one in contenders if turn % 2 == 0 else reversed(contenders):
            folder = scratch / "turn"
            folder.mkdir(parents=True)
            try:
                measured[one.name].append(one.measure(folder))
            finally:
                shutil.rmtree(folder)
            print(f"  {one.name}: {measured[one.name][-1].value:.4g}", file=sys.stderr)
    return tuple(
        Side(one.name, one.ran, one.durable, tuple(measured[one.name])) for one in contenders
    )


def allocated(*paths: Path) -> int:
    """Return the bytes that files and folders take on disk, as the file system counts them."""
    total = 0
    for path in paths:
        for found in (path, *path.rglob("*")):
            total += found.lstat().st_blocks * 512
    return total


def _run(
    words: Sequence[str | Path],
    named: Sequence[str | Path],
    home: Path,
    within: Path,
    stdin: Path | None,
) -> bytes:
    """Run ``words`` and return the output; errors name the program ``named``."""
    with (
        (stdin or Path(os.devnull)).open("rb") as source,
        subprocess.Popen(
            [str(word) for word in words],
            cwd=within,
            env=environment(home),
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        ) as process,
    ):
        try:
            out, said = process.communicate(timeout=_LONGEST)
        except BaseException as error:
            # What it started goes with it.
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                msg = f"not done after {_LONGEST} s: {_line(named)}"
                raise BenchmarkError(msg) from error
            raise
    if process.returncode:
        raise _failed(named, process.returncode, said)
    return out


def _line(argv: Sequence[str | Path]) -> str:
    return " ".join(str(word) for word in argv)[:_SHOWN]


def _failed(argv: Sequence[str | Path], status: int, stderr: bytes) -> BenchmarkError:
    said = stderr.decode(errors="replace").strip()[-_SHOWN:]
    return BenchmarkError(f"exit status {status} of: {_line(argv)}\n{said}")
