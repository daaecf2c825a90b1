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
MANY = 4
SCRIPT = """
import sys
import threading
from datetime import UTC, datetime, timedelta

import aivcs
from aivcs.domain.batch import Batch
from aivcs.domain.log_writes import Claim

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def claim(run, epoch=None, seconds=30):
    deadline = NOW + timedelta(seconds=seconds)
    return Batch(claims=(Claim(run, "me", deadline, NOW, epoch),))


def append(repo, run):
    for number in range(10):
        repo.runs.append_event(run, aivcs.RunEvent(None, "note", {"n": number}))


place, durability, what = sys.argv[1:]
with aivcs.open(place, durability=durability) as repo:
    spec = repo.specs.list()[0].digest
    run = repo.runs.list_runs(limit=1)[0].run_id
    ledger = repo._ledger
    if what == "renew":
        ledger.commit(claim(run))
    print("ready", flush=True)
    for number in range(4 if what in {"live", "threads"} else 20):
        if what == "append":
            repo.runs.append_event(run, aivcs.RunEvent(None, "note", {"n": number}))
        elif what == "many":
            event = aivcs.RunEvent(None, "note", {"n": number})
            ledger.commit_all([repo.runs.appending(run, [event])] * 10)
        elif what == "live":
            with repo.run(spec=spec) as live:
                for step in range(500):
                    live.event("note", {"n": step})
                    if step % 100 == 99:
                        live.flush()
        elif what == "threads":
            threads = [threading.Thread(target=append, args=(repo, run)) for _ in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
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


@pytest.fixture
def place(tmp_path: Path) -> Path:
    import aivcs

    with aivcs.init(tmp_path) as repo:
        spec = repo.specs.add({"components": {"prompts": {"system.md": "hello"}}})
        repo.runs.create_run(spec.digest, aivcs.RunMetadata("bot"))
    return tmp_path


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
def test_syncs(place: Path, durability: str, what: str, expected: int) -> None:
    # The first commit after opening also syncs the header of the new log.
    assert _syncs(place, durability, what) - expected in {0, 1, 2}


def test_events_of_a_live_run_share_syncs(place: Path) -> None:
    """A run of 500 events, flushed by the hundred, with its beginning and its end."""
    assert _syncs(place, "group", "live") <= MANY * 500 * 0.02


def test_threads_share_syncs(place: Path) -> None:
    """Sixteen that append at once: at most every second append is a sync of its own."""
    assert _syncs(place, "group", "threads") <= MANY * 16 * 10 / 2
