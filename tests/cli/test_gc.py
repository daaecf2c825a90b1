from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import aivcs
from aivcs.domain.blobname import large_name, pack_name
from aivcs.domain.digest import Digest
from aivcs.testing.collecting import LARGE, litter, texts
from aivcs.testing.objects import noise
from aivcs.testing.subject import add_spec

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program

NONE: dict[str, Any] = {
    "dry_run": False,
    "full": False,
    "objects": 0,
    "bytes": 0,
    "packs_rewritten": 0,
    "packs_dropped": 0,
    "files": 0,
    "freed_on_disk": 0,
    "kept": {"held": 0, "bytes": 0, "by": []},
    "expired": [],
    "removed": [],
    "problems": [],
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    aivcs.init(tmp_path).close()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_to_do(program: Program, place: Path) -> None:
    assert program.json("gc") == NONE
    assert program.json("gc", "--full", "--dry-run") == {**NONE, "dry_run": True, "full": True}
    assert program.good("gc").text == "nothing to remove\n"
    assert program.good("gc", "--dry-run").text == "nothing to remove\n"
    assert place.is_dir()


def test_what_goes_is_named_then_removed(program: Program, place: Path) -> None:
    with aivcs.open(place) as repo:
        small, large = litter(repo, b"small", noise(LARGE))
    said = program.json("gc", "--dry-run")
    assert said["removed"] == [
        {"id": str(digest), "bytes": size, "why": "not needed"}
        for digest, size in sorted([(small, 5), (large, LARGE)])
    ]
    text = program.good("gc", "--dry-run").text
    assert f"would go: {small}  5 bytes  not needed\n" in text
    assert text.endswith("2 objects of 136.7 KiB would be removed\n")
    done = program.json("gc")
    assert done["freed_on_disk"] > LARGE
    assert {**done, "freed_on_disk": 0} == {**NONE, "objects": 2, "bytes": LARGE + 5}
    with aivcs.open(place) as repo:
        litter(repo, noise(LARGE))
    lines = program.good("gc").text.splitlines()
    assert lines[0] == "1 object of 136.7 KiB removed"
    assert lines[1].endswith(" KiB freed on disk")


def test_packs_and_strays(program: Program, place: Path) -> None:
    with aivcs.open(place) as repo:
        digests = litter(repo, *texts(20))
        repo.objects.pin(digests[:10])
        repo.seal()
        digests = litter(repo, *texts(20, 100))
        repo.seal()
        with repo.objects.blobs.stage() as staged:
            staged.write(b"nobody's")
            staged.publish(large_name(Digest.of(b"nobody")))
    text = program.good("gc", "--dry-run").text
    for line in (
        "1 pack would be rewritten",
        "1 pack would be dropped",
        "1 stray file would be removed",
    ):
        assert f"{line}\n" in text
    assert f"would go: {large_name(Digest.of(b'nobody'))}  8 bytes  file that" in text
    text = program.good("gc").text
    for line in ("1 pack rewritten", "1 pack dropped", "1 stray file removed"):
        assert f"{line}\n" in text


def test_many_lines_are_cut(program: Program, place: Path) -> None:
    with aivcs.open(place) as repo:
        litter(repo, *texts(60))
    said = program.good("gc", "--dry-run")
    assert said.text.count("would go: ") == 50
    assert "10 more; --json lists all" in said.err
    assert len(program.json("gc", "--dry-run")["removed"]) == 60


def test_what_others_hold_is_said(program: Program, place: Path) -> None:
    with aivcs.open(place) as other:
        digest = other.objects.put(b"held")
        said = program.json("gc")
        assert said["kept"]["held"] == 1
        (holder,) = said["kept"]["by"]
        assert program.good("gc").text.endswith(f"1 object of 4 bytes left for {holder}\n")
        assert program.good("why", digest).text == f"held by {holder}\n"
    assert program.json("gc")["objects"] == 1


def test_nobody_can_tell(program: Program, place: Path) -> None:
    with aivcs.open(place) as repo:
        repo.objects.delete(add_spec(repo), force=True)
    assert program.fail("gc") == (6, "corrupt")
    assert program.fail("gc", "--dry-run") == (6, "corrupt")


def test_retention(program: Program, place: Path) -> None:
    with aivcs.open(place) as repo:
        spec = add_spec(repo)
        with repo.run(spec=spec, agent="agent") as run:
            artifact = run.artifact("report.md", b"an artifact")
    config = place / ".aivcs" / "config.toml"
    written = config.read_text()
    config.write_text(f"{written}\n[retention]\nkeep_runs = 0\nkeep_released = false\n")
    said = program.good("gc", "--dry-run").text
    assert said.startswith(f"would go: {artifact}  11 bytes  not needed\n1 run would be expired: ")
    assert program.json("run", "show", run.run_id)["expired_at"] is None
    assert program.json("gc")["expired"] == [run.run_id]
    assert program.json("run", "show", run.run_id)["expired_at"].endswith("Z")
    absent = program("object", "get", artifact)
    assert absent.status == 3
    assert f"run {run.run_id} that needed it has expired" in absent.err
    text = program.good("why", artifact).text
    assert text == (
        f"{artifact} is not stored\n"
        f"no longer kept as artifact of run {run.run_id}: the run has expired\n"
    )
    assert program.good("run", "events", run.run_id).text
    for line, problem in (
        ("keep_runs = -1", "keep_runs is -1"),
        ("keep_runs = true", "keep_runs is True"),
        ("min_age_days = 1.5", "min_age_days is 1.5"),
        ("min_age_days = 1_000_000_000", "min_age_days is 1000000000"),
        ("keep_released = 1", "keep_released is 1"),
        ("keep = 1", "unknown key: keep"),
    ):
        config.write_text(f"{written}\n[retention]\n{line}\n")
        refused = program("gc")
        assert (refused.status, problem in refused.err) == (2, True), refused.err


def test_what_cannot_be_read_is_told(program: Program, place: Path) -> None:
    with aivcs.open(place) as repo, repo.objects.blobs.stage() as staged:
        staged.write(b"no pack at all")
        staged.publish(pack_name(Digest.of(b"pack")))
    said = program.good("gc")
    assert said.err.startswith(f"warning: blob {pack_name(Digest.of(b'pack'))}: nobody can tell")
    (problem,) = program.json("gc")["problems"]
    assert (problem["kind"], problem["severity"]) == ("blob", "warning")
