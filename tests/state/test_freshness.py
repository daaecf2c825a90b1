"""Snapshots and the logs they are of, also one that was restored from a copy."""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.cache import CachedStates
from aivcs.domain.execution_snapshot import Freshness
from aivcs.errors import StorageError
from aivcs.repo import init, open_repo
from aivcs.testing.state_freshness import StateFreshnessContract, begin, completed, started
from aivcs.testing.state_store import NOON, snapshot_of

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.testing.state_store import OpenWith


class TestInMemory(StateFreshnessContract):
    @pytest.fixture
    def opened(self, in_memory: OpenWith) -> OpenWith:
        return in_memory


class TestOnDisk(StateFreshnessContract):
    @pytest.fixture
    def opened(self, on_disk: OpenWith) -> OpenWith:
        return on_disk


@pytest.fixture
def restored(tmp_path: Path) -> tuple[Path, str]:
    """Return a repository whose ledger is older than the snapshot of its run."""
    with init(tmp_path) as repo:
        run_id = begin(repo, started("a"), completed("a", "1"))
    folder = tmp_path / ".aivcs"
    shutil.copy(folder / "aivcs.db", tmp_path / "copy.db")
    with open_repo(tmp_path) as repo:
        repo.runs.append_events(run_id, [started("lost"), completed("lost", "x")])
        repo.state.save_snapshot(snapshot_of(run_id, 4, step_outputs={"lost": "x"}))
        assert repo.state.freshness(run_id) is Freshness.FRESH
    for suffix in ("-wal", "-shm"):
        (folder / f"aivcs.db{suffix}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "copy.db", folder / "aivcs.db")
    return tmp_path, run_id


@pytest.mark.parametrize("more", [0, 1, 2, 5])
def test_a_log_that_was_restored(restored: tuple[Path, str], more: int) -> None:
    place, run_id = restored
    with open_repo(place) as repo:
        repo.runs.append_events(run_id, [started("lost"), completed("lost", "y")] * 3)
        repo.runs.append_events(run_id, [started(f"new{number}") for number in range(more)])
        assert repo.state.freshness(run_id) is Freshness.INVALID
        found = repo.state.load_fresh(run_id)
        assert found is not None
        assert found.step_outputs == {"a": "1", "lost": "y"}
        assert repo.state.freshness(run_id) is Freshness.FRESH


def test_the_same_events_again_are_others(restored: tuple[Path, str]) -> None:
    place, run_id = restored
    with open_repo(place, clock=lambda: NOON) as repo:
        repo.runs.append_events(run_id, [started("lost"), completed("lost", "x")])
        assert repo.state.freshness(run_id) is Freshness.INVALID
        assert repo.state.save_snapshot(snapshot_of(run_id, 3))
        assert repo.state.freshness(run_id) is Freshness.BEHIND


def test_a_snapshot_of_another_tenant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with init(tmp_path) as repo:
        run_id = begin(repo, started("a"))
        repo.state.save_snapshot(snapshot_of(run_id, 1, tenant_id="acme"))
        real = repo._ledger.stream

        def of_zeta(*args: object) -> object:
            from dataclasses import replace

            head = real(*args)  # type: ignore[arg-type]
            assert head is not None
            return replace(head, tenant="zeta")

        monkeypatch.setattr(repo._ledger, "stream", of_zeta)
        assert repo.state.freshness(run_id) is Freshness.INVALID
        found = repo.state.load_fresh(run_id)
        assert found is not None
        assert found.tenant_id == "zeta"


def test_where_nothing_can_be_kept_the_log_is_folded(tmp_path: Path) -> None:
    with init(tmp_path) as repo:
        (tmp_path / ".aivcs" / "cache.db").mkdir()
        run_id = begin(repo, started("a"), completed("a", "1"))
        found = repo.state.load_fresh(run_id)
        assert found is not None
        assert found.step_outputs == {"a": "1"}
        with pytest.raises(StorageError):
            repo.state.save_snapshot(found)


def test_the_peaks_of_another_version(tmp_path: Path) -> None:
    with init(tmp_path) as repo:
        run_id = begin(repo, started("a"))
        repo.state.save_snapshot(snapshot_of(run_id, 1))
        with closing(CachedStates(tmp_path / ".aivcs" / "cache.db")) as cache:
            kept = cache.snapshot(run_id)
            assert kept is not None
            from dataclasses import replace

            cache.keep_snapshot(replace(kept, history=b"odd"), force=False)
        assert repo.state.freshness(run_id) is Freshness.INVALID
        assert repo.state.save_snapshot(snapshot_of(run_id, 1))
        assert repo.state.freshness(run_id) is Freshness.FRESH
