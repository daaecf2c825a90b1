"""Giving space back: also where the file cannot shrink it comes to an end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from aivcs.repo import init, open_repo
from aivcs.testing.objects import noise

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_that_keeps_its_free_pages_is_left(tmp_path: Path) -> None:
    with init(tmp_path) as repo:
        repo.objects.put_many(noise(3000, number) for number in range(50))
    database = apsw.Connection(str(tmp_path / ".aivcs" / "aivcs.db"))
    database.execute("PRAGMA auto_vacuum=NONE; VACUUM")
    database.close()
    steps: list[None] = []

    def advance() -> None:
        steps.append(None)
        assert len(steps) < 10, "it goes on for ever"

    with open_repo(tmp_path) as repo:
        for digest in repo.objects.list():
            repo.objects.delete(digest)
        repo._ledger.compact(advance)
        assert repo.verify().ok
    assert len(steps) == 1
