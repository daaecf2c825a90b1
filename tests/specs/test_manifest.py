from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.folder import read_folder
from aivcs.domain.digest import Digest
from aivcs.domain.manifest import read_manifest, write_manifest
from aivcs.domain.spec import SpecFile
from aivcs.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aivcs.services.specs import SpecStore

    Tree = Callable[[Mapping[str, str | bytes]], Path]


def taken(root: Path) -> dict[str, str]:
    return {file.path: file.component for file in read_folder(root).files}


def test_only_what_the_manifest_names_is_taken(tree: Tree) -> None:
    manifest = """
        name = "support-agent"
        exclude = ["*.draft.md"]
        [components]
        prompts = ["prompts/**", "system.md", "!prompts/old.md"]
        graph = ["src/"]
    """
    root = tree(
        {
            "aivcs.toml": manifest,
            "prompts/a.md": "",
            "prompts/a.draft.md": "",
            "prompts/old.md": "",
            "sub/system.md": "",
            "src/main.py": "",
            "src/aivcs.toml": "",
            "other.py": "",
            "tools.json": "",
        }
    )
    folder = read_folder(root)
    assert taken(root) == {
        "prompts/a.md": "prompts",
        "sub/system.md": "prompts",
        "src/main.py": "graph",
        "src/aivcs.toml": "graph",
    }
    assert folder.name == "support-agent"
    assert folder.manifest == manifest.encode()
    assert {left.path: left.why for left in folder.left_out} == {
        "aivcs.toml": "is never part of a spec",
        "prompts/a.draft.md": "excluded by aivcs.toml",
        "prompts/old.md": "matches no component",
        "other.py": "matches no component",
        "tools.json": "matches no component",
    }


def test_without_a_table_of_components_the_defaults_hold(tree: Tree) -> None:
    root = tree({"aivcs.toml": 'exclude = ["b.*", "!b.py"]', "a.md": "", "b.md": "", "b.py": ""})
    assert taken(root) == {"a.md": "prompts", "b.py": "graph"}


def test_a_path_in_two_components_is_refused(tree: Tree) -> None:
    root = tree(
        {"aivcs.toml": '[components]\nprompts = ["*.md"]\ntools = ["tool.*"]', "tool.md": ""}
    )
    with pytest.raises(
        InvalidSpec, match=r"'tool\.md' matches the patterns of prompts and of tools"
    ):
        read_folder(root)


@pytest.mark.parametrize(
    "pattern", ["absent.md", "/absent.md", "absent/**", "/tools", "../x", ".git"]
)
def test_a_pattern_that_matches_nothing_is_refused(tree: Tree, pattern: str) -> None:
    root = tree(
        {
            "aivcs.toml": f'[components]\nprompts = ["*.md", "{pattern}"]',
            "system.md": "",
            "tools.json": "",
            ".git/HEAD": "",
        }
    )
    with pytest.raises(InvalidSpec, match="matches no file") as caught:
        read_folder(root)
    assert repr(pattern) in caught.value.message
    assert caught.value.hint == "patterns are relative to the folder, without './' or '..'"


def test_an_exact_name_takes_what_rules_would_leave_out(tree: Tree) -> None:
    root = tree(
        {
            "aivcs.toml": "[components]\nconfig = ['.vscode/settings.json', '/build/pin.lock',"
            "'a/pyvenv.cfg']",
            ".gitignore": "/build/*\n",
            ".vscode/settings.json": "",
            ".vscode/other.json": "",
            "build/pin.lock": "",
            "build/x.lock": "",
            "a/pyvenv.cfg": "",
            "a/x.cfg": "",
        }
    )
    assert sorted(taken(root)) == [".vscode/settings.json", "a/pyvenv.cfg", "build/pin.lock"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("nam = 1", "unknown key 'nam'"),
        ("name = 1", "name: not a valid name: 1"),
        ('name = "a b"', "name: not a valid name: 'a b'"),
        ("components = []", "components must be a table"),
        ("[components]\nprompt = []", "unknown component 'prompt'"),
        ('[components]\nprompts = "a.md"', "components.prompts must be a list of texts"),
        ("[components]\nprompts = [1]", "components.prompts must be a list of texts"),
        ('[components]\nprompts = [" "]', "names nothing: ' '"),
        ('[components]\nprompts = ["# x"]', "names nothing: '# x'"),
        ('[components]\nprompts = ["!"]', "not a pattern: '!'"),
        ("exclude = {}", "exclude must be a list of texts"),
        ("allow_secrets = [[]]", "allow_secrets must be a list of texts"),
        ("name = ", "is not TOML"),
        ("a = " + "[" * 100_000, "is not TOML"),
        (b"\xff", "is not TOML"),
    ],
)
def test_a_bad_manifest_is_refused_by_name(tree: Tree, text: str | bytes, complaint: str) -> None:
    root = tree({"aivcs.toml": text, "system.md": ""})
    with pytest.raises(InvalidSpec) as caught:
        read_folder(root)
    assert complaint in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("kind", ["folder", "link", "huge"])
def test_a_manifest_is_a_short_regular_file(tree: Tree, kind: str) -> None:
    root = tree({"system.md": ""})
    place = root / "aivcs.toml"
    if kind == "folder":
        place.mkdir()
    elif kind == "link":
        place.symlink_to("/etc/hostname")
    else:
        with place.open("wb") as file:
            file.truncate(2**40)
    with pytest.raises(InvalidSpec, match="not a regular file"):
        read_folder(root)


def test_a_written_manifest_names_every_file_exactly() -> None:
    paths = ["a.md", "we ird/[x]*?.md", '#!\\ "q"\n\x7f.md', "end ", "\u65e5\u672c.md"]
    files = [SpecFile(path, executable=False, digest=Digest.of(b"")) for path in paths]
    text = write_manifest("helper", {"prompts": files, "tools": []}, [".env"])
    manifest = read_manifest(tomllib.loads(text))
    assert manifest.name == "helper"
    assert manifest.allow_secrets == (".env",)
    assert manifest.components is not None
    assert list(manifest.components) == ["prompts"]


def test_the_manifest_is_no_part_of_the_identity_and_is_checked_out(
    specs: SpecStore, tree: Tree, tmp_path: Path
) -> None:
    root = tree({"system.md": "hello"})
    plain = specs.add(root)
    manifest = b'name = "helper" # kept\n[components]\nprompts = ["system.md"]\n'
    (root / "aivcs.toml").write_bytes(manifest)
    named = specs.add(root)
    assert named.digest == plain.digest
    assert (plain.name, named.name, specs.add(root, name="other").name) == (
        "agent",
        "helper",
        "other",
    )
    specs.checkout(named.digest, tmp_path / "out")
    assert (tmp_path / "out/aivcs.toml").read_bytes() == manifest
    assert specs.add(tmp_path / "out").digest == named.digest
