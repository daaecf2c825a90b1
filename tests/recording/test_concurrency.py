from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.recording.conftest import Bench

PROCESSES = 4
RUNS = 50
PROGRAM = """
import os, sys, aivcs
folder, spec, name, runs = sys.argv[1:]
script = 'echo "hello from $1 $2"; printf "$3" "$2" >> $AIVCS_EVENTS'
line = '{"kind": "note", "payload": %s}'
nowhere = os.open(os.devnull, os.O_WRONLY)
with aivcs.open(folder) as repo:
    for number in range(int(runs)):
        repo.command(
            ["sh", "-c", script, "sh", name, str(number), line],
            spec=spec,
            agent=name,
            tags={"number": number},
            warn=sys.exit,
            stdout=nowhere,
        )
"""


def test_processes_record_into_one_repository_at_once(bench: Bench) -> None:
    names = [f"agent-{number}" for number in range(PROCESSES)]
    start = [sys.executable, "-c", PROGRAM, str(bench.folder), str(bench.spec)]
    recorders = [
        subprocess.Popen([*start, name, str(RUNS)], stderr=subprocess.PIPE) for name in names
    ]
    for recorder in recorders:
        _, errors = recorder.communicate()
        assert (recorder.returncode, errors) == (0, b"")
    for name in names:
        runs = bench.repo.runs.list_runs(agent=name)
        assert [run.status for run in runs] == ["COMPLETED"] * RUNS
        for number, run in zip(reversed(range(RUNS)), runs, strict=True):
            assert run.metadata.tags == {"number": number}
            seen = {event.kind: event.payload for event in bench.repo.runs.get_events(run.run_id)}
            assert seen["note"] == number
            assert seen["output"] == {"stream": "stdout", "text": f"hello from {name} {number}\n"}
            assert seen.keys() == {"command_started", "note", "output", "command_exited"}
    report = bench.repo.verify()
    assert report.ok, report.problems
    assert report.checked["runs"] == PROCESSES * RUNS
    assert bench.kept_files() == []
