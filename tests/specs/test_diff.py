from __future__ import annotations

from aivcs.domain.diff import ChangeKind, compare
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
