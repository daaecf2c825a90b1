"""A ledger that somebody edited is evidence of nothing: no result is left out or made up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apsw
import pytest

from aivcs.domain.checksum import COLUMNS, LENGTH, checksum
from aivcs.domain.commitment import stored_leaf
from aivcs.domain.log_rows import ENTRY
from aivcs.domain.merkle import Frontier
from aivcs.domain.stream import Family
from aivcs.errors import CorruptionError, IntegrityError
from aivcs.repo import init, open_repo
from aivcs.testing.evidence import result
from aivcs.testing.owning import ledger_of
from aivcs.testing.subject import add_spec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs.domain.digest import Digest


class Edited:
    """A repository with evidence, and its ledger without guards."""

    def __init__(self, place: Path) -> None:
        self.place = place
        with init(place) as repo:
            self.spec = add_spec(repo)
            self.other = add_spec(repo, "Be brief.")
            given = [result(n, passed=n != 2) for n in range(1, 4)]
            self.run_id = repo.evidence.record(self.spec, given)
        self.db = apsw.Connection(str(place / ".aivcs" / "aivcs.db"))
        for (name,) in self.db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'"):
            self.db.execute(f"DROP TRIGGER {name}")

    def mend_entries(self) -> list[bytes]:
        """Give every entry the checksum of what it says now; return the leaves."""
        leaves = []
        rows: list[Any] = self.db.execute(
            f"SELECT {ENTRY} FROM entries ORDER BY seq"  # noqa: S608
        ).fetchall()
        for seq, *cells, _ in rows:
            leaf = stored_leaf(seq, *cells)
            leaves.append(leaf)
            self.db.execute("UPDATE entries SET checksum = ? WHERE seq = ?", (leaf[:LENGTH], seq))
        return leaves

    def mend(self, table: str) -> None:
        """Give the one row of a table the checksum of what it says now."""
        cells = self.db.execute(f"SELECT {COLUMNS[table]} FROM {table}").fetchone() or ()  # noqa: S608
        self.db.execute(f"UPDATE {table} SET checksum = ?", (checksum(*cells),))  # noqa: S608

    def refused(self, spec: Digest | None = None) -> str:
        """Return what is said of the evidence, which cannot be read."""
        self.db.close()
        with open_repo(self.place) as repo:
            with pytest.raises(CorruptionError) as caught:
                repo.evidence.of(spec or self.spec)
            with pytest.raises(CorruptionError):
                repo.evidence.list()
            assert not repo.verify().ok
        return caught.value.message


@pytest.fixture
def edited(tmp_path: Path) -> Iterator[Edited]:
    scene = Edited(tmp_path)
    yield scene
    scene.db.close()


BETTER = "UPDATE entries SET body = replace(body, 'false', 'true') WHERE seq = 2"


def test_a_result_that_was_edited(edited: Edited) -> None:
    edited.db.execute(BETTER)
    message = edited.refused()
    assert message.startswith(f"run {edited.run_id} cannot count as evidence: entry 2")


def test_a_result_that_was_edited_with_its_checksum(edited: Edited) -> None:
    edited.db.execute(BETTER)
    edited.mend_entries()
    assert "its events are not those that were sealed" in edited.refused()


def test_a_result_that_was_edited_with_its_tree(edited: Edited) -> None:
    edited.db.execute(BETTER)
    tree = Frontier().grown(edited.mend_entries())
    edited.db.execute("UPDATE streams SET frontier = ? WHERE family = 'run'", (tree.packed(),))
    edited.db.execute("UPDATE ends SET root = ?", (tree.root(),))
    edited.mend("ends")
    assert "its closing record is not the one sealed" in edited.refused()


@pytest.mark.parametrize("seq", [1, 2])
def test_a_result_that_was_taken_away(edited: Edited, seq: int) -> None:
    edited.db.execute("DELETE FROM entries WHERE seq = ?", (seq,))
    assert "an event is missing" in edited.refused()


def test_the_last_results_taken_away(edited: Edited) -> None:
    edited.db.execute("DELETE FROM entries WHERE seq >= 2")
    assert "its events are not those that were sealed" in edited.refused()


def test_a_kind_that_was_edited_hides_no_result(edited: Edited) -> None:
    edited.db.execute("UPDATE entries SET kind = 'note' WHERE seq = 2")
    edited.mend_entries()
    assert "its events are not those that were sealed" in edited.refused()


@pytest.mark.parametrize("statement", ["DELETE FROM seals", "UPDATE seals SET hash = zeroblob(32)"])
def test_a_seal_that_is_gone_or_another(edited: Edited, statement: str) -> None:
    edited.db.execute(statement)
    assert "its closing record is not the one sealed" in edited.refused()


def test_a_run_that_is_said_to_be_of_another_spec(edited: Edited) -> None:
    edited.db.execute("UPDATE runs SET spec = ?", (edited.other.raw,))
    edited.mend("runs")
    assert "its closing record is not the one sealed" in edited.refused(edited.other)


def test_a_body_that_is_gone(tmp_path: Path) -> None:
    with init(tmp_path) as repo:
        spec = add_spec(repo)
        run_id = repo.evidence.record(spec, [result("a", log="line " * 5000)])
        (entry,) = ledger_of(repo).entries(Family.RUN, run_id)
        assert entry.object is not None
        repo.objects.delete(entry.object, force=True)
        with pytest.raises(CorruptionError, match="the body of an entry is gone"):
            repo.evidence.of(spec)


def test_integrity_errors_end_the_program_with_their_own_status() -> None:
    assert IntegrityError.exit_code == 6
