"""What a sweep found, and how it is kept."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = ROOT / "build" / "soak"


class Skipped(Exception):
    """What a sweep needs is not here; the message says what it is."""


@dataclass(frozen=True, slots=True)
class Result:
    """One sweep: its seed, how long it took, what it counted, and what was wrong.

    ``counts`` has a number for each name; ``wrong`` a sentence for each thing that must
    never happen and did.
    """

    name: str
    seed: int
    seconds: float
    counts: dict[str, int]
    wrong: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether nothing was wrong."""
        return not self.wrong


@dataclass(frozen=True, slots=True)
class Kept:
    """A result with where and on what it was found; ``share`` of a full sweep was done."""

    result: Result
    commit: str
    changed: bool
    finished: str
    machine: str
    share: float = 1.0


def keep(result: Result, share: float = 1.0) -> Path:
    """Write a result below ``build/soak`` and return the file's path."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{result.name}.json"
    kept = Kept(
        result,
        _git("rev-parse", "--short=12", "HEAD") or "unknown",
        bool(_git("status", "--porcelain", "--", "aivcs", "soak")),
        datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        _machine(),
        share,
    )
    path.write_text(json.dumps(asdict(kept), indent=2) + "\n")
    return path


def load(path: Path) -> Kept:
    """Read a kept result."""
    value = json.loads(path.read_text())
    inner = value.pop("result")
    inner["wrong"] = tuple(inner["wrong"])
    return Kept(Result(**inner), **value)


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()


def _machine() -> str:
    cores = os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{cores} cores, {memory:.0f} GiB, {system} {platform.machine()}, {python}"
