"""Verification finds every planted damage and names it."""
# ruff: noqa: S608 - the statements are made of constants of this file

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import pytest

from aivcs.domain.batch import Batch
from aivcs.domain.checksum import COLUMNS
from aivcs.domain.digest import Digest
from aivcs.domain.log_writes import Expiry
from aivcs.domain.report import Severity
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.repo import init, open_repo
from aivcs.services.importing import Wanted
from aivcs.testing.objects import noise
from aivcs.testing.subject import add_spec, by, end, note
from tests.reseal import edit

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.domain.report import Report

_LARGE = noise(150_000)
_STATE = b'{"a state": 1}'
_BODY = "a long body " * 1000
_OTHER = "its entries are not those that its tree was grown from"
_ENTRY = "seq, kind, timestamp, recorded_at, body, object, salt"
_SEALED = {"tenant", "git_sha", "reason"}
"""What is NULL in a run, and would not fit to its seal otherwise."""


@dataclass(frozen=True)
class Scene:
    """A repository with one of everything, closed."""

    place: Path
    spec: Digest
    component: Digest
    run_id: str
    imported: str

    def plant(self, *statements: str) -> None:
        """Change rows as somebody who has taken the guards away, and mends the checksums."""
        edit(self.place / ".aivcs" / "aivcs.db", *statements)

    @property
    def large(self) -> Path:
        """Return the file of the large object."""
        (path,) = (self.place / ".aivcs" / "objects").rglob("*.zst")
        return path

    def verify(self) -> Report:
        with open_repo(self.place) as repo:
            return repo.verify()

    def findings(self) -> list[tuple[str, str, str]]:
        return [(one.kind, one.id, one.detail) for one in self.verify().problems]

    def problems(self) -> list[tuple[str, str, str]]:
        """Return the findings; they are damage, so the report is not ok."""
        report = self.verify()
        assert not report.ok
        return [(one.kind, one.id, one.detail) for one in report.problems]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    with init(tmp_path) as repo:
        spec = add_spec(repo)
        component = repo.specs.get(spec).components["prompts"]
        assert component is not None
        repo.objects.put(_LARGE, pin=True)
        run_id = repo.runs.create_run(spec, RunMetadata("agent"))
        repo.runs.append_events(run_id, [note(1), note(2, _BODY), note(3)])
        end(repo, run_id, RunStatus.FAILED, repo.objects.put(_STATE))
        (imported,) = repo.importer.record(
            b'{"kind": "note"}\n', Wanted(agent="x"), default_spec=lambda _: repo.specs.get(spec)
        ).runs
        for text in ("Be helpful.", "Be brief.", "Be kind."):
            repo.releases.promote("agent", add_spec(repo, text), by())
        repo.releases.rollback("agent")
        report = repo.verify()
    assert (report.ok, report.problems) == (True, ())
    assert report.checked == {"objects": 13, "runs": 2, "events": 4, "releases": 4}
    return Scene(tmp_path, spec, component, run_id, imported.run_id)


def row(data: bytes) -> str:
    return f"digest = x'{Digest.of(data)}'"


def test_the_parts_that_are_asked_for(scene: Scene) -> None:
    with open_repo(scene.place) as repo:
        found = repo.verify(objects=False, runs=False, releases=True).checked
    assert found == {"objects": 0, "runs": 0, "events": 0, "releases": 4}


def test_a_changed_small_object(scene: Scene) -> None:
    scene.plant(f"UPDATE hot SET data = x'00', codec = 0 WHERE {row(_STATE)}")
    ((kind, digest, detail),) = scene.problems()
    assert (kind, digest) == ("object", str(Digest.of(_STATE)))
    assert f"this breaks final state of run {scene.run_id}" in detail


def test_what_is_pinned_or_held_is_said_in_words(scene: Scene) -> None:
    with open_repo(scene.place) as repo:
        digests = repo.objects.put(b"a pin", pin=True), repo.objects.put(b"a lease")
        scene.plant(f"UPDATE hot SET data = x'00' WHERE {row(b'a pin')} OR {row(b'a lease')}")
        details = {one.id: one.detail for one in repo.verify().problems}
    pinned, held = (details[str(digest)] for digest in digests)
    assert pinned.endswith("; this breaks a pinned object")
    assert f"; this breaks what process {os.getpid()} " in held
    assert held.endswith(" holds")


def test_a_size_or_encoding_that_is_wrong(scene: Scene) -> None:
    scene.plant(f"UPDATE hot SET size = size + 1 WHERE {row(_STATE)}")
    assert [(kind, name) for kind, name, _ in scene.problems()] == [
        ("object", str(Digest.of(_STATE)))
    ]
    scene.plant(f"UPDATE hot SET codec = 9 WHERE {row(_STATE)}")
    assert any("9" in detail for _, _, detail in scene.problems())


def test_a_large_file_that_is_missing(scene: Scene) -> None:
    scene.large.unlink()
    ((kind, digest, detail),) = scene.problems()
    assert (kind, digest) == ("object", str(Digest.of(_LARGE)))
    assert "missing" in detail


@pytest.mark.parametrize("at", [0, 10, 70_000, 150_000, -1])
def test_a_flipped_bit_in_a_large_file(scene: Scene, at: int) -> None:
    data = bytearray(scene.large.read_bytes())
    data[at] ^= 1
    scene.large.chmod(0o644)
    scene.large.write_bytes(data)
    assert [(kind, name) for kind, name, _ in scene.problems()] == [
        ("object", str(Digest.of(_LARGE)))
    ]


def test_a_stray_file_is_only_a_warning(scene: Scene) -> None:
    stray = scene.large.with_name("stray.zst")
    stray.write_bytes(b"left by somebody")
    report = scene.verify()
    assert report.ok
    ((kind, name, severity),) = [(one.kind, one.id, one.severity) for one in report.problems]
    assert (kind, severity) == ("blob", Severity.WARNING)
    assert name.endswith("stray.zst")


def test_what_a_spec_needs_and_is_missing(scene: Scene) -> None:
    scene.plant(f"DELETE FROM hot WHERE {row(b'Be helpful.')}")
    ((kind, name, detail),) = scene.problems()
    assert (kind, name) == ("spec", str(scene.spec))
    assert "prompts file system.md" in detail
    for digest in (scene.component, scene.spec):
        scene.plant(f"DELETE FROM hot WHERE digest = x'{digest}'")
        ((kind, name, detail),) = scene.problems()
        assert (kind, name) == ("spec", str(scene.spec))
        assert str(digest) in detail


def test_a_spec_that_is_no_longer_listed(scene: Scene) -> None:
    scene.plant("DELETE FROM surroundings", f"DELETE FROM specs WHERE digest = x'{scene.spec}'")
    found = scene.problems()
    assert [(kind, name) for kind, name, _ in found] == [
        ("run", scene.run_id),
        ("run", scene.imported),
        ("release", "agent"),
    ]
    assert all(str(scene.spec) in detail for _, _, detail in found)


def test_the_body_of_an_event_is_missing(scene: Scene) -> None:
    body = f'"{_BODY}"'.encode()
    scene.plant(f"DELETE FROM hot WHERE {row(body)}")
    ((kind, name, detail),) = scene.problems()
    assert (kind, name) == ("run", scene.run_id)
    assert str(Digest.of(body)) in detail


def test_every_missing_body_is_named(scene: Scene) -> None:
    with open_repo(scene.place) as repo:
        run_id = repo.runs.create_run(scene.spec, RunMetadata("agent"))
        repo.runs.append_events(run_id, [note(n, f"{n} {_BODY}") for n in (1, 2, 3, 5, 6, 9)])
    wanted = [f'"{n} {_BODY}"'.encode() for n in (1, 3, 5, 9)]
    scene.plant(*(f"DELETE FROM hot WHERE {row(body)}" for body in wanted))
    found = scene.problems()
    assert {(kind, name) for kind, name, _ in found} == {("run", run_id)}
    places = [detail.partition(":")[0] for _, _, detail in found]
    assert places == ["at event 1", "at event 3", "at early event 5", "at early event 9"]
    assert all(str(Digest.of(b)) in d for b, (_, _, d) in zip(wanted, found, strict=True))


@pytest.mark.parametrize("body", ["{", "NaN", "[1e999]"])
def test_an_early_body_that_is_not_json(scene: Scene, body: str) -> None:
    with open_repo(scene.place) as repo:
        run_id = repo.runs.create_run(scene.spec, RunMetadata("agent"))
        repo.runs.append_event(run_id, note(7))
    scene.plant(f"UPDATE early SET body = '{body}'")
    ((kind, name, detail),) = scene.problems()
    assert (kind, name) == ("run", run_id)
    assert "at early event 7: a stored body is not JSON" in detail


@pytest.mark.parametrize("put", [Path.mkdir, os.mkfifo])
def test_what_has_the_place_of_a_large_file(scene: Scene, put: Callable[[Path], None]) -> None:
    path = scene.large
    path.unlink()
    put(path)
    with open_repo(scene.place) as repo:
        report = repo.verify()
    assert report.checked["objects"] == 13
    (problem,) = [one for one in report.problems if one.kind == "object"]
    assert problem.id == str(Digest.of(_LARGE))
    assert "not a regular file" in problem.detail


def test_a_manifest_that_is_missing(scene: Scene) -> None:
    scene.plant(f"UPDATE specs SET manifest = zeroblob(32) WHERE digest = x'{scene.spec}'")
    ((kind, name, detail),) = scene.problems()
    assert (kind, name) == ("spec", str(scene.spec))
    assert f"its manifest {'0' * 64} is not stored" in detail


def test_one_row_of_an_object_that_cannot_be_read(scene: Scene) -> None:
    scene.plant(f"UPDATE hot SET codec = 9 WHERE {row(_STATE)}")
    with open_repo(scene.place) as repo:
        report = repo.verify()
    assert report.checked["objects"] == 13
    (problem,) = report.problems
    assert (problem.kind, problem.id) == ("object", str(Digest.of(_STATE)))
    assert "9 is not a valid Codec" in problem.detail


@pytest.mark.parametrize("body", ["{", "[]"])
def test_one_release_that_cannot_be_read(scene: Scene, body: str) -> None:
    scene.plant(f"UPDATE entries SET body = '{body}' WHERE kind = 'promote' AND seq = 2")
    (kind, name, detail), tree = scene.problems()
    assert (kind, name) == ("release", "agent")
    assert detail.startswith("at seq 2: ")
    assert tree == ("release", "agent", _OTHER)


def test_a_body_that_is_not_json(scene: Scene) -> None:
    scene.plant("UPDATE entries SET body = '{' WHERE id = 1")
    (kind, name, detail), tree = scene.problems()
    assert (kind, name) == ("run", scene.run_id)
    assert "JSON" in detail
    assert tree == ("run", scene.run_id, _OTHER)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"kind": "note"}\n', "its source"),
        (_STATE, "its state"),
        (_LARGE, "its pinned object"),
    ],
)
def test_what_is_needed_and_missing(scene: Scene, data: bytes, expected: str) -> None:
    scene.plant(f"DELETE FROM {'large' if data is _LARGE else 'hot'} WHERE {row(data)}")
    report = scene.verify()
    errors = [one for one in report.problems if one.severity is Severity.ERROR]
    assert not report.ok
    assert errors
    assert all(one.kind in {"run", "reference"} and expected in one.detail for one in errors)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET body = replace(body, '\"previous\":1', '\"previous\":null')",
        "UPDATE entries SET kind = 'promote' WHERE kind = 'rollback'",
        "UPDATE entries SET kind = 'demote' WHERE kind = 'rollback'",
        "UPDATE entries SET body = replace(body, '\"restores\":2', '\"restores\":1')",
        "UPDATE entries SET body = '[]' WHERE kind = 'rollback'",
        "UPDATE entries SET body = replace(body, '\"promoted_by\"', '\"other\"')",
        "DELETE FROM entries WHERE kind = 'promote' AND seq = 2",
        "DELETE FROM entries WHERE kind = 'rollback'",
    ],
)
def test_an_edited_release_log(scene: Scene, statement: str) -> None:
    scene.plant(statement)
    found = scene.problems()
    assert all(kind in {"release", "ledger", "log"} for kind, _, _ in found)
    assert any("agent" in name + detail for _, name, detail in found)


def test_a_head_that_counts_wrong(scene: Scene) -> None:
    scene.plant("UPDATE streams SET size = size + 5 WHERE family = 'release'")
    (kind, _, detail), (_, name, head) = scene.problems()
    assert kind == "ledger"
    assert "release agent counts 9 entries but has 4, the last with seq 4" in detail
    assert name == "agent"
    assert "no frontier of 9 leaves" in head


def test_an_event_that_was_removed(scene: Scene) -> None:
    scene.plant("DELETE FROM entries WHERE stream = 1 AND seq = 2")
    found = scene.problems()
    assert {kind for kind, _, _ in found} == {"ledger", "run"}
    assert ("run", scene.run_id, "event 2 is missing") in found


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM ends WHERE stream = 1",
        "UPDATE streams SET state = 'Running' WHERE id = 1",
        "UPDATE streams SET state = 'Cancelled' WHERE id = 1",
        "UPDATE streams SET frontier = zeroblob(length(frontier)) WHERE id = 1",
        "UPDATE ends SET root = zeroblob(32) WHERE stream = 1",
        "UPDATE seals SET hash = zeroblob(32) WHERE stream = 1",
        "UPDATE seals SET id = id + 1 WHERE id = (SELECT max(id) FROM seals)",
        "UPDATE entries SET body = '{}' WHERE id = 1",
        "UPDATE entries SET salt = zeroblob(16) WHERE id = 1",
        "UPDATE entries SET body = NULL, salt = NULL, commitment = zeroblob(32) WHERE id = 1",
        (
            "UPDATE entries SET seq = seq + 10 WHERE stream = 1 AND seq < 3;"
            "UPDATE entries SET seq = 13 - seq WHERE stream = 1 AND seq > 10"
        ),
        "UPDATE runs SET tags = '{' WHERE stream = 1",
        "UPDATE ends SET completed_at = 9000000000000000000 WHERE stream = 1",
        "UPDATE refs SET role = 'hobby' WHERE role = 'state'",
        "UPDATE entries SET timestamp = -9000000000000000000 WHERE id = 1",
    ],
)
def test_an_edited_run(scene: Scene, statement: str) -> None:
    scene.plant(statement)
    assert scene.problems()


def test_a_reference_to_nothing(scene: Scene) -> None:
    scene.plant("UPDATE refs SET stream = 99 WHERE role = 'state'")
    assert any("refs row" in detail for _, _, detail in scene.problems())


@pytest.mark.parametrize("name", ["entries", "entries_by_seq", "hot_by_digest", "streams"])
def test_a_page_that_was_overwritten(scene: Scene, name: str) -> None:
    path = scene.place / ".aivcs" / "aivcs.db"
    database = apsw.Connection(str(path))
    page = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).get
    database.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * 8192)
        file.write(noise(8192))
    assert "ledger" in {kind for kind, _, _ in scene.problems()}


_CELLS = [
    (table, column.strip())
    for table, columns in {**COLUMNS, "entries": _ENTRY, "early": _ENTRY}.items()
    for column in (*columns.split(","), "checksum")
]


@pytest.mark.parametrize(("table", "column"), _CELLS)
def test_a_change_that_leaves_the_checksum_is_found(scene: Scene, table: str, column: str) -> None:
    """Whatever flips in a row of the ledger is damage, and nothing made of it is handed out."""
    with open_repo(scene.place) as repo:
        spec = repo.specs.list()[0].digest
        run = repo.runs.create_run(spec, RunMetadata("bot", "c0ffee", environment={"a": "b"}))
        repo.runs.append_events(run, [note(3), note(5, {"long": _BODY})])
        start = repo.runs.create_run(spec, RunMetadata("bot"))
        end(repo, start, RunStatus.FAILED)
        repo._ledger.commit(Batch(expired=(Expiry(start, datetime.now(UTC)),)))
    given = {
        "tenant": "'acme'",
        "reason": "'why'",
        "git_sha": "'c0ffee'",
        "dirty": "0",
        "manifest": "zeroblob(32)",
    }
    where = f"rowid = (SELECT max(rowid) FROM {table} WHERE {column} IS NOT NULL)"
    flipped = (
        f"CASE typeof({column}) WHEN 'integer' THEN {column} + 1 WHEN 'text' THEN {column} || ' '"
        f" ELSE zeroblob(length({column})) END"
    )
    database = scene.place / ".aivcs" / "aivcs.db"
    if column in given:
        filled = f"UPDATE {table} SET {column} = {given[column]} WHERE {column} IS NULL"
        edit(database, filled, sealed=True)
    before = {detail for _, _, detail in scene.findings()}
    assert not before or column in {"manifest", *_SEALED}
    edit(database, f"UPDATE {table} SET {column} = {flipped} WHERE {where}", sealed=False)
    assert {detail for _, _, detail in scene.problems()} - before or column == "manifest"
