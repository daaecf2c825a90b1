from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.folder import read_folder
from aivcs.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Tree = Callable[[Mapping[str, str | bytes]], Path]


def taken(root: Path) -> list[str]:
    return [file.path for file in read_folder(root).files]


def test_a_link_to_a_file_inside_is_read_as_that_file(tree: Tree) -> None:
    root = tree({"prompts/system.md": "hello"})
    (root / "prompts/alias.md").symlink_to("system.md")
    found = {file.path: file.source.read_text() for file in read_folder(root).files}
    assert found == {"prompts/system.md": "hello", "prompts/alias.md": "hello"}


def test_a_link_to_a_folder_inside_is_followed(tree: Tree) -> None:
    root = tree({"shared/one.md": "1", "shared/deep/two.md": "2"})
    (root / "prompts").symlink_to("shared")
    assert taken(root) == [
        "prompts/deep/two.md",
        "prompts/one.md",
        "shared/deep/two.md",
        "shared/one.md",
    ]


def test_a_root_that_is_a_link_is_entered(tree: Tree, tmp_path: Path) -> None:
    tree({"system.md": "hello"})
    (tmp_path / "link").symlink_to("agent")
    assert taken(tmp_path / "link") == ["system.md"]


@pytest.mark.parametrize("target", ["/etc/hostname", "../outside.md", "/", "..", "../agent2"])
def test_a_link_that_leaves_the_folder_is_refused(tree: Tree, tmp_path: Path, target: str) -> None:
    root = tree({"system.md": "hello"})
    (tmp_path / "outside.md").write_text("secret")
    (tmp_path / "agent2").mkdir()
    (root / "link.md").symlink_to(target)
    with pytest.raises(InvalidSpec, match=r"'link\.md' leads out of the folder"):
        read_folder(root)


def test_a_broken_link_is_refused(tree: Tree) -> None:
    root = tree({"system.md": "hello"})
    (root / "link.md").symlink_to("absent.md")
    with pytest.raises(InvalidSpec, match=r"'link\.md' is broken: there is no 'absent\.md'"):
        read_folder(root)


def test_a_link_below_a_file_is_broken(tree: Tree) -> None:
    root = tree({"system.md": "hello"})
    (root / "link").symlink_to("system.md/below")
    with pytest.raises(InvalidSpec, match="'link' is broken"):
        read_folder(root)


def test_links_to_each_other_are_refused(tree: Tree) -> None:
    root = tree({"system.md": "hello"})
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    with pytest.raises(InvalidSpec, match="'a' is part of a loop of links"):
        read_folder(root)


@pytest.mark.parametrize("target", [".", "..", "../..", "../other"])
def test_a_link_back_to_a_folder_it_lies_in_is_refused(tree: Tree, target: str) -> None:
    root = tree({"prompts/deep/system.md": "hello"})
    (root / "prompts/other").symlink_to("deep")
    (root / "prompts/deep/again").symlink_to(target)
    with pytest.raises(InvalidSpec, match="again"):
        read_folder(root)


def test_two_folders_that_link_to_each_other_are_refused(tree: Tree) -> None:
    root = tree({"a/one.md": "1", "b/two.md": "2"})
    (root / "a/b").symlink_to("../b")
    (root / "b/a").symlink_to("../a")
    with pytest.raises(InvalidSpec, match="leads back to a folder it lies in"):
        read_folder(root)


@pytest.mark.parametrize(
    ("extra", "link"),
    [
        ({".gitignore": "bad*\n"}, "bad.md"),
        ({"aivcs.toml": 'exclude = ["bad*"]'}, "bad.md"),
        ({"aivcs.toml": 'exclude = ["drafts/"]'}, "drafts/bad.md"),
        ({"node_modules/x": ""}, "node_modules/bad.md"),
        ({}, ".env"),
    ],
)
def test_an_excluded_link_may_be_anything(tree: Tree, extra: Mapping[str, str], link: str) -> None:
    root = tree({"system.md": "hello", **extra})
    (root / link).parent.mkdir(exist_ok=True)
    (root / link).symlink_to("/absent")
    assert taken(root) == ["system.md"]


def test_an_excluded_link_to_a_folder_is_not_followed(tree: Tree) -> None:
    root = tree({"system.md": "hello", "a/one.md": "1", "aivcs.toml": 'exclude = ["link/"]'})
    (root / "link").symlink_to("a")
    assert taken(root) == ["a/one.md", "system.md"]


@pytest.mark.parametrize("name", [".git", ".aivcs"])
def test_a_link_into_what_is_never_taken_is_left_out(tree: Tree, name: str) -> None:
    root = tree({"system.md": "hello", f"{name}/notes.md": "1"})
    (root / "link.md").symlink_to(f"{name}/notes.md")
    (root / "folder").symlink_to(name)
    folder = read_folder(root)
    assert [file.path for file in folder.files] == ["system.md"]
    assert {left.path for left in folder.left_out} == {"link.md", "folder", f"{name}/"}


def test_a_link_to_a_secret_is_a_secret(tree: Tree) -> None:
    root = tree({"system.md": "hello", ".env": "KEY=1"})
    (root / "settings.txt").symlink_to(".env")
    assert read_folder(root).secrets == (".env", "settings.txt")
    assert taken(root) == ["system.md"]


def test_a_link_to_a_pipe_is_left_out(tree: Tree) -> None:
    root = tree({"system.md": "hello"})
    os.mkfifo(root / "pipe.md")
    (root / "link.md").symlink_to("pipe.md")
    folder = read_folder(root)
    assert [file.path for file in folder.files] == ["system.md"]
    assert [(left.path, left.why) for left in folder.left_out] == [
        ("link.md", "a pipe, socket or device"),
        ("pipe.md", "a pipe, socket or device"),
    ]


def test_links_that_multiply_a_folder_come_to_an_end(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aivcs.adapters.folder.walk.MAX_ENTRIES", 200)
    root = tree({f"{level:02}/x.md": "" for level in range(12)})
    for level in range(11):
        for name in "ab":
            (root / f"{level:02}" / name).symlink_to(f"../{level + 1:02}")
    with pytest.raises(InvalidSpec, match="more than 200 files"):
        read_folder(root)
