from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program

LEDGER = "hint: the ledger is damaged itself; restore aivcs.db from a copy"


def _damage(program: Program, tmp_path: Path) -> str:
    (tmp_path / "big").write_bytes(b"0123456789abcdef" * 20_000)
    digest = program.json("object", "put", "big")[0]["digest"]
    assert isinstance(digest, str)
    shutil.copytree(tmp_path / ".aivcs", tmp_path / "copy" / ".aivcs")
    (file,) = (p for p in (tmp_path / ".aivcs" / "objects").rglob("*") if p.is_file())
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1])
    return digest


def test_nothing_to_repair(here: Program) -> None:
    assert here.good("repair").text == "ok: nothing to repair\n"
    assert here.json("repair") == {
        "ok": True,
        "healed": [],
        "unhealed": [],
        "quarantined": [],
        "discarded": [],
        "rebuilt": 0,
        "dry_run": False,
        "packs_rewritten": 0,
        "unreadable": [],
    }


def test_what_cannot_be_healed(here: Program, tmp_path: Path) -> None:
    digest = _damage(here, tmp_path)
    said = here("repair", "--json")
    assert said.status == 6
    (left,) = said.json["unhealed"]
    assert list(left) == ["digest", "detail", "breaks"]
    assert (left["digest"], left["breaks"]) == (digest, ["a pinned object"])
    text = here("repair")
    assert text.status == 6
    assert text.text.startswith(f"not healed: object {digest} ")
    assert text.text.splitlines()[-1] == "DAMAGED: 1 error left"
    assert text.err == "hint: 'aivcs repair --from DIR' heals from a copy of the repository\n"
    assert text.text.count("this breaks a pinned object") == 1


def test_healed_from_a_copy(here: Program, tmp_path: Path) -> None:
    digest = _damage(here, tmp_path)
    would = here.good("repair", "--from", "copy", "--dry-run").text
    assert would == f"would be set aside: {digest}.zst\nok: 1 object would be healed\n"
    assert here("verify").status == 6
    lines = here.good("repair", "--from", "copy").text.splitlines()
    assert lines[0].startswith("set aside: ")
    assert lines[0].endswith(f"{digest}.zst")
    assert lines[1:] == ["ok: 1 object healed"]
    here.good("verify")
    assert here.fail("repair", "--from", "nowhere") == (10, "no_repository")
    assert "copies come from a repository's folder" in here("repair", "--from", "nowhere").err


@pytest.mark.parametrize("at", [0, -1])
def test_a_pack_that_is_rewritten(here: Program, tmp_path: Path, at: int) -> None:
    here.good("object", "put", "-", stdin=b"a document")
    here.good("seal")
    (file,) = (tmp_path / ".aivcs" / "objects" / "packs").iterdir()
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.chmod(0o644)
    file.write_bytes(data)
    would = here.good("repair", "--dry-run")
    lines = [f"would be set aside: {file.name}", "ok: 1 pack would be rewritten"]
    assert would.text.splitlines() == lines
    found = here.json("repair", "--dry-run")
    assert (found["packs_rewritten"], found["quarantined"]) == (1, [file.name])
    assert not (tmp_path / ".aivcs" / "quarantine").exists()
    first, last = here.good("repair").text.splitlines()
    assert first.startswith("set aside: ")
    assert first.endswith(file.name)
    assert last == "ok: 1 pack rewritten"
    here.good("verify")


def test_a_file_that_is_set_aside(here: Program, tmp_path: Path) -> None:
    packs = tmp_path / ".aivcs" / "objects" / "packs"
    packs.mkdir(parents=True)
    (packs / f"{'4' * 64}.pack").write_bytes(b"")
    assert here.good("repair").text.splitlines()[-1] == "ok: 1 file set aside"


def test_much_is_told_in_part(here: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from aivcs.domain.repair import Repaired, Unhealed

    many = tuple(Unhealed(None, f"row {n}") for n in range(70))
    found = Repaired((), many, tuple(map(str, range(60))))
    monkeypatch.setattr("aivcs.repo.Repo.repair", lambda *_, **__: found)
    said = here("repair")
    assert said.status == 6
    assert len(said.text.splitlines()) == 101
    assert said.err == f"20 more; --json has all\n10 more; --json has all\n{LEDGER}\n"


def test_a_damaged_ledger_comes_from_a_copy(here: Program, tmp_path: Path) -> None:
    here.good("object", "put", "-", stdin=b"a document")
    path = tmp_path / ".aivcs" / "aivcs.db"
    data = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as database:
        pages = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'refs'")
        start = (pages.fetchone()[0] - 1) * 8192
    data[start : start + 40] = bytes(40)
    path.write_bytes(data)
    assert here("verify").err == "hint: 'aivcs repair' heals what has a second copy\n"
    said = here("repair")
    assert (said.status, said.err) == (6, f"{LEDGER}\n")
    assert here("repair", "--dry-run").err == said.err
