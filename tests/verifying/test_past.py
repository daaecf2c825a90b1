# ruff: noqa: S608 - the statements are made of ids of this test
from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.merkle import Frontier
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.domain.saved import Saved
from aivcs.domain.stream import Family
from aivcs.domain.trust import Trusted
from aivcs.errors import InvalidInputError
from aivcs.repo import init, open_repo
from aivcs.testing.subject import add_spec, by, end, note
from tests.reseal import edit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aivcs.domain.report import Report
    from aivcs.repo import Repo

PART = {"runs": True, "releases": True, "objects": False}


class Book:
    """A repository of two ended runs, two that go on (one with an early event), a release."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.ids: dict[str, str] = {}
        with init(place) as repo:
            spec = add_spec(repo)
            for name in ("one", "two", "open", "late"):
                self.ids[name] = run_id = repo.runs.create_run(spec, RunMetadata("agent"))
                repo.runs.append_events(run_id, [note(n, {"of": name}) for n in range(1, 6)])
            repo.runs.append_event(self.ids["late"], note(9))
            end(repo, self.ids["one"], RunStatus.COMPLETED)
            end(repo, self.ids["two"], RunStatus.FAILED)
            repo.releases.promote("agent", spec, by())

    @property
    def file(self) -> Path:
        return self.place / ".aivcs" / "aivcs.db"

    def verify(self, **asked: Any) -> Report:
        with open_repo(self.place) as repo:
            return repo.verify(**{**PART, **asked})

    def do(self, action: Callable[[Repo], object]) -> None:
        with open_repo(self.place) as repo:
            action(repo)

    def edit(self, *statements: str) -> None:
        edit(self.file, *statements)

    def found(self, **asked: Any) -> list[tuple[str, str, str]]:
        """Return what is wrong; the ids of runs by their names here."""
        names = {run_id: name for name, run_id in self.ids.items()}
        report = self.verify(**asked)
        errors = [one for one in report.problems if one.severity.value == "error"]
        assert report.ok is not bool(errors)
        return [(one.kind, names.get(one.id, one.id), one.detail) for one in errors]


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "book")


def test_what_is_saved_is_held_still(book: Book, tmp_path: Path) -> None:
    first = book.verify(keep=True).saved
    assert first is not None
    assert first.logs is not None
    assert (first.seals, len(first.logs)) == (2, 5)
    assert Saved.parse(first.text()) == first
    assert Saved.parse(first.short) == Saved(2, first.root)
    assert Saved.parse(f" {first.short}\n").logs is None
    plain = book.verify().saved
    assert plain == Saved(2, first.root)
    for known in (first, first.text(), first.short):
        assert book.found(against=known) == []

    def goes_on(repo: Repo) -> None:
        repo.runs.append_events(book.ids["open"], [note(6), note(7)])
        repo.runs.append_events(book.ids["late"], [note(n) for n in (6, 7, 8)])
        end(repo, book.ids["late"], RunStatus.COMPLETED)
        spec = repo.releases.promote("agent", add_spec(repo, "Be brief."), by()).spec_digest
        end(repo, repo.runs.create_run(spec, RunMetadata("agent")), RunStatus.CANCELLED)
        repo.runs.purge(book.ids["one"])

    book.do(goes_on)
    for known in (first, first.text(), first.short):
        assert book.found(against=known) == []
    again = book.verify(save=tmp_path / "saved").saved
    assert again is not None
    assert (tmp_path / "saved").read_text() == again.text()
    assert again.seals == 4


def test_a_ledger_that_was_set_back_is_sound_but_not_what_was_saved(
    book: Book, tmp_path: Path
) -> None:
    copy = shutil.copytree(book.place, tmp_path / "copy")

    def goes_on(repo: Repo) -> None:
        repo.runs.append_event(book.ids["open"], note(6))
        end(repo, book.ids["open"], RunStatus.COMPLETED)
        repo.runs.append_events(book.ids["late"], [note(6), note(7)])
        spec = repo.releases.current("agent").spec_digest  # type: ignore[union-attr]
        book.ids["new"] = repo.runs.create_run(spec, RunMetadata("agent"))
        repo.releases.promote("agent", spec, by())

    book.do(goes_on)
    saved = book.verify(keep=True).saved
    assert saved is not None
    book.place = copy
    assert book.found() == []
    found = book.found(against=saved)
    assert ("run", "open", "it was saved with 6 entries: 6 missing") in found
    assert ("run", "late", "it was saved with 7 entries: 6 to 7 missing") in found
    assert ("run", "new", "it was saved, and is missing") in found
    assert ("release", "agent", "it was saved with 2 entries: 2 missing") in found
    gone = ("ledger", "aivcs.db", "3 ended runs were saved, 1 of them are missing")
    assert gone in found
    assert book.found(against=saved.short) == [gone]


def _forged(repo: Repo, book: Book) -> Frontier:
    """Return the tree of ``open`` as one has it who knows how it is grown."""
    ledger = repo._ledger
    from aivcs.domain.commitment import leaf_of

    return Frontier().grown(leaf_of(e) for e in ledger.entries(Family.RUN, book.ids["open"]))


def test_an_editor_who_knows_how_trees_are_grown(book: Book) -> None:
    saved = book.verify(keep=True).saved
    name = book.ids["open"]
    where = f"stream = (SELECT id FROM streams WHERE name = '{name}')"
    book.edit(f"UPDATE entries SET body = '{{}}' WHERE seq = 2 AND {where}")
    assert book.found() == [
        ("run", "open", "its entries are not those that its tree was grown from")
    ]
    with open_repo(book.place) as repo:
        tree = _forged(repo, book).packed().hex()
    book.edit(f"UPDATE streams SET frontier = x'{tree}' WHERE name = '{name}'")
    assert book.found() == []
    assert book.found(against=saved) == [
        ("run", "open", "its first 5 entries are not those that were saved")
    ]


def test_rows_that_no_tree_covers(book: Book) -> None:
    saved = book.verify(keep=True).saved
    late, going = book.ids["late"], book.ids["open"]
    of = "(SELECT id FROM streams WHERE name = '{}')".format
    book.edit(
        f"UPDATE early SET body = '[]' WHERE stream = {of(late)}",
        f"UPDATE runs SET tags = '[1]' WHERE stream = {of(going)}",
        f"UPDATE streams SET state = 'Paused' WHERE name = '{going}'",
    )
    assert book.found() == []
    assert sorted(book.found(against=saved)) == [
        ("run", "late", "at early event 9: it is not the one that was saved"),
        ("run", "open", "it is Paused, but was saved as Running"),
        ("run", "open", "what it began with is not what was saved"),
    ]
    book.edit(f"DELETE FROM early WHERE stream = {of(late)}")
    wanted = ("run", "late", "at early event 9: it is not the one that was saved")
    assert wanted in book.found(against=saved)


def test_another_history_of_ended_runs(book: Book, tmp_path: Path) -> None:
    other = Book(tmp_path / "other")
    saved = other.verify(keep=True).saved
    assert saved is not None
    found = book.found(against=saved)
    assert ("ledger", "aivcs.db", "the first 2 ended runs are not those that were saved") in found
    assert sum(detail == "it was saved, and is missing" for *_, detail in found) == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "x:00",
        "2:00",
        f"2:{'g' * 64}",
        "{}",
        "[]",
        '{"form": 1, "checksum": 2}',
        "{",
        '{"a":' * 50_000,
    ],
)
def test_what_was_never_saved(book: Book, text: str) -> None:
    with pytest.raises(InvalidInputError, match="not what 'aivcs verify --save' writes"):
        book.verify(against=text)


def test_a_saved_file_that_was_changed(book: Book) -> None:
    saved = book.verify(keep=True).saved
    assert saved is not None
    found = json.loads(saved.text())
    found["seals"]["size"] = 1
    with pytest.raises(InvalidInputError):
        Saved.parse(json.dumps(found))


@pytest.mark.parametrize(
    "asked",
    [
        {"incremental": True, "keep": True},
        {"keep": True, "sample": 50},
        {"against": f"0:{'0' * 64}", "structure": True},
        {"incremental": True, "runs": False},
        {"keep": True, "releases": False},
    ],
)
def test_what_cannot_be_asked_together(book: Book, asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="all logs"):
        book.verify(**asked)


def test_an_incremental_verification_reads_what_is_new(book: Book) -> None:
    checked = {"objects": 0, "runs": 4, "events": 20, "releases": 1}
    assert book.verify(incremental=True).checked == checked
    nothing = {"objects": 0, "runs": 2, "events": 0, "releases": 1}
    assert book.verify(incremental=True).checked == nothing

    def goes_on(repo: Repo) -> None:
        repo.runs.append_events(book.ids["open"], [note(6), note(7)])
        end(repo, book.ids["open"], RunStatus.COMPLETED)
        repo.runs.append_event(book.ids["late"], note(6))

    book.do(goes_on)
    assert book.verify(incremental=True).checked == {**nothing, "events": 3}
    assert book.verify(incremental=True).checked == {**nothing, "runs": 1}
    assert book.verify().ok
    assert book.verify(incremental=True).checked == {**nothing, "runs": 1}
    book.do(lambda repo: repo.runs.purge(book.ids["open"]))
    assert book.verify(incremental=True).ok


def test_without_a_cache_it_reads_everything(book: Book) -> None:
    assert book.verify().ok
    cache = book.place / ".aivcs" / "cache.db"
    for content in (None, b"", b"nonsense" * 1000):
        if content is None:
            cache.unlink()
        else:
            cache.write_bytes(content)
        assert book.verify(incremental=True).checked["events"] == 20
        assert book.verify(incremental=True).checked["events"] == 0


def test_what_was_seen_is_read_again_after_damage(book: Book) -> None:
    assert book.verify().ok
    book.do(lambda repo: repo.runs.append_event(book.ids["open"], note(6)))
    where = f"stream = (SELECT id FROM streams WHERE name = '{book.ids['open']}')"
    book.edit(f"UPDATE entries SET kind = 'else' WHERE seq = 6 AND {where}")
    wrong = ("run", "open", "its entries are not those that its tree was grown from")
    assert book.found(incremental=True) == book.found(incremental=True) == [wrong]


def test_an_incremental_one_finds_another_past(book: Book) -> None:
    assert book.verify().ok
    name = book.ids["open"]
    where = f"stream = (SELECT id FROM streams WHERE name = '{name}')"
    book.edit(f"UPDATE entries SET body = '{{}}' WHERE seq = 2 AND {where}")
    assert book.found(incremental=True) == []  # what was seen is trusted
    with open_repo(book.place) as repo:
        tree = _forged(repo, book).packed().hex()
    book.edit(f"UPDATE streams SET frontier = x'{tree}' WHERE name = '{name}'")
    assert book.found(incremental=True) == [
        ("run", "open", "its entries are not those that its tree was grown from")
    ]


def test_an_incremental_one_finds_what_is_missing(book: Book, tmp_path: Path) -> None:
    before = shutil.copytree(book.place, tmp_path / "before")

    def goes_on(repo: Repo) -> None:
        repo.runs.append_event(book.ids["open"], note(6))
        end(repo, book.ids["late"], RunStatus.FAILED)
        spec = repo.runs.get_run(book.ids["open"]).spec_digest
        assert spec is not None
        book.ids["new"] = repo.runs.create_run(spec, RunMetadata("agent"))

    book.do(goes_on)
    assert book.verify().ok
    shutil.copy(before / ".aivcs" / "aivcs.db", book.file)
    found = book.found(incremental=True)
    assert ("run", "open", "it has 5 events, and 6 were seen before") in found
    assert ("run", "new", "it was seen before, and is missing") in found
    assert ("ledger", "aivcs.db", "3 ended runs were seen before; the last of them is missing") in (
        found
    )


def test_an_incremental_one_compares_the_last_seal(book: Book) -> None:
    assert book.verify().ok
    book.edit("UPDATE seals SET hash = zeroblob(32) WHERE id = 2")
    assert book.found(incremental=True) == [
        ("run", "two", "seal 2 is not the one that was seen before")
    ]


def test_a_run_that_ended_without_a_seal(book: Book) -> None:
    assert book.verify().ok
    book.do(lambda repo: end(repo, book.ids["open"], RunStatus.FAILED))
    book.edit("DELETE FROM seals WHERE id = 3")
    assert book.found(incremental=True) == [("run", "open", "it has ended, but is not sealed")]


def test_the_text_of_what_is_trusted() -> None:
    trusted = Trusted(3, b"x" * 32, {(Family.RUN, "a b"): Frontier().grown([b"y" * 32] * 5)})
    text = trusted.text()
    assert Trusted.parse(text) == trusted
    assert Trusted.parse(text.replace("3", "4")) is None
    assert Trusted.parse("") is None
    from aivcs.domain.trust import _checksum

    for said in ("[]", "5", '[1, "zz", []]', '[1, "00", [["run", "a", 2, ""]]]'):
        assert Trusted.parse(f"{_checksum(said)} {said}") is None


def test_a_release_that_spoils_its_page_is_named(tmp_path: Path) -> None:
    book = Book(tmp_path)
    saved = book.verify(keep=True).saved
    book.do(lambda repo: repo.releases.promote("agent", add_spec(repo, "Be brief."), by()))
    book.edit("UPDATE entries SET body = CAST(x'ff' AS TEXT) WHERE kind = 'promote' AND seq = 2")
    report = book.verify(against=saved)
    assert not report.ok
    said = [one.detail for one in report.problems if (one.kind, one.id) == ("release", "agent")]
    assert said[0].startswith("at seq 2: ")
    assert "UTF-8" in said[0]
