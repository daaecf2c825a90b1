from __future__ import annotations

import random
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.textdiff import MAX_LINES, MAX_TEXT, fits, text_diff

if TYPE_CHECKING:
    from pathlib import Path

GIT = shutil.which("git") or "git"


def test_a_unified_diff_of_text() -> None:
    assert text_diff(b"one\ntwo\n", b"one\n2\n", "a.md") == [
        "--- a/a.md",
        "+++ b/a.md",
        "@@ -1,2 +1,2 @@",
        " one",
        "-two",
        "+2",
    ]


def test_a_missing_line_end_and_odd_separators_are_shown() -> None:
    assert text_diff(b"one\x0bx\r\n", "one\u2028y".encode(), "p") == [
        "--- a/p",
        "+++ b/p",
        "@@ -1 +1 @@",
        "-one\x0bx\r",
        "+one\u2028y",
        "\\ No newline at end of file",
    ]


def test_equal_texts_have_no_diff_and_binary_files_none_to_show() -> None:
    assert text_diff(b"x\n", b"x\n", "p") == []
    assert text_diff(b"", b"", "p") == []
    assert text_diff(b"x", b"\xff", "p") is None
    assert text_diff(b"x\0", b"x", "p") is None


def test_distant_changes_have_hunks_of_their_own_and_near_ones_share_one() -> None:
    old = [str(number) for number in range(30)]
    new = [*old[:5], "x", *old[6:11], *old[12:25], "y", *old[25:]]
    one, other = ("\n".join(lines).encode() + b"\n" for lines in (old, new))
    found = text_diff(one, other, "p")
    assert found is not None
    assert [line for line in found if line.startswith("@@")] == [
        "@@ -3,13 +3,12 @@",
        "@@ -23,6 +22,7 @@",
    ]
    assert text_diff(b"", b"a\nb\n", "p") == ["--- a/p", "+++ b/p", "@@ -0,0 +1,2 @@", "+a", "+b"]
    assert text_diff(b"a\n", b"", "p") == ["--- a/p", "+++ b/p", "@@ -1 +0,0 @@", "-a"]


@pytest.mark.parametrize("seed", range(20))
def test_git_finds_no_smaller_diff_and_applies_ours(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)  # noqa: S311 - dice, no secrets
    words = ["", "a", "b", "c", "{", "}", "  return x", "\tx\r"]
    old = [dice.choice(words) for _ in range(dice.randrange(1, 300))]
    new = [line for line in old if dice.random() > 0.2]
    for _ in range(dice.randrange(30)):
        new.insert(dice.randrange(len(new) + 1), dice.choice(words))
    ends = [dice.choice(["\n", ""]) for _ in range(2)]
    one, other = ("\n".join(lines).encode() for lines in (old, new))
    one, other = one + ends[0].encode(), other + ends[1].encode()
    (tmp_path / "one").write_bytes(one)
    (tmp_path / "other").write_bytes(other)
    found = text_diff(one, other, "p")
    assert found is not None
    stat = subprocess.run(
        [GIT, "diff", "--no-index", "--numstat", "--minimal", "--", "one", "other"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    ).stdout.split()
    body = [line for line in found[2:] if line.startswith(("+", "-"))]
    counts = [sum(line.startswith(mark) for line in body) for mark in "+-"]
    assert [str(count) for count in counts] == (stat[:2] or ["0", "0"])
    (tmp_path / "p.diff").write_bytes("".join(f"{line}\n" for line in found).encode())
    if found:
        (tmp_path / "p").write_bytes(one)
        apply = [GIT, "apply", "--whitespace=nowarn", "p.diff"]
        subprocess.run(apply, cwd=tmp_path, check=True)
        assert (tmp_path / "p").read_bytes() == other
    else:
        assert one == other


def test_what_is_too_long_to_be_compared_by_lines() -> None:
    assert fits(b"\n" * (MAX_LINES - 1))
    assert not fits(b"\n" * MAX_LINES)
    assert fits(b"x" * MAX_TEXT)
    assert not fits(b"x" * (MAX_TEXT + 1))
