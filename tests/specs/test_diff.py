from __future__ import annotations

from aivcs.domain.diff import ChangeKind, compare, text_diff
from aivcs.domain.digest import Digest
from aivcs.domain.spec import SpecFile


def file(path: str, content: bytes = b"", *, executable: bool = False) -> SpecFile:
    return SpecFile(path, executable=executable, digest=Digest.of(content))


def test_every_kind_of_change_is_told_apart() -> None:
    same, gone, old, plain = file("same"), file("gone"), file("edited"), file("run.sh")
    new, runnable, fresh = (
        file("edited", b"x", executable=True),
        file("run.sh", executable=True),
        file("b"),
    )
    changes = compare(
        {"prompts": (same, gone, old), "graph": [plain], "model": []},
        {"prompts": (same, new), "graph": [runnable], "env": [fresh]},
    )
    assert [(one.component, one.path, one.kind, one.old, one.new) for one in changes] == [
        ("prompts", "edited", ChangeKind.MODIFIED, old, new),
        ("prompts", "gone", ChangeKind.REMOVED, gone, None),
        ("graph", "run.sh", ChangeKind.MODE, plain, runnable),
        ("env", "b", ChangeKind.ADDED, None, fresh),
    ]


def test_a_file_that_moves_to_another_component_goes_and_comes() -> None:
    one = file("a.md")
    changes = compare({"prompts": [one]}, {"tools": [one]})
    assert [(change.component, change.kind.value) for change in changes] == [
        ("prompts", "removed"),
        ("tools", "added"),
    ]


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
