"""What is damaged in packs is named, with what that breaks."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.digest import Digest
from aivcs.domain.report import Severity
from aivcs.domain.spec import read_component_document
from aivcs.repo import init, open_repo
from aivcs.services import check_content
from aivcs.services.check_blocks import spans
from tests.reseal import edit
from tests.verifying.conftest import flip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.verifying.conftest import Sealed


def _rest(packed: Sealed) -> int:
    """Count the objects of the pack that are no documents."""
    with open_repo(packed.place) as repo:
        return repo._ledger.packs()[0].objects - len(packed.documents)


def test_all_is_read_whoever_reads_it(packed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    rest = _rest(packed)
    found = packed.verify()
    monkeypatch.setattr(check_content, "_WORTH_SPREADING", 0)
    assert packed.verify() == found
    assert found.problems == ()
    assert found.checked == {"objects": 401 + rest, "runs": 1, "events": 3, "releases": 1}
    assert packed.verify(structure=True).checked["objects"] == 401 + rest


def test_a_damaged_block_names_its_objects_and_what_they_break(packed: Sealed) -> None:
    with open_repo(packed.place) as repo:
        places = repo._ledger.objects(packed.documents)
        hit = places[packed.documents[150]].place
        assert hit is not None
        wanted = {d for d, one in places.items() if one.place and one.place.block == hit.block}
    data = bytearray(packed.pack.read_bytes())
    data[hit.block.offset + 4 : hit.block.offset + 50] = bytes(46)
    packed.pack.chmod(0o644)
    packed.pack.write_bytes(data)
    found = packed.problems("object")
    assert {Digest.parse(one.id) for one in found} == wanted
    assert all(one.breaks == ("a pinned object",) for one in found)
    (pack,) = packed.problems("pack")
    assert pack.id == packed.pack.stem
    assert packed.verify(structure=True).ok


def test_a_missing_pack_names_all_that_needs_it(packed: Sealed) -> None:
    rest = _rest(packed)
    packed.pack.unlink()
    for structure in (False, True):
        (pack,) = packed.problems("pack", structure=structure)
        assert "missing" in pack.detail
        assert len(packed.problems("object", structure=structure)) == len(packed.documents) + rest
    found = {one.id: one for one in packed.problems("object")}
    assert f"document of spec {packed.spec.short()} (agent)" in found[str(packed.spec)].breaks
    assert "release agent@1" in found[str(packed.spec)].breaks
    assert any(f"body of run {packed.run_id} #2" in one.breaks for one in found.values())


def test_a_file_of_a_spec_is_named_by_its_path(packed: Sealed) -> None:
    with open_repo(packed.place) as repo:
        document = repo.specs.get(packed.spec).components["prompts"]
        assert document is not None
        (file,) = read_component_document(repo.objects.get(document))
    edit(
        packed.place / ".aivcs" / "aivcs.db",
        f"UPDATE sealed SET start = start + 1 WHERE digest = x'{file.digest}'",  # noqa: S608
    )
    (found,) = packed.problems("object")
    assert found.id == str(file.digest)
    assert f"prompts/{file.path} of spec {packed.spec.short()}" in found.breaks
    assert "release agent@1" in found.breaks


@pytest.mark.parametrize(
    ("damage", "at_once"),
    [
        (lambda path: os.truncate(path, path.stat().st_size - 7), True),
        (lambda path: os.truncate(path, 10), True),
        (lambda path: os.truncate(path, 0), True),
        (lambda path: path.write_bytes(bytes(path.stat().st_size)), True),
        (lambda path: flip(path, -1), True),
        (lambda path: flip(path, -100), True),
        (lambda path: flip(path, 0), True),
        (lambda path: flip(path, 60), False),
    ],
)
def test_a_pack_that_is_not_what_it_was(
    packed: Sealed, damage: Callable[[Path], None], *, at_once: bool
) -> None:
    packed.pack.chmod(0o644)
    damage(packed.pack)
    (found,) = packed.problems("pack")
    assert found.id == packed.pack.stem
    assert packed.verify(structure=True).ok is not at_once


def test_one_changed_byte_damages_only_what_it_is_part_of(packed: Sealed) -> None:
    flip(packed.pack, packed.pack.stat().st_size // 3)
    assert 1 <= len(packed.problems("object")) < 100


def test_a_damaged_footer_hides_no_object(packed: Sealed) -> None:
    flip(packed.pack, -20)
    report = packed.verify()
    assert [one.kind for one in report.problems] == ["pack"]
    flip(packed.pack, packed.pack.stat().st_size // 3)
    assert packed.problems("object")


def test_the_bytes_of_another_pack(packed: Sealed, tmp_path: Path) -> None:
    with init(tmp_path / "other") as other:
        other.objects.put_many([b"one", b"two"], pin=True)
        other.seal()
    (path,) = (tmp_path / "other" / ".aivcs" / "objects" / "packs").iterdir()
    packed.pack.chmod(0o644)
    shutil.copyfile(path, packed.pack)
    assert packed.problems("pack", structure=True) or packed.problems("index", structure=True)
    assert len(packed.problems("object")) >= len(packed.documents)


@pytest.mark.parametrize("at", ["body", "footer"])
def test_dead_bytes_that_changed(packed: Sealed, at: str) -> None:
    """What nobody reads is no object's damage, but the pack is not what was published."""
    with open_repo(packed.place) as repo:
        footer = repo.objects.packs.footer(Digest.parse(packed.pack.stem))
        block = footer.blocks[-1]
        dead = [
            Digest(raw) for raw, number, *_ in footer.places() if number == len(footer.blocks) - 1
        ]
        for digest in dead:
            repo.objects.delete(digest, force=True)
        report = repo.verify()
        assert [one for one in report.problems if one.kind in {"object", "pack", "index"}] == []
    flip(packed.pack, block.offset + 30 if at == "body" else -1)
    assert packed.problems("pack")
    assert packed.problems("object") == []


def test_a_pack_that_no_row_lists_is_a_warning(packed: Sealed) -> None:
    stray = packed.pack.with_name(f"{'0' * 64}.pack")
    shutil.copyfile(packed.pack, stray)
    report = packed.verify()
    assert report.ok
    ((kind, name, severity),) = [(one.kind, one.id, one.severity) for one in report.problems]
    assert (kind, name, severity) == ("blob", f"packs/{stray.name}", Severity.WARNING)
    with open_repo(packed.place) as repo, repo._ledger.upkeep(wait=True) as alone:
        assert alone
        with open_repo(packed.place) as other:
            assert other.verify().problems == ()


def test_who_cannot_ask_who_is_at_upkeep_verifies_all_the_same(packed: Sealed) -> None:
    shutil.copyfile(packed.pack, packed.pack.with_name(f"{'0' * 64}.pack"))
    locks = packed.place / ".aivcs" / "tmp"
    shutil.rmtree(locks, ignore_errors=True)
    locks.touch()
    report = packed.verify()
    assert report.ok
    assert report.checked["objects"]
    assert report.problems == ()


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE blocks SET length = length + 1", "index"),
        ("UPDATE packs SET objects = objects + 1", "index"),
        (
            "UPDATE sealed SET start = start + 1 WHERE digest = (SELECT min(digest) FROM sealed)",
            "object",
        ),
        ("UPDATE blocks SET id = id + 1000 WHERE id = (SELECT max(id) FROM blocks)", "index"),
    ],
)
def test_an_index_that_disagrees(packed: Sealed, statement: str, kind: str) -> None:
    edit(packed.place / ".aivcs" / "aivcs.db", statement)
    assert packed.problems(kind)
    assert packed.problems(kind, structure=True)


def test_spans_cover_every_block_once(packed: Sealed) -> None:
    with open_repo(packed.place) as repo:
        footer = repo.objects.packs.footer(Digest.parse(packed.pack.stem))
    for size in (1, 20_000, 10**9):
        found = list(spans(3, footer, size))
        assert [one.first for one in found] == [0, *(one.last for one in found[:-1])]
        assert found[-1].last == len(footer.blocks)
        assert {one.pack for one in found} == {3}
    assert len(list(spans(0, footer, 1))) == len(footer.blocks) > 3
