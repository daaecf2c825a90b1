from __future__ import annotations

import random
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import apsw
import pytest
import zstandard

from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.repo import init, open_repo
from aivcs.testing.subject import add_spec, end, note

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.domain.run import RunId

SHORT = b"Q7rZ-short-9dLw"
MIDDLE = b"Q7rZ-middle-5kPx"
LARGE = b"Q7rZ-large-2mVb"
EARLY = b"Q7rZ-early-8cTn"
SECRETS = [SHORT, MIDDLE, LARGE, EARLY]


def _record(place: Path, *, noise: int = 0) -> RunId:
    """Record a run that says the secrets: in a row, in an object, in a file, and too early."""
    dice = random.Random(7)  # noqa: S311 - no secret
    with open_repo(place) as repo:
        run_id = repo.runs.create_run(add_spec(repo), RunMetadata("agent"))
        hard = "".join(dice.choices("0123456789abcdef", k=200_000))
        repo.runs.append_events(
            run_id,
            [
                note(None, {"to": SHORT.decode()}),
                # Small enough, when packed, to lie in one page.
                note(None, {"to": MIDDLE.decode() + hard[:1500] + "a" * 5000}),
                note(None, {"to": LARGE.decode() + hard}),
                note(9, {"to": EARLY.decode()}),
                *(note(None, {"n": hard[n : n + 300]}) for n in range(noise)),
            ],
        )
        end(repo, run_id, RunStatus.CANCELLED)
    return run_id


def _found(place: Path) -> set[bytes]:
    """Return the secrets that some file has, also where an object is compressed."""
    found: set[bytes] = set()
    for path in place.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        at = data.find(b"\x28\xb5\x2f\xfd")
        while at >= 0:
            with suppress(zstandard.ZstdError):
                data += zstandard.ZstdDecompressor().decompressobj().decompress(data[at:])
            at = data.find(b"\x28\xb5\x2f\xfd", at + 4)
        found |= {secret for secret in SECRETS if secret in data}
    return found


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("noise", [0, 500])
def test_no_file_has_it_any_more(tmp_path: Path, *, sealed: bool, noise: int) -> None:
    init(tmp_path).close()
    run_id = _record(tmp_path, noise=noise)
    with open_repo(tmp_path) as repo:
        if sealed:
            repo.seal()
        assert _found(tmp_path) == set(SECRETS)
        done = repo.runs.purge(run_id)
        assert not done.traces
        assert (len(done.objects), done.kept) == (2, ())
        assert _found(tmp_path) <= {MIDDLE, LARGE}
        repo.gc(full=True)
        assert _found(tmp_path) == set()
        assert repo.verify().ok
        assert len(repo.runs.get_events(run_id)) == 4 + noise
    assert _found(tmp_path) == set()


def test_one_who_reads_keeps_old_bytes_and_it_says_so(tmp_path: Path) -> None:
    init(tmp_path).close()
    run_id = _record(tmp_path)
    reader = apsw.Connection(str(tmp_path / ".aivcs" / "aivcs.db"))
    with open_repo(tmp_path) as repo:
        reader.execute("BEGIN; SELECT count(*) FROM entries").fetchall()
        assert repo.runs.purge(run_id).traces
        reader.execute("COMMIT")
        again = repo.runs.purge(run_id)
        assert (again.erased, again.traces) == (0, False)
    reader.close()
    assert not {SHORT, EARLY} & _found(tmp_path)


def test_it_is_gone_when_the_program_returns(tmp_path: Path) -> None:
    init(tmp_path).close()
    run_id = _record(tmp_path)
    for command in (["run", "purge", run_id], ["gc", "--full"]):
        subprocess.run(
            [sys.executable, "-m", "aivcs", "-C", str(tmp_path), *command], check=True, timeout=60
        )
    assert _found(tmp_path) == set()


def test_a_snapshot_leaves_no_trace(tmp_path: Path) -> None:
    with init(tmp_path) as repo:
        step = {"type": "step_started", "step_id": "1", "name": "n", "step_type": "tool_node"}
        done = {"type": "step_completed", "step_id": "1", "duration_ms": 1, "output": None}
        done["output"] = SHORT.decode()
        repo.events.append_batch("x", "acme", [step, done])
        repo.state.load_fresh("x")
        repo.events.append("x", "acme", {"type": "execution_cancelled", "reason": "enough"})
        cache = tmp_path / ".aivcs" / "cache.db"
        assert SHORT in cache.read_bytes()
        assert not repo.runs.purge("x").traces
        assert _found(tmp_path) == set()


def test_a_state_store_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with init(tmp_path) as repo:
        repo.events.append("x", "acme", {"type": "execution_cancelled", "reason": "enough"})
        cache = tmp_path / ".aivcs" / "cache.db"
        (cache / "odd").mkdir(parents=True)
        assert repo.runs.purge("x").traces
        (cache / "odd").rmdir()
        cache.rmdir()
        assert not repo.runs.purge("x").traces
