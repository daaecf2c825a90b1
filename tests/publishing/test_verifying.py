"""What is published is held against the ledger, and the ledger against what was published."""
# ruff: noqa: S608 - the statements are made of constants of this file

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import apsw
import pytest

from aivcs.domain.commitment import stored_leaf
from aivcs.domain.log_rows import ENTRY
from aivcs.domain.merkle import Frontier
from aivcs.domain.published import UNSIGNED
from aivcs.domain.report import Severity
from aivcs.errors import InvalidInputError, ProofInvalid
from aivcs.repo import keys as repo_keys
from aivcs.repo import open_repo
from tests.publishing.subject import CHECKPOINT, head, log, promote
from tests.publishing.test_repository import finish
from tests.reseal import edit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs.domain.report import Problem

SIZE = 5


@pytest.fixture(params=["unsigned", "signed"])
def book(request: pytest.FixtureRequest, place: Path) -> Path:
    """Return a repository of 5 releases of two agents and 2 runs, all published."""
    with open_repo(place) as repo:
        if request.param == "signed":
            repo_keys.create(repo.name_logs("example.com/agents"))
        finish(repo, 2)
        promote(repo, 3)
        promote(repo, 2, "other")
        assert repo.verify().ok
    return place


def problems(place: Path, **asked: object) -> tuple[Problem, ...]:
    with open_repo(place) as repo:
        return repo.verify(objects=False, **asked).problems  # type: ignore[arg-type]


def published(place: Path) -> Iterator[Path]:
    yield from sorted(path for path in (place / ".aivcs" / "log").rglob("*") if path.is_file())


def test_a_flipped_byte_is_named_by_its_file(book: Path) -> None:
    missed = []
    for path in published(book):
        data = path.read_bytes()
        name = f"log/{path.relative_to(book / '.aivcs' / 'log').as_posix()}"
        step = 11 if path.name == CHECKPOINT else max(1, len(data) // 12)
        for at in range(0, len(data), step):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            found = {problem.id for problem in problems(book)}
            if name not in found:
                missed.append((name, at))
        path.write_bytes(data)
    assert missed == []
    assert problems(book) == ()


@pytest.mark.parametrize("log_name", ["releases", "runs"])
def test_signatures_that_were_taken_away_are_missed(book: Path, log_name: str) -> None:
    path = log(book, log_name) / CHECKPOINT
    found = head(book, log_name)
    bare = replace(found.checkpoint, extensions=())
    path.write_bytes(bare.signed().data())
    ((one),) = problems(book)
    assert (one.id, one.severity) == (f"log/{log_name}/{CHECKPOINT}", Severity.ERROR)
    assert one.detail == "nobody has signed it, and it does not say so"
    path.write_bytes(replace(bare, extensions=(UNSIGNED,)).signed().data())
    said = [one.detail for one in problems(book) if one.severity is Severity.WARNING]
    assert len(said) == bool(found.note.signatures)
    assert all(one.endswith("the key of the log is here; 'aivcs publish' signs it") for one in said)
    path.write_bytes(replace(bare, origin="x.org/releases", extensions=(UNSIGNED,)).signed().data())
    ((one),) = problems(book)
    assert one.detail == "it is of the log x.org/releases, and nobody signed it"
    with open_repo(book) as repo:
        repo.publish()
    assert head(book, log_name) == found
    assert problems(book) == ()


def test_what_is_missing_or_too_much_is_named(book: Path) -> None:
    folder = log(book)
    bundle = folder / "tile" / "entries" / "000.p" / "5"
    data = bundle.read_bytes()
    bundle.unlink()
    ((found),) = problems(book)
    assert (found.kind, found.id) == ("log", "log/releases/tile/entries/000.p/5")
    assert found.detail == "it is missing"
    bundle.write_bytes(data)
    for name in ("tile/0/000.p/6", "tile/0/001", "tile/2/000.p/1"):
        extra = folder / name
        extra.parent.mkdir(parents=True, exist_ok=True)
        extra.write_bytes(b"x")
        ((found),) = problems(book)
        assert found.id == f"log/releases/{name}"
        assert "entries that the ledger does not have" in found.detail
        extra.unlink()
    (folder / "index.html").write_bytes(b"for people")
    assert problems(book) == ()
    (folder / CHECKPOINT).unlink()
    assert problems(book) == ()


def test_a_log_that_is_behind_is_sound(book: Path) -> None:
    old = (log(book) / CHECKPOINT).read_bytes()
    with open_repo(book) as repo:
        promote(repo, 300)
        (log(book) / CHECKPOINT).write_bytes(old)
        assert repo.verify(objects=False).ok
        repo.publish()
        assert head(book).checkpoint.size == SIZE + 300
        assert repo.verify(objects=False).ok


def reseal(path: Path, *statements: str) -> None:
    """Edit rows as somebody does who knows of checksums and of the trees of logs."""
    edit(path, *statements)
    database = apsw.Connection(str(path))
    triggers = database.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    guards = triggers.fetchall()
    for name, _ in guards:
        database.execute(f"DROP TRIGGER {name}")
    streams = database.execute("SELECT id FROM streams WHERE family = 'release'").fetchall()
    for (stream,) in streams:
        rows = database.execute(
            f"SELECT {ENTRY} FROM entries WHERE stream = ? ORDER BY seq", (stream,)
        )
        tree = Frontier().grown(stored_leaf(*row[:-1]) for row in rows)
        database.execute("UPDATE streams SET frontier = ? WHERE id = ?", (tree.packed(), stream))
    for _, sql in guards:
        database.execute(str(sql))
    database.close()


BODY = "body = replace(body, 'ann', 'eve')"


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE entries SET {BODY} WHERE seq = 1 AND kind = 'promote'",
        "UPDATE entries SET timestamp = timestamp + 1 WHERE kind = 'promote' AND seq = 2",
        "UPDATE entries SET recorded_at = recorded_at + 1 WHERE kind = 'promote' AND seq = 3",
        "UPDATE entries SET salt = zeroblob(16) WHERE kind = 'promote' AND seq = 2",
        "UPDATE entries SET kind = 'rollback' WHERE kind = 'promote' AND seq = 3",
        "UPDATE streams SET name = 'renamed' WHERE name = 'other'",
        "UPDATE release_log SET id = id + 10; UPDATE release_log SET id = 16 - id",
    ],
)
def test_every_row_edit_of_a_release_is_named(book: Path, statement: str) -> None:
    reseal(book / ".aivcs" / "aivcs.db", *statement.split("; "))
    found = problems(book)
    assert {"log/releases/checkpoint", "log/releases/tile/0/000.p/5"} <= {one.id for one in found}


def test_a_saved_checkpoint_shows_that_the_log_grew_out_of_it(book: Path) -> None:
    saved = {name: (log(book, name) / CHECKPOINT).read_text() for name in ("releases", "runs")}
    with open_repo(book) as repo:
        promote(repo, 2)
        finish(repo)
        for text in saved.values():
            assert repo.verify(against=text).ok
        assert repo.verify(against=head(book)).ok
    reseal(
        book / ".aivcs" / "aivcs.db",
        f"UPDATE entries SET {BODY} WHERE seq = 1 AND kind = 'promote'",
    )
    for path in published(book):
        path.unlink()
    # The ledger is sound in itself; only who remembers can tell.
    assert problems(book) == ()
    (found,) = problems(book, against=saved["releases"])
    assert (found.kind, found.id) == ("log", "log/releases")
    assert "its first 5 entries are not those that the ledger has" in found.detail
    assert problems(book, against=saved["runs"]) == ()


def test_a_ledger_that_was_set_back_is_named(book: Path) -> None:
    file = book / ".aivcs" / "aivcs.db"
    before = file.read_bytes()
    with open_repo(book) as repo:
        promote(repo)
    saved = head(book)
    file.write_bytes(before)
    details = {problem.id: problem.detail for problem in problems(book, against=saved)}
    assert "it has 6 entries, and the ledger has 5" in details["log/releases/checkpoint"]
    assert "the checkpoint that was saved: it has 6" in details["log/releases"]


def test_a_checkpoint_of_another_log_is_refused(book: Path) -> None:
    text = (log(book) / CHECKPOINT).read_text()
    with open_repo(book) as repo:
        with pytest.raises(InvalidInputError, match="the checkpoint is of the log other/x"):
            repo.verify(against=f"other/x\n{text.partition(chr(10))[2]}")
        with pytest.raises(ProofInvalid, match="not a signed note"):
            repo.verify(against=f"{text}x\n\ny")
        with pytest.raises(InvalidInputError, match="each by itself"):
            repo.verify(against=text, runs=False)


def test_a_log_that_got_its_name_later_grew_out_of_the_one_without(place: Path) -> None:
    with open_repo(place) as repo:
        promote(repo, 2)
        saved = head(place)
        repo.name_logs("example.com/agents")
        promote(repo)
        assert head(place).checkpoint.origin != saved.checkpoint.origin
        assert repo.verify(against=saved).ok
        (log(place) / CHECKPOINT).write_bytes(b"damaged")
        assert [one.id for one in repo.verify(against=saved).problems] == [
            "log/releases/checkpoint"
        ]


def test_what_a_power_cut_left_unwritten_is_no_damage_and_is_written_again(book: Path) -> None:
    sound = {path: path.read_bytes() for path in published(book)}
    for path, data in sound.items():
        for left in (b"", bytes(len(data))):
            path.write_bytes(left)
            ((found),) = problems(book)
            assert found.id == f"log/{path.relative_to(book / '.aivcs' / 'log').as_posix()}"
            assert found.severity is Severity.WARNING
            assert "aivcs publish" in found.detail
            with open_repo(book) as repo:
                assert repo.verify(objects=False).ok
                repo.publish(rebuild=True)
            assert problems(book) == ()
            assert {one: one.read_bytes() for one in published(book)} == sound
        path.write_bytes(data[:-1])
        assert any(one.severity is Severity.ERROR for one in problems(book))
        path.write_bytes(data)
