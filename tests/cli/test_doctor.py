"""``aivcs doctor``: what it looks at, and what it says of what is wrong."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import aivcs
from aivcs.adapters.files import health
from aivcs.adapters.sqlite import medium
from aivcs.domain.run import RunMetadata
from aivcs.errors import NoRepository, StorageError
from aivcs.repo import examine, now
from aivcs.testing.subject import add_spec, note

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program

NAMES = [
    "versions", "format", "config", "medium", "permissions", "space",
    "ledger", "objects", "cache", "leases", "unfinished", "clock",
]  # fmt: skip


def wrong(place: Path) -> dict[str, str]:
    """Return what is wrong, by name; each has a hint."""
    checks = [one for one in examine(place) if not one.ok]
    assert all(one.hint for one in checks)
    return {one.name: one.detail for one in checks}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    with aivcs.init(tmp_path) as repo:
        run_id = repo.runs.create_run(add_spec(repo), RunMetadata("helper"))
        repo.runs.append_event(run_id, note(1))
    return tmp_path


def test_all_is_well(here: Program) -> None:
    rows = here.json("doctor")
    assert [row["name"] for row in rows] == NAMES
    assert all(list(row) == ["name", "ok", "detail", "hint"] for row in rows)
    assert all(row["ok"] and row["detail"] for row in rows)
    assert f"aivcs {aivcs.__version__}" in rows[0]["detail"]
    text = here.good("doctor").text
    assert [line.split()[0] for line in text.splitlines()[1:]] == NAMES
    assert "WRONG" not in text


def test_it_leaves_nothing(place: Path) -> None:
    folder = place / ".aivcs"
    before = {path: path.stat().st_size for path in folder.rglob("*")}
    assert not wrong(place)
    after = {path: path.stat().st_size for path in folder.rglob("*")}
    assert after.keys() - before.keys() <= {folder / "cache.db"}
    assert before.items() <= after.items()


def test_no_repository(program: Program, tmp_path: Path) -> None:
    assert program.fail("doctor") == (10, "no_repository")
    with pytest.raises(NoRepository):
        examine(tmp_path, upward=False)


def test_the_environment_chooses(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIVCS_DIR", str(place))
    monkeypatch.chdir("/")
    assert str(place) in examine()[1].detail


def test_what_is_wrong_is_told(here: Program) -> None:
    config = here.json("init")["repository"] + "/config.toml"
    with open(config, "a", encoding="utf-8") as file:  # noqa: PTH123 - a text is at hand
        file.write("[cloud]\n")
    said = here("doctor")
    assert said.status == 7
    assert "WRONG" in said.text
    assert "config: the tables are" in said.err
    rows = here("doctor", "--json").json
    assert [row["name"] for row in rows if not row["ok"]] == ["config", "opening"]


def test_a_newer_format(place: Path) -> None:
    (place / ".aivcs" / "format").write_text("7\n")
    assert wrong(place).keys() == {"format"}
    assert "format 7" in wrong(place)["format"]


def test_a_ledger_that_is_none(place: Path) -> None:
    (place / ".aivcs" / "aivcs.db").write_bytes(b"no ledger" * 1000)
    assert wrong(place).keys() == {"opening"}


def test_a_damaged_ledger(place: Path) -> None:
    path = place / ".aivcs" / "aivcs.db"
    data = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as database:
        pages = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'refs'")
        start = (pages.fetchone()[0] - 1) * 8192
    data[start : start + 40] = bytes(40)
    path.write_bytes(data)
    assert "damaged" in wrong(place)["ledger"]


def test_a_ledger_that_was_removed(tmp_path: Path) -> None:
    with aivcs.init(tmp_path) as repo:
        (tmp_path / ".aivcs" / "aivcs.db").unlink()
        checks = {one.name: one for one in repo.examined()}
        assert "removed" in checks["ledger"].detail
        assert checks["objects"].ok


def test_a_cache_that_cannot_be_made(place: Path) -> None:
    (place / ".aivcs" / "cache.db").mkdir()
    assert wrong(place).keys() == {"cache"}


def test_a_damaged_cache_is_made_anew(place: Path) -> None:
    path = place / ".aivcs" / "cache.db"
    path.write_bytes(b"no cache" * 1000)
    assert not wrong(place)
    assert path.read_bytes().startswith(b"SQLite format 3")


def test_an_engine_that_loses_data(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apsw.sqlite_lib_version", lambda: "3.51.2")
    assert wrong(place).keys() == {"versions", "opening"}


def test_a_network_file_system(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(medium, "_file_system", lambda *_: "nfs4")
    assert wrong(place).keys() == {"medium", "opening"}


def test_a_disk_that_is_nearly_full(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "free_bytes", lambda _: 1000)
    found = wrong(place)
    assert found.keys() == {"space", "objects"}
    assert found["space"] == f"only 1000 bytes are free for {place / '.aivcs'}"


def test_a_file_of_somebody_else(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = os.access

    def access(path: Path, mode: int) -> bool:
        return path.name != "config.toml" and mine(path, mode)

    monkeypatch.setattr(os, "access", access)
    assert wrong(place)["permissions"].endswith("config.toml")


@pytest.mark.parametrize("name", ["large", ".zst"])
def test_an_object_that_nobody_may_read(
    place: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with aivcs.open(place) as repo:
        repo.objects.put(bytes(200_000))
    mine = os.access

    def access(path: Path, mode: int) -> bool:
        return not path.name.endswith(name) and mine(path, mode)

    assert not wrong(place)
    monkeypatch.setattr(os, "access", access)
    assert wrong(place)["permissions"].endswith(name)


def test_a_folder_that_takes_no_file(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, os.strerror(30))

    monkeypatch.setattr(health, "write_all", refuse)
    assert "read-only file system" in wrong(place)["objects"]
    assert not list(place.rglob(".probe*"))


def test_a_clock_that_went_back(place: Path) -> None:
    checks = {one.name: one for one in examine(place, clock=lambda: now() - timedelta(hours=1))}
    assert not checks["clock"].ok
    assert "newest run" in checks["clock"].detail
    assert "clock" not in wrong(place)


KILLED = """
import os, signal, sys
import aivcs
from aivcs.adapters.files import staged
repo = aivcs.open(sys.argv[1])
repo.objects.put(b"held")
blob = repo._blobs.stage()
blob.write(b"unfinished")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left(place: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(place)], check=False)
    assert done.returncode == -9
    checks: dict[str, Any] = {one.name: one for one in examine(place)}
    assert checks["leases"].detail == "1 of dead processes"
    assert checks["unfinished"].detail == "1 files of 10 bytes"
    assert all(checks[name].ok and checks[name].hint for name in ("leases", "unfinished"))
    with aivcs.open(place) as repo:
        assert repo.gc().freed_on_disk >= 10
    assert {one.name: one for one in examine(place)}["leases"].detail == "0 of dead processes"


def test_an_air_gapped_repository(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIVCS_AIR_GAPPED", "1")
    assert not wrong(place)
    config = place / ".aivcs" / "config.toml"
    config.write_text('[objects]\nurl = "s3://bucket"\n', encoding="utf-8")
    assert wrong(place).keys() == {"opening"}
    assert "network forbidden" in examine(place)[2].detail


def test_in_memory_all_is_well() -> None:
    with aivcs.open("memory:") as repo:
        assert [one.name for one in repo.examined()] == NAMES[6:]
        assert all(one.ok for one in repo.examined())
    with pytest.raises(StorageError):
        repo.state.health_check()
