from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw
import pytest

from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.repo import init, open_repo
from aivcs.testing.objects import noise
from aivcs.testing.subject import add_spec, by, end, note

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.domain.digest import Digest
    from aivcs.domain.repair import Repaired
    from aivcs.domain.report import Report

LARGE = noise(150_000)
LATER = b'{"hot": "stored after the sealing"}'
STATE = b'{"a state": 1}'


@dataclass(frozen=True)
class Scene:
    """A closed repository whose objects are in all tiers, and a second copy of it."""

    place: Path
    copy: Path
    contents: dict[Digest, bytes]

    @property
    def folder(self) -> Path:
        return self.place / ".aivcs"

    @property
    def pack(self) -> Path:
        (path,) = (self.folder / "objects" / "packs").iterdir()
        return path

    @property
    def large(self) -> Path:
        (path,) = (self.folder / "objects" / "large").rglob("*.zst")
        return path

    def sql(self, *statements: str) -> None:
        """Change rows as somebody who has taken the guards away for good."""
        database = apsw.Connection(str(self.folder / "aivcs.db"))
        database.execute("PRAGMA foreign_keys=OFF")
        guards = database.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall()
        for name, _ in guards:
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            database.execute(statement)
        there = {row[0] for row in database.execute("SELECT name FROM sqlite_schema")}
        for _, sql in guards:
            if str(sql).split(" ON ")[1].split()[0] in there:
                database.execute(str(sql))
        database.close()

    def verify(self) -> Report:
        with open_repo(self.place) as repo:
            return repo.verify()

    def repair(self, *sources: Path, dry_run: bool = False) -> Repaired:
        with open_repo(self.place) as repo:
            return repo.repair(sources, dry_run=dry_run)

    def check_whole(self) -> None:
        """Show that nothing is damaged and every object can be read."""
        with open_repo(self.place) as repo:
            report = repo.verify()
            assert [one for one in report.problems if one.kind != "blob"] == []
            for digest, data in self.contents.items():
                assert repo.objects.get(digest) == data

    def quarantined(self) -> list[Path]:
        return sorted((self.folder / "quarantine").iterdir())


def flip(path: Path, at: int, mask: int = 1) -> None:
    """Change a byte of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= mask
    path.chmod(0o644)
    path.write_bytes(data)


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the repository once."""
    place = tmp_path_factory.mktemp("pattern")
    with init(place) as repo:
        spec = add_spec(repo)
        run = repo.runs.create_run(spec, RunMetadata("agent"))
        repo.runs.append_events(run, [note(1), note(2, "a long body " * 1000), note(3)])
        end(repo, run, RunStatus.FAILED, repo.objects.put(STATE))
        repo.releases.promote("agent", spec, by())
        small = (
            b'{"document": %d, "text": "%b"}' % (n, noise(60, n).hex().encode()) for n in range(300)
        )
        repo.objects.put_many(small, pin=True)
        assert repo.seal().objects
        repo.objects.put(LARGE, pin=True)
        repo.objects.put(LATER, pin=True)
    return place


@pytest.fixture
def scene(pattern: Path, tmp_path: Path) -> Scene:
    place, copy = tmp_path / "place", tmp_path / "copy"
    shutil.copytree(pattern, place)
    shutil.copytree(pattern, copy)
    with open_repo(place) as repo:
        contents = dict(repo.objects.get_many(repo.objects.list()))
    return Scene(place, copy, contents)
