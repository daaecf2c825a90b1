from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.repo import init, open_repo
from aivcs.testing.objects import noise
from aivcs.testing.subject import add_spec, by, end, note

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.domain.digest import Digest
    from aivcs.domain.report import Problem, Report


@dataclass(frozen=True)
class Sealed:
    """A closed repository: 400 documents, a run and a release in a pack, and a large file."""

    place: Path
    spec: Digest
    run_id: str
    documents: list[Digest]

    @property
    def pack(self) -> Path:
        (path,) = (self.place / ".aivcs" / "objects" / "packs").iterdir()
        return path

    @property
    def large(self) -> Path:
        (path,) = (self.place / ".aivcs" / "objects" / "large").rglob("*.zst")
        return path

    def verify(self, *, structure: bool = False) -> Report:
        with open_repo(self.place) as repo:
            return repo.verify(structure=structure)

    def problems(self, kind: str, *, structure: bool = False) -> list[Problem]:
        """Return what is wrong of a kind; there is something wrong."""
        report = self.verify(structure=structure)
        assert not report.ok
        return [one for one in report.problems if one.kind == kind]


@pytest.fixture
def packed(tmp_path: Path) -> Sealed:
    with init(tmp_path) as repo:
        spec = add_spec(repo)
        run_id = repo.runs.create_run(spec, RunMetadata("agent"))
        repo.runs.append_events(run_id, [note(1), note(2, "a long body " * 1000), note(3)])
        end(repo, run_id, RunStatus.COMPLETED)
        repo.releases.promote("agent", spec, by())
        many = (
            b'{"document": %d, "text": "%b"}' % (n, noise(300, n).hex().encode())
            for n in range(400)
        )
        documents = repo.objects.put_many(many, pin=True)
        assert repo.seal().packs == 1
        repo.objects.put(noise(150_000), pin=True)
        assert repo.verify().problems == ()
    return Sealed(tmp_path, spec, run_id, documents)


def flip(path: Path, at: int, mask: int = 1) -> None:
    """Change a byte of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= mask
    path.chmod(0o644)
    path.write_bytes(data)
