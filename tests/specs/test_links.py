from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.folder import read_folder
from aivcs.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aivcs.services.specs import SpecStore

    Tree = Callable[[Mapping[str, str | bytes]], Path]


def taken(root: Path) -> list[str]:
    return [file.path for file in read_folder(root).files]


def refusal(root: Path) -> str:
    """Read a folder, which lists its links, and return why no spec is made of it."""
    folder = read_folder(root)
    assert folder.refused
    assert set(folder.refused) <= set(folder.left_out)
    with pytest.raises(InvalidSpec) as caught:
        folder.check_links()
    assert caught.value.hint
    return caught.value.message


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
    assert "'link.md' is a link that leads out of the folder, to '" in refusal(root)


def test_no_spec_is_made_of_a_folder_with_a_refused_link(specs: SpecStore, tree: Tree) -> None:
    root = tree({"system.md": "hello"})
    (root / "link.md").symlink_to("absent.md")
    assert [link.path for link in specs.explain(root).refused] == ["link.md"]
    with pytest.raises(InvalidSpec, match=r"'link\.md' is a broken link"):
        specs.add(root)
    assert not specs.list()


@pytest.mark.parametrize("target", ["absent.md", "system.md/below"])
def test_a_broken_link_is_refused(tree: Tree, target: str) -> None:
    root = tree({"system.md": "hello"})
    (root / "link.md").symlink_to(target)
    assert refusal(root) == f"'link.md' is a broken link: there is no {target!r}"


def test_links_to_each_other_are_refused(tree: Tree) -> None:
    root = tree({"system.md": "hello"})
    (root / "a.md").symlink_to("b.md")
    (root / "b.md").symlink_to("a.md")
    assert refusal(root) == "'a.md' is part of a loop of links"


@pytest.mark.parametrize(
    ("components", "link", "target", "refused"),
    [
        ('prompts = ["prompts/**"]', "bigdata", "/", False),
        ('prompts = ["prompts/**"]', "bigdata", "absent", False),
        ('prompts = ["prompts/**"]', "bigdata", "bigdata", False),
        ('prompts = ["prompts/**"]', "bigdata", ".", False),
        ('prompts = ["prompts/**"]', "bigdata.md", "/etc/hostname", False),
        ('prompts = ["prompts/**"]', "prompts/x", "/", True),
        ('prompts = ["prompts/**"]', "prompts/x", "absent", True),
        ('prompts = ["prompts/**/*.md"]', "prompts/deep", "/", True),
        ('prompts = ["a/b/*.md"]', "a/c", "/", False),
        ('prompts = ["a/b/*.md"]', "a/b", "absent", True),
        ('prompts = ["*.md"]', "bigdata", "/", True),
        ('prompts = ["*.md"]', "bigdata", "absent", False),
        ('prompts = ["*.md", "!bigdata/"]', "x.md", "absent", True),
        (None, "bigdata", "/", True),
        (None, "bigdata", "absent", False),
        (None, "bigdata", "bigdata", False),
        (None, "tools", "absent", True),
    ],
)
def test_only_a_link_that_a_pattern_could_select_is_judged(
    tree: Tree, components: str | None, link: str, target: str, *, refused: bool
) -> None:
    files = {"prompts/a.md": "", "a/b/c.md": "", "aivcs.toml": f"[components]\n{components}\n"}
    if components is None:
        del files["aivcs.toml"]
    if link == "a/b":
        del files["a/b/c.md"]
        files["a/x"] = ""
    root = tree(files)
    (root / link).symlink_to(target)
    folder = read_folder(root)
    assert [found.path for found in folder.refused] == ([link] if refused else [])
    assert link in {left.path for left in folder.left_out}
    if not refused:
        folder.check_links()


@pytest.mark.parametrize("target", [".", "..", "../..", "../other"])
def test_a_link_back_to_a_folder_it_lies_in_is_refused(tree: Tree, target: str) -> None:
    root = tree({"prompts/deep/system.md": "hello"})
    (root / "prompts/other").symlink_to("deep")
    (root / "prompts/deep/again").symlink_to(target)
    assert "leads back to a folder it lies in" in refusal(root) or target == "../.."
    assert any("again" in link.path for link in read_folder(root).refused)


def test_two_folders_that_link_to_each_other_are_refused(tree: Tree) -> None:
    root = tree({"a/one.md": "1", "b/two.md": "2"})
    (root / "a/b").symlink_to("../b")
    (root / "b/a").symlink_to("../a")
    assert refusal(root) == "'a/b/a' is a link that leads back to a folder it lies in"


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
    assert "is reached by links that lead to over 200 files" in refusal(root)
    assert {f"{level:02}/x.md" for level in range(12)} <= set(taken(root))


def test_a_folder_of_too_many_files_is_refused(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aivcs.adapters.folder.walk.MAX_ENTRIES", 1)
    with pytest.raises(InvalidSpec, match="more than 1 files"):
        read_folder(tree({"a.md": "", "b.md": ""}))


def test_a_link_that_cannot_be_read_is_refused(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree({"system.md": ""})
    (root / "link.md").symlink_to("system.md")
    real = os.path.realpath

    def refuse(path: str, *, strict: bool = False) -> str:
        if os.fspath(path).endswith("link.md"):
            raise OSError(errno.EIO, "Input/output error")
        return real(path, strict=strict)

    monkeypatch.setattr("os.path.realpath", refuse)
    assert refusal(root) == "'link.md' is a link that cannot be followed: Input/output error"
