from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import aivcs
from aivcs.cli.output import size
from aivcs.domain.digest import Digest
from aivcs.testing.collecting import litter, story, texts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Digest]:
    monkeypatch.chdir(tmp_path)
    with aivcs.init(tmp_path) as repo:
        return story(repo)


def test_why(program: Program, kept: dict[str, Digest]) -> None:
    assert program.good("why", kept["pin"]).text == "pinned\n"
    said = program.json("why", str(kept["file"])[:12])
    assert list(said) == ["digest", "stored", "kept", "reasons", "let_go"]
    assert (said["digest"], said["stored"], said["kept"]) == (str(kept["file"]), True, True)
    assert [reason["kind"] for reason in said["reasons"]] == ["spec", "release"]
    assert said["reasons"][0] == {
        "kind": "spec",
        "id": str(kept["spec"]),
        "detail": f"system.md in prompts of spec {kept['spec'].short()}",
    }
    assert program.good("why", kept["artifact"]).text.startswith("artifact of run ")


def test_why_of_what_nothing_keeps(
    program: Program, kept: dict[str, Digest], tmp_path: Path
) -> None:
    with aivcs.open(tmp_path) as repo:
        (digest,) = litter(repo, b"garbage")
    assert program.good("why", digest).text == (f"nothing keeps {digest}; 'aivcs gc' removes it\n")
    assert program.json("why", digest)["kept"] is False
    assert program.fail("why", Digest.of(b"absent")) == (3, "object_not_found")
    assert program.fail("why", "x") == (2, "invalid_digest")
    assert kept


def test_why_is_bounded(program: Program, kept: dict[str, Digest], tmp_path: Path) -> None:
    with aivcs.open(tmp_path) as repo:
        for number in range(60):
            files = {f"{number}-{n}.md": "Be kind." for n in range(2)}
            repo.specs.add({"components": {"prompts": files}})
    lines = program.good("why", kept["file"]).text.splitlines()
    assert len(lines) == 51
    assert lines[-1] == "and 72 more; --json lists all"
    assert len(program.json("why", kept["file"])["reasons"]) == 122


def test_du(program: Program, kept: dict[str, Digest], tmp_path: Path) -> None:
    with aivcs.open(tmp_path) as repo:
        litter(repo, *texts(20))
        repo.seal()
    plain = program.json("du")
    assert list(plain) == ["objects", "bytes", "tiers", "files", "dead_bytes", "by", "shares"]
    assert list(plain["tiers"]) == ["hot", "sealed", "large"]
    assert (plain["by"], plain["shares"]) == (None, [])
    assert plain["objects"] == sum(tier["objects"] for tier in plain["tiers"].values())
    assert plain["files"]["packs"] > 0
    kinds = program.json("du", "--by", "kind")["shares"]
    assert {share["name"] for share in kinds} == {
        "artifact",
        "checkpoint",
        "event body",
        "pinned",
        "release body",
        "source",
        "spec file",
        "state",
        "not needed",
    }
    assert len(program.json("du", "--by", "kind", "--limit", "2")["shares"]) == 2
    text = program.good("du", "--by", "run").text
    assert "tier    objects  size" in text
    assert "of which 0 bytes dead" in text
    assert "(no run) not needed" in text
    assert "objects  size" not in program.good("du").text.partition("ledger:")[2]
    cut = program.good("du", "--by", "kind", "--limit", "1")
    assert "8 more; --limit N shows more, --json all" in cut.err
    assert program.fail("du", "--by", "colour")[0] == 2
    assert kept


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (2**20, "1.0 MiB"),
        (3 * 2**30, "3.0 GiB"),
        (2**50, "1,024.0 TiB"),
    ],
)
def test_sizes_are_read_by_people(count: int, text: str) -> None:
    assert size(count) == text
