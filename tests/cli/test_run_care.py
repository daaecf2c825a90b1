from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING

import apsw

from aivcs.domain.lease import LeaseToken
from aivcs.repo import open_repo
from aivcs.repo.surroundings import LEASE, inherited_lease

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.cli.conftest import Program

APPEND = shlex.join([sys.executable, "-m", "aivcs", "run", "append"])


def _started(program: Program, spec: str) -> str:
    run_id = program.json("run", "start", "--spec", spec)["run_id"]
    assert isinstance(run_id, str)
    return run_id


def _lease(run_id: str, seconds: float) -> None:
    with open_repo() as repo:
        repo.runs.lease(run_id, "ann", seconds, beating=False)


def test_what_a_command_starts_writes_under_its_lease(here: Program, spec: str) -> None:
    inside = f"{APPEND} $AIVCS_RUN_ID --kind inside && env -u {LEASE} {APPEND} $AIVCS_RUN_ID"
    said = here("run", "record", "--spec", spec, "--lease", "--", "sh", "-c", inside + " --kind no")
    assert said.status == 4
    assert "is held by" in said.err
    kinds = [event["kind"] for event in here.json("run", "events", "latest")]
    assert ("inside" in kinds, "no" in kinds) == (True, False)
    shown = here.json("run", "show", "latest")
    assert (shown["status"], shown["lease"]) == ("FAILED", None)
    assert len(shown["root"]) == 64


def test_without_it_anybody_may(here: Program, spec: str) -> None:
    inside = f'test -z "${LEASE}" && {APPEND} $AIVCS_RUN_ID --kind inside'
    here.good("run", "record", "--spec", spec, "--", "sh", "-c", inside)
    assert here("run", "record", "--lease", "--events", "f").status == 2


def test_resuming(here: Program, spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = _started(here, spec)
    point = {"checkpoint_id": "c", "node_id": "n", "state_hash": "s"}
    for kind, payload in (("a", {}), ("checkpoint_saved", point), ("b", {"x": 1})):
        here.good("run", "append", run_id, "--kind", kind, "--payload", json.dumps(payload))
    looked = here.json("run", "resume", run_id[:8], "--look")
    assert looked["lease"] is None
    assert looked["total_events"] == 3
    assert {key: looked["point"][key] for key in point} == point
    assert looked["point"]["checkpoint_seq"] == 2
    assert [event["kind"] for event in looked["point"]["events_after"]] == ["b"]
    taken = here.json("run", "resume", run_id, "--holder", "ann", "--seconds", "60")
    assert taken["point"] == looked["point"]
    assert (taken["lease"]["holder"], taken["lease"]["token"]) == ("ann", f"1:{run_id}")
    shown = here.json("run", "show", run_id)["lease"]
    assert {**shown, "token": f"1:{run_id}"} == taken["lease"]
    assert here.fail("run", "append", run_id, "--kind", "c") == (4, "fenced")
    assert here.fail("run", "resume", run_id) == (4, "fenced")
    monkeypatch.setenv(LEASE, taken["lease"]["token"])
    assert here.json("run", "append", run_id, "--kind", "c")["seq"] == 4
    here.good("run", "complete", run_id)
    assert here.fail("run", "resume", run_id) == (5, "invalid_run_state")
    assert here.fail("run", "resume", "nobody") == (3, "run_not_found")


def test_resuming_as_text(here: Program, spec: str) -> None:
    run_id = _started(here, spec)
    text = here.good("run", "resume", run_id, "--look").text
    assert "checkpoint:  -" in text
    here.good("run", "append", run_id, "--kind", "checkpoint_saved", "--payload", "{}")
    assert here.fail("run", "resume", run_id) == (2, "invalid_event")
    point = '{"checkpoint_id": "c", "node_id": "n"}'
    here.good("run", "append", run_id, "--kind", "checkpoint_saved", "--payload", point)
    text = here.good("run", "resume", run_id).text
    assert f"{LEASE}:" in text
    assert f"2:{run_id}" in text
    assert here.fail("run", "resume", run_id, "--seconds", "0") == (2, "invalid_input")


def test_the_token_of_a_lease(here: Program, spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = _started(here, spec)
    assert inherited_lease() is None
    monkeypatch.setenv(LEASE, f"1:{run_id}")
    assert inherited_lease() == LeaseToken(run_id, 1)
    assert here.fail("run", "append", run_id, "--kind", "c") == (4, "fenced")
    monkeypatch.setenv(LEASE, "nonsense")
    assert here.fail("run", "append", run_id, "--kind", "c") == (2, "invalid_input")


def test_reaping(here: Program, spec: str) -> None:
    left, held, free = (_started(here, spec) for _ in range(3))
    _lease(left, 1e-6)
    _lease(held, 3600)
    (row,) = here.json("run", "reap", "--dry-run")
    assert (row["run_id"], row["status"]) == (left, "RUNNING")
    assert "would fail" in here.good("run", "reap", "--dry-run").text
    (row,) = here.json("run", "reap")
    assert (row["run_id"], row["status"]) == (left, "FAILED")
    assert row["reason"].startswith("abandoned: ann held it until")
    assert here.json("run", "reap") == []
    said = here.good("run", "reap").err
    assert said == "no run is abandoned; runs that nobody ever held need --idle SECONDS\n"
    assert here.good("run", "reap", "--idle", "3600").err == "no run is abandoned\n"
    text = here.good("run", "reap", "--idle", "0", "--reason", "gone").text
    assert text == f"failed {free}: gone\n"
    assert here.json("run", "show", held)["status"] == "RUNNING"
    for idle in ("nan", "1e99"):
        assert here("run", "reap", "--idle", idle).status == 2
    assert here.fail("run", "reap", "--idle", "-1") == (2, "invalid_input")


def test_purging(here: Program, spec: str) -> None:
    run_id = _started(here, spec)
    for text in ("x", "y" * 9000, "z"):
        here.good("run", "append", run_id, "--kind", "said", "--payload", json.dumps(text))
    assert here.fail("run", "purge", run_id) == (5, "invalid_run_state")
    here.good("run", "complete", run_id)
    assert here.fail("run", "purge", run_id, "--seq", "4") == (2, "invalid_input")
    done = here.json("run", "purge", run_id, "--seq", "1", "--seq", "1")
    assert done == {
        "run_id": run_id, "erased": 1, "before": 0, "objects": [], "kept": [],
        "traces": False, "files": True,
    }  # fmt: skip
    first, second, _ = here.json("run", "events", run_id)
    assert (first["payload"], first["erased"]) == (None, True)
    assert "erased" not in second
    said = here.good("run", "purge", run_id)
    assert said.text == f"erased 2 bodies of run {run_id} (1 were gone before)\n"
    assert "1 object held bodies: 'aivcs gc --full' removes the bytes" in said.err
    assert "--files" in said.err
    assert "--files" not in here.good("run", "purge", run_id, "--files").err
    assert here.good("run", "events", run_id).text.count("erased") == 3
    here.good("gc", "--full")
    here.good("verify")


def test_an_erased_event_is_not_recorded_again(here: Program, spec: str) -> None:
    line = b'{"kind": "said", "payload": null, "seq": 1, "erased": true}\n'
    said = here("run", "record", "--spec", spec, "--events", "-", stdin=line)
    assert said.status == 2
    assert "its body was erased" in said.err


def test_what_a_purge_leaves_is_told(here: Program, spec: str, tmp_path: Path) -> None:
    runs = [_started(here, spec) for _ in range(2)]
    for run_id in runs:
        here.good("run", "append", run_id, "--kind", "said", "--payload", json.dumps("y" * 9000))
        here.good("run", "complete", run_id)
    reader = apsw.Connection(str(tmp_path / ".aivcs" / "aivcs.db"))
    reader.execute("BEGIN; SELECT count(*) FROM entries").fetchall()
    said = here.good("run", "purge", runs[0]).err
    reader.close()
    assert "1 object held bodies and stay: 'aivcs why DIGEST' says what needs them" in said
    assert "old bytes stay in the ledger" in said
    assert "hint: purge again" in said
