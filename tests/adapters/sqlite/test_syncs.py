"""How often the ledger's file is synced, counted from outside the process."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CALLS = 20
SCRIPT = """
import sys
from datetime import UTC, datetime, timedelta

import aivcs
from aivcs.domain.batch import Batch, Claim

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def claim(run, epoch=None, seconds=30):
    deadline = NOW + timedelta(seconds=seconds)
    return Batch(claims=(Claim(run, "me", deadline, NOW, epoch),))


place, durability, what = sys.argv[1:]
with aivcs.open(place, durability=durability) as repo:
    spec = repo.specs.list()[0].digest
    run = repo.runs.list_runs(limit=1)[0].run_id
    ledger = repo._ledger
    if what == "renew":
        ledger.commit(claim(run))
    print("ready", flush=True)
    for number in range(20):
        if what == "append":
            repo.runs.append_event(run, aivcs.RunEvent(None, "note", {"n": number}))
        elif what == "many":
            event = aivcs.RunEvent(None, "note", {"n": number})
            ledger.commit_all([repo.runs.appending(run, [event])] * 10)
        elif what == "take":
            ledger.commit(claim(run))
        elif what == "renew":
            ledger.commit(claim(run, 1, number))
        else:
            repo.releases.promote("bot", spec, aivcs.ReleaseMetadata(promoted_by="me"))
    print("done", flush=True)
"""


def _syncs(place: Path, durability: str, what: str) -> int:
    """Return how many syncs happened between the two lines the script prints."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is missing")
    trace = place / f"{durability}-{what}"
    command = [strace, "-f", "-e", "trace=fsync,fdatasync,write", "-o", str(trace)]
    done = subprocess.run(
        [*command, sys.executable, "-c", SCRIPT, str(place), durability, what],
        capture_output=True,
        text=True,
        check=False,
    )
    if "ptrace" in done.stderr:
        pytest.skip("processes may not be traced here")
    assert done.stdout == "ready\ndone\n", done.stderr
    lines = trace.read_text().splitlines()
    (start,) = (n for n, line in enumerate(lines) if 'write(1, "ready' in line)
    (end,) = (n for n, line in enumerate(lines) if 'write(1, "done' in line)
    return sum("sync(" in line for line in lines[start:end])


@pytest.mark.parametrize(
    ("durability", "what", "expected"),
    [
        ("sync", "append", CALLS),
        ("sync", "promote", CALLS),
        ("group", "append", CALLS),
        ("sync", "many", CALLS),
        ("sync", "take", CALLS),
        ("sync", "renew", 0),
        ("os", "append", 0),
        ("os", "promote", CALLS),
    ],
)
def test_syncs(tmp_path: Path, durability: str, what: str, expected: int) -> None:
    import aivcs

    with aivcs.init(tmp_path) as repo:
        spec = repo.specs.add({"components": {"prompts": {"system.md": "hello"}}})
        repo.runs.create_run(spec.digest, aivcs.RunMetadata("bot"))
    # The first commit after opening also syncs the header of the new log.
    assert _syncs(tmp_path, durability, what) - expected in {0, 1, 2}
