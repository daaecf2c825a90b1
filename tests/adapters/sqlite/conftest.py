from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.repo import init
from aivcs.testing.subject import add_spec, by, end, note

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CLIENT = """
import json, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
answers = []
for script in json.load(sys.stdin):
    database.execute("BEGIN IMMEDIATE")
    try:
        for statement in script.split(";"):
            database.execute(statement)
    except sqlite3.Error as error:
        answers.append(str(error))
    else:
        answers.append("")
    database.execute("COMMIT" if len(sys.argv) > 2 and not answers[-1] else "ROLLBACK")
database.close()
json.dump(answers, sys.stdout)
"""


@dataclass(frozen=True)
class Ledger:
    """A repository with something in every table, closed."""

    place: Path
    ids: dict[str, int]

    @property
    def path(self) -> Path:
        return self.place / ".aivcs" / "aivcs.db"


@pytest.fixture
def filled(tmp_path: Path) -> Ledger:
    """Return a ledger with one run of each status and two releases."""
    with init(tmp_path) as repo:
        spec = add_spec(repo)
        repo.specs.add({"name": "renamed", "components": {"prompts": {"system.md": "Be helpful."}}})
        for status in RunStatus:
            run_id = repo.runs.create_run(spec, RunMetadata("agent"))
            batch = repo.runs.appending(run_id, [note(None, {"n": 1}), note(None, {"n": 2})])
            keyed = tuple(replace(append, key="once") for append in batch.appends)
            repo._ledger.commit(replace(batch, appends=keyed))
            repo.runs.append_events(run_id, [note(4), note(5)])
            if status.terminal:
                if status is RunStatus.COMPLETED:
                    repo.runs.append_event(run_id, note(3))
                end(repo, run_id, status)
        repo.releases.promote("agent", spec, by())
        repo.releases.promote("agent", spec, by())
        repo.objects.put(b"a small object", pin=True)
        names = [run.run_id for run in reversed(repo.runs.list_runs())]
        statuses = [repo.runs.get_run(name).status.value for name in names]
    return Ledger(tmp_path, dict(zip(statuses, range(1, 5), strict=True)))


@pytest.fixture
def foreign() -> Callable[..., list[str]]:
    """Return a client on the standard library's SQLite, in a process of its own.

    Each script is one transaction, rolled back unless ``keep``; the answers are the errors,
    "" where there was none. Two SQLite libraries in one process must not share a file.
    """

    def run(path: Path, *scripts: str, keep: bool = False) -> list[str]:
        command = [sys.executable, "-c", _CLIENT, str(path), *(["keep"] if keep else [])]
        done = subprocess.run(
            command, input=json.dumps(scripts), capture_output=True, text=True, check=True
        )
        answers: list[str] = json.loads(done.stdout)
        return answers

    return run
