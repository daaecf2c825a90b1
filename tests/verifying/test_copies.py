"""Copies of the process find what one process alone would find."""
# ruff: noqa: S608 - the statements are made of constants of this file

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.copies import LedgerOfProcess
from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.domain.digest import Digest
from aivcs.errors import CorruptionError
from aivcs.repo import open_repo
from aivcs.services import check_content, check_hot
from tests.reseal import edit
from tests.verifying.conftest import flip

if TYPE_CHECKING:
    from aivcs.domain.report import Report
    from tests.verifying.conftest import Sealed

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

_HOT = [b"a small one, number %d" % number for number in range(1700)]


@pytest.fixture
def mixed(packed: Sealed) -> Sealed:
    """Return a repository with hot objects on several pages, too."""
    with open_repo(packed.place) as repo:
        repo.objects.put_many(_HOT, pin=True)
    return packed


def row(data: bytes) -> str:
    return f"digest = x'{Digest.of(data).raw.hex()}'"


def plant(mixed: Sealed, *statements: str) -> None:
    edit(mixed.place / ".aivcs" / "aivcs.db", *statements)


def by_copies(mixed: Sealed, monkeypatch: pytest.MonkeyPatch) -> Report:
    """Verify with three processes."""
    with monkeypatch.context() as patch:
        patch.setattr(threading, "active_count", lambda: 1)
        patch.setattr(os, "cpu_count", lambda: 3)
        patch.setattr(check_content, "_WORTH_SPREADING", 0)
        return mixed.verify()


def test_what_is_in_order_is_counted(mixed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    report = by_copies(mixed, monkeypatch)
    assert report.problems == ()
    assert report == mixed.verify()


def test_every_kind_of_damage(mixed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    flip(mixed.pack, 3000)
    flip(mixed.large, 1000)
    plant(
        mixed,
        f"UPDATE hot SET data = x'00', codec = 0 WHERE {row(_HOT[3])}",
        f"UPDATE hot SET data = x'00', codec = 1 WHERE {row(_HOT[1600])}",
        f"UPDATE hot SET size = 1 WHERE {row(_HOT[601])}",
        f"DELETE FROM hot WHERE {row(_HOT[1100])}",
        f"UPDATE sealed SET start = start + 1 WHERE digest = x'{mixed.documents[0].raw.hex()}'",
    )
    report = by_copies(mixed, monkeypatch)
    assert {"pack", "object", "reference"} <= {one.kind for one in report.problems}
    named = {one.id for one in report.problems}
    assert {str(Digest.of(_HOT[n])) for n in (3, 601, 1600, 1100)} <= named
    assert str(mixed.documents[0]) in named
    assert report == mixed.verify()


def test_a_row_that_cannot_be_read(mixed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(mixed, *(f"UPDATE hot SET codec = 9 WHERE {row(_HOT[n])}" for n in (1, 1500)))
    report = by_copies(mixed, monkeypatch)
    assert {str(Digest.of(_HOT[n])) for n in (1, 1500)} == {
        one.id for one in report.problems if one.kind == "object"
    }


def test_a_copy_that_cannot_open_the_ledger(mixed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it should have done is done by others."""
    real = LedgerOfProcess.__call__

    def failing(self: LedgerOfProcess) -> object:
        if (found := real(self)) is not self._ledger:
            raise OSError
        return found

    monkeypatch.setattr(LedgerOfProcess, "__call__", failing)
    assert by_copies(mixed, monkeypatch) == mixed.verify()


def test_a_check_of_the_ledger_that_meets_unreadable_pages(
    mixed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The content is read all the same."""
    flip(mixed.large, 1000)

    def fail(*_: object) -> list[str]:
        msg = "a page is malformed"
        raise CorruptionError(msg)

    with open_repo(mixed.place) as repo:
        monkeypatch.setattr(repo._ledger, "check", fail)
        monkeypatch.setattr(repo._ledger, "dangling", fail)
        monkeypatch.setattr(repo._ledger, "backlog", fail)
        report = repo.verify()
    ledger, damaged = report.problems
    assert (ledger.kind, ledger.detail) == ("ledger", "a page is malformed")
    assert damaged.kind == "object"
    assert report.checked == mixed.verify().checked


@pytest.mark.parametrize("cell", [(b"x" * 32, "1", 1), (b"", None, 0), (None, 0, 0), (b"", 0, 9)])
def test_rows_of_cells_that_cannot_be(cell: tuple[object, ...]) -> None:
    """None of them passes for sound; what is wrong is found when it is read again."""
    ledger = MemoryLedger()
    ledger.hot_rows = lambda *_: [(*cell, b"")]  # type: ignore[method-assign]
    assert check_hot.in_order(ledger, 0) is None
