from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import aivcs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from aivcs import Digest, Repo, RunEvent, RunRecord

PROGRAM = """
import sys, aivcs
folder, spec, *argv = sys.argv[1:]
with aivcs.open(folder) as repo:
    outcome = repo.command(
        argv, spec=spec, agent="helper", tags={}, warn=lambda text: print(text, file=sys.stderr)
    )
sys.exit(outcome.exit_status)
"""


@dataclass(frozen=True)
class Recorded:
    run: RunRecord
    exit_status: int
    events: list[RunEvent]
    out: bytes
    err: bytes
    warnings: list[str]
    not_started: str | None

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def payloads(self, kind: str) -> list[Any]:
        return [event.payload for event in self.events if event.kind == kind]


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo: Repo = aivcs.init(folder)
        prompts = {"system.md": "Help."}
        parts = {"name": "helper", "components": {"prompts": prompts}}
        self.spec: Digest = self.repo.specs.add(parts).digest
        self.warnings: list[str] = []

    def record(self, *argv: str, **options: Any) -> Recorded:
        out, err = self.folder / "out", self.folder / "err"
        with out.open("wb") as one, err.open("wb") as two:
            targets = {"stdout": one.fileno(), "stderr": two.fileno(), **options}
            outcome = self.repo.command(
                argv, spec=self.spec, agent="helper", tags={}, warn=self.warnings.append, **targets
            )
        return Recorded(
            outcome.run,
            outcome.exit_status,
            self.repo.runs.get_events(outcome.run.run_id),
            out.read_bytes(),
            err.read_bytes(),
            self.warnings,
            outcome.not_started,
        )

    def shell(self, script: str, **options: Any) -> Recorded:
        return self.record("/bin/sh", "-c", script, **options)

    def python(self, script: str, *argv: str, **options: Any) -> Recorded:
        return self.record(sys.executable, "-c", script, *argv, **options)

    @contextmanager
    def recorder(
        self, *argv: str, within: Sequence[str] = (), **options: Any
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Start a process of its own that records ``argv``; it is dead at the end.

        ``within`` is a command that starts another.
        """
        command = [*within, sys.executable, "-c", PROGRAM, str(self.folder), str(self.spec), *argv]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **options}
        with subprocess.Popen(command, **pipes) as process:
            try:
                yield process
            finally:
                process.kill()

    def only_run(self) -> RunRecord:
        (run,) = self.repo.runs.list_runs()
        return run

    def kept_files(self) -> list[Path]:
        return sorted((self.folder / ".aivcs" / "tmp").glob("events-*.jsonl"))


@pytest.fixture
def _heard() -> Iterator[None]:
    """Let these signals count: nohup, or a shell for its background jobs, has them ignored."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    ignored = [number for number in numbers if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _heard: None) -> Iterator[Bench]:
    for name in [name for name in os.environ if name.startswith("AIVCS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    bench = Bench(tmp_path)
    with bench.repo:
        yield bench
