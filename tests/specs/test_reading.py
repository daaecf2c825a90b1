from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, NoReturn

import pytest

from aivcs.adapters.folder import read_folder
from aivcs.domain.folder import LeftOut
from aivcs.errors import InvalidSpec, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Tree = Callable[[Mapping[str, str | bytes]], Path]


def taken(root: Path) -> dict[str, str]:
    return {file.path: file.component for file in read_folder(root).files}


EXPECTED = {
    "requirements-dev.txt": "env",
    "uv.lock": "env",
    "sub/package.json": "env",
    "Dockerfile.prod": "env",
    "env/cuda.txt": "env",
    "env.json": "env",
    "tools/search.py": "tools",
    "tools.json": "tools",
    "web.tools.json": "tools",
    ".mcp.json": "tools",
    "skills/pdf/SKILL.md": "tools",
    "prompts/system.py": "prompts",
    "prompts/README.md": "prompts",
    "CLAUDE.md": "prompts",
    "notes/style.md": "prompts",
    "system.j2": "prompts",
    "model.json": "model",
    "models/small.yaml": "model",
    "models/README.md": None,
    "model.py": "graph",
    "config/anything.bin": "config",
    "agent.yaml": "config",
    "agent.toml": "config",
    "agent.py": "graph",
    "graph.json": "graph",
    "langgraph.json": "graph",
    "graph/nodes.yaml": "graph",
    "README.md": None,
    "LICENSE.txt": None,
    "CHANGELOG.md": None,
    "SECURITY.md": None,
    "logo.png": None,
    "Makefile": None,
}


def test_the_default_patterns(tree: Tree) -> None:
    root = tree(dict.fromkeys(EXPECTED, ""))
    folder = read_folder(root)
    assert taken(root) == {path: part for path, part in EXPECTED.items() if part}
    assert {left.path: left.why for left in folder.left_out} == {
        path: "matches no component" for path, part in EXPECTED.items() if part is None
    }
    assert folder.manifest is None
    assert folder.name is None


def test_what_is_generated_or_belongs_to_a_tool_stays_out(tree: Tree) -> None:
    root = tree(
        {
            "system.md": "",
            **{
                f"{name}/x.md": ""
                for name in (".git", "sub/.aivcs", ".venv", "venv", "a/node_modules", "__pycache__")
            },
            "myenv/pyvenv.cfg": "",
            "myenv/lib/x.py": "",
            "x.pyc": "",
            "a/.DS_Store": "",
            ".gitignore": "",
        }
    )
    folder = read_folder(root)
    assert [file.path for file in folder.files] == ["system.md"]
    local = "generated or local to one machine"
    assert folder.left_out == (
        LeftOut(".git/", "is never part of a spec"),
        LeftOut(".gitignore", local),
        LeftOut(".venv/", local),
        LeftOut("__pycache__/", local),
        LeftOut("a/.DS_Store", local),
        LeftOut("a/node_modules/", local),
        LeftOut("myenv/", local),
        LeftOut("sub/.aivcs/", "is never part of a spec"),
        LeftOut("venv/", local),
        LeftOut("x.pyc", local),
    )


def test_gitignore_files_hold_where_they_stand_and_the_nearest_decides(tree: Tree) -> None:
    root = tree(
        {
            ".gitignore": "\ufeff# comment\n*.log.md\r\n/build\ndrafts/\n\n!\n"
            "logs/**\n!logs/keep.md\n",
            "a.log.md": "",
            "build/x.md": "",
            "sub/build/x.md": "",
            "sub/drafts/x.md": "",
            "sub/.gitignore": "!*.log.md\n/only.md\n",
            "sub/b.log.md": "",
            "sub/only.md": "",
            "logs/keep.md": "",
            "logs/other.md": "",
            "only.md": "",
        }
    )
    assert sorted(taken(root)) == [
        "logs/keep.md",
        "only.md",
        "sub/b.log.md",
        "sub/build/x.md",
    ]
    left = {left.path: left.why for left in read_folder(root).left_out}
    assert left["sub/drafts/"] == "ignored by .gitignore"


def test_the_executable_bit_is_the_owners(tree: Tree) -> None:
    root = tree({"run.sh": "", "plain.sh": "", "group.sh": ""})
    (root / "run.sh").chmod(0o700)
    (root / "plain.sh").chmod(0o600)
    (root / "group.sh").chmod(0o610)
    assert {file.path: file.executable for file in read_folder(root).files} == {
        "run.sh": True,
        "plain.sh": False,
        "group.sh": False,
    }


def test_a_pipe_is_never_opened(tree: Tree) -> None:
    root = tree({"system.md": ""})
    os.mkfifo(root / "pipe.md")
    os.mkfifo(root / ".gitignore")
    assert taken(root) == {"system.md": "prompts"}


def test_a_name_that_is_not_utf8_is_refused(tree: Tree) -> None:
    root = tree({"system.md": ""})
    (root / os.fsdecode(b"\xff.md")).write_bytes(b"")
    with pytest.raises(InvalidSpec, match="is not UTF-8"):
        read_folder(root)


def test_a_left_out_name_may_be_anything(tree: Tree) -> None:
    root = tree({"system.md": "", ".gitignore": "*.bin"})
    (root / os.fsdecode(b"\xff.bin")).write_bytes(b"")
    assert LeftOut("?.bin", "ignored by .gitignore") in read_folder(root).left_out


def test_two_spellings_of_one_name_are_refused(tree: Tree) -> None:
    root = tree({"caf\u00e9.md": "", "cafe\u0301.md": ""})
    with pytest.raises(InvalidSpec, match="stands already in"):
        read_folder(root)


def test_a_very_deep_folder_is_read(tree: Tree) -> None:
    deep = "/".join(["d"] * 600)
    root = tree({"top.md": ""})
    place = root
    home = os.getcwd()  # noqa: PTH109 - a path this deep is reached step by step
    try:
        os.chdir(place)
        for _ in range(600):
            os.mkdir("d")  # noqa: PTH102
            os.chdir("d")
    finally:
        os.chdir(home)
    (root / deep / "low.md").write_text("")
    assert set(taken(root)) == {"top.md", f"{deep}/low.md"}


@pytest.mark.parametrize("name", ["absent", "file", "file/below", "loop", "nul\0"])
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InvalidSpec, match=r"no folder|not a folder"):
        read_folder(tmp_path / name)


def test_an_unreadable_folder_is_a_storage_error(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree({"system.md": ""})

    def refuse(path: str) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(StorageError, match=r"cannot read .*agent.*: Permission denied") as caught:
        read_folder(root)
    assert isinstance(caught.value.__cause__, PermissionError)
    assert caught.value.hint
