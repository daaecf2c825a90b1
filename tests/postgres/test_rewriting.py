"""What was erased or deleted is in no file of the server's tables any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.postgres import rewriting
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.repo import init
from aivcs.testing.collecting import litter
from aivcs.testing.objects import noise
from aivcs.testing.owning import ledger_of
from aivcs.testing.subject import add_spec, end, note

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs.repo import Repo
    from tests.postgres.server import PostgresServer

WORDS = "what Ann Onymous told the agent "
_LOCK = "LOCK TABLE aivcs.entries IN ACCESS SHARE MODE"
_LOOK = "SELECT 1"


@pytest.fixture
def repo(postgres: PostgresServer, database: str, tmp_path: Path) -> Iterator[Repo]:
    with postgres.connect(database) as db:
        db.execute("UPDATE aivcs.repository SET objects = %s", (_place(tmp_path),))
    with init(tmp_path, ledger=postgres.url(database)) as repo:
        yield repo


def _place(folder: Path) -> str:
    from socket import gethostname

    return f"files:{gethostname()}:{folder / '.aivcs' / 'objects'}"


@pytest.fixture
def ended(repo: Repo) -> str:
    """Return an ended run with short and long bodies, in the log and early."""
    run_id = repo.runs.create_run(add_spec(repo), RunMetadata("agent"))
    for seq in (*range(1, 12), 13):
        repo.runs.append_event(run_id, note(seq, {"to": WORDS}))
    long = WORDS + noise(1500, 1).hex()
    repo.runs.append_event(run_id, note(None, {"to": long}))
    repo.runs.append_event(run_id, note(20, {"early": WORDS}))
    end(repo, run_id, RunStatus.FAILED)
    return run_id


def files_with_it(postgres: PostgresServer) -> list[str]:
    with postgres.connect() as db:
        db.execute("CHECKPOINT")
    base = postgres._data / "base"
    found = (path for path in base.rglob("*") if path.is_file())
    return [path.name for path in found if WORDS.encode() in path.read_bytes()]


def test_erased_bodies(repo: Repo, ended: str, postgres: PostgresServer) -> None:
    assert files_with_it(postgres)
    assert not repo.runs.purge(ended).traces
    assert files_with_it(postgres) == []
    assert repo.verify().ok


def test_deleted_objects(repo: Repo, postgres: PostgresServer) -> None:
    """Also beside one that stays."""
    stays = repo.objects.put(b"stays", pin=True)
    litter(repo, *(f"{WORDS}{number}".encode() for number in range(20)))
    assert files_with_it(postgres)
    assert repo.gc().objects == 20
    assert files_with_it(postgres) == []
    assert repo.objects.get(stays) == b"stays"


@pytest.mark.parametrize("what", [_LOCK, _LOOK], ids=["locks", "looks"])
def test_somebody_reads_meanwhile(
    repo: Repo,
    ended: str,
    postgres: PostgresServer,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    """Bodies are erased, and bytes may be left; a later purge clears them."""
    monkeypatch.setattr(rewriting, "WAIT_SECONDS", 0.1)
    with postgres.connect(database) as db:
        db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        db.execute(what.encode())
        assert repo.runs.purge(ended).traces
        assert {event.erased for event in repo.runs.get_events(ended)} == {True}
        assert not ledger_of(repo).compact()
        assert files_with_it(postgres)
        db.execute("COMMIT")
    assert not repo.runs.purge(ended).traces
    assert files_with_it(postgres) == []
