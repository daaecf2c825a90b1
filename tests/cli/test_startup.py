from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import aivcs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program

HEAVY = (
    "rich", "tomllib", "subprocess", "pathspec", "blake3", "zstandard", "hypothesis", "obstore",
    "cryptography", "sqlite_utils", "multiprocessing", "asyncio", "concurrent",
)  # fmt: skip
DRIVERS = ("apsw", "sqlite3", "aivcs.repo", "aivcs.domain")
ASK = """
import sys
from aivcs.cli.main import main
status = main(sys.argv[1:])
print(*sorted(sys.modules), file=sys.stderr)
sys.exit(status)
"""


def _plain() -> dict[str, str]:
    """Return the environment without what makes a measurement of coverage load modules."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}


def _loaded(*args: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", ASK, *args],
        capture_output=True,
        text=True,
        check=True,
        env=_plain(),
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("args", [("--version",), ("--help",), ("run", "--help")])
def test_what_needs_no_repository_loads_none(args: tuple[str, ...]) -> None:
    loaded = _loaded(*args)
    assert not loaded.intersection(HEAVY)
    assert not loaded.intersection(DRIVERS)
    assert not [name for name in loaded if name.startswith("aivcs.services")]


def test_reading_loads_nothing_heavy(here: Program, run: str, spec: str) -> None:
    here.good("promote", "helper", spec)
    for args in (("current", "helper"), ("history", "helper"), ("run", "show", run)):
        loaded = _loaded(*args)
        assert "apsw" in loaded
        assert not loaded.intersection(HEAVY)
        assert "aivcs.trajectories" not in loaded


def test_an_object_is_read_without_what_runs_and_releases_need(here: Program) -> None:
    digest = here.good("object", "put", "-", stdin=b"read me").text.split()[0]
    for wanted in (digest, digest[:8]):
        loaded = _loaded("object", "get", wanted, "-o", "copy")
        assert "aivcs.services.finding" in loaded
        assert not loaded.intersection(
            {"aivcs.domain.run", "aivcs.domain.release", "aivcs.services.releases"}
        )


def test_the_package_alone_is_cheap() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import aivcs, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        env=_plain(),
    )
    ours = {name for name in done.stdout.split() if name.startswith("aivcs")}
    assert ours == {"aivcs", "aivcs.errors"}


READ = """
import sys
import aivcs
with aivcs.open(sys.argv[1]) as repo:
    for call in (repo.objects.get, lambda one: list(repo.objects.get_many([one]))):
        call(sys.argv[2])
print(*sys.modules)
"""
UNREAD = (
    "dataclasses", "inspect", "datetime", "tomllib", "subprocess", "concurrent", "blake3",
    "aivcs.domain.batch", "aivcs.domain.run", "aivcs.adapters.sqlite.writes",
    "aivcs.adapters.sqlite.schema", "aivcs.services.storing",
)  # fmt: skip


def test_reading_an_object_loads_nothing_that_writes(tmp_path: Path) -> None:
    """Hot or sealed: opening a large repository to read one object is to take 50 ms."""
    with aivcs.init(tmp_path) as repo:
        digest = repo.objects.put(b"read me" * 100, pin=True)
        hot = _read(tmp_path, digest)
        repo.seal()
        sealed = _read(tmp_path, digest)
    assert {"apsw", "zstandard"} <= hot & sealed
    assert "aivcs.services.pack_read" in sealed - hot
    assert not (hot | sealed).intersection(UNREAD)


def _read(folder: Path, digest: aivcs.Digest) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", READ, str(folder), str(digest)],
        capture_output=True,
        text=True,
        check=True,
        env=_plain(),
    )
    return set(done.stdout.split())
