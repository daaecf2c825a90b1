"""The page on the manifest names the keys, patterns and secrets of the program."""

from __future__ import annotations

import re
import tomllib

import pytest

from aivcs.adapters.folder import read
from aivcs.domain import manifest, secrets, selection
from aivcs.domain.patterns import Patterns
from aivcs.domain.spec import Component
from tests.docs.markdown import DOCS, blocks, table

PAGE = (DOCS / "manifest.md").read_text(encoding="utf-8")


def _names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_key_and_component_is_described() -> None:
    assert [_names(row[0]) for row in table(PAGE, "## Keys")] == [[key] for key in manifest._KEYS]
    components = table(PAGE.replace("The keys of `components`:", "## Components"), "## Components")
    assert {row[0].strip("`") for row in components} == set(Component)
    assert f"at most {read._MAX_MANIFEST >> 20} MiB" in PAGE


def test_the_manifests_shown_can_be_read() -> None:
    shown = [tomllib.loads(block.text) for block in blocks(PAGE) if block.language == "toml"]
    assert {key for one in shown for key in one} == set(manifest._KEYS)
    for one in shown:
        selection.Selection(manifest.read_manifest(one))


def test_the_default_patterns_are_the_programs() -> None:
    rows = [(row[0], tuple(_names(row[1]))) for row in table(PAGE, "## Default patterns")]
    assert rows == [(component.value, patterns) for component, patterns in selection.DEFAULTS]


def test_what_stays_out_is_what_the_program_leaves_out() -> None:
    rows = {row[0]: _names(row[1]) for row in table(PAGE, "## What stays out")}
    assert set(rows["reserved"]) == {*selection.NEVER, "aivcs.toml"}
    assert set(rows["generated"]) == {*selection.GENERATED, "*.pyc"}


def test_the_secrets_are_the_programs() -> None:
    ((names,),) = table(PAGE, "## Secrets")
    assert tuple(_names(names)) == secrets.SECRET_NAMES
    assert f"at most {secrets.KEY_FILE >> 10} KiB" in PAGE
    assert f"first {secrets.KEY_HEAD >> 10} KiB" in PAGE
    assert secrets.holds_key(re.findall("-----BEGIN.*KEY-----", PAGE)[0].encode())


FITS = {
    "system.md": (["system.md", "a/system.md", "system.md/x"], ["my-system.md"]),
    "/system.md": (["system.md"], ["a/system.md"]),
    "prompts/system.md": (["prompts/system.md"], ["a/prompts/system.md"]),
    "src/": (["src/a.py", "a/src/b/c.py"], ["src"]),
    "*.md": (["a.md", "a/b.md"], ["a.txt"]),
    "prompts/**": (["prompts/a", "prompts/b/c"], ["a/prompts/b"]),
    "models/**/*.json": (["models/a.json", "models/b/c/a.json"], ["a.json"]),
    "[ab].md": (["a.md", "x/b.md"], ["c.md"]),
    "!prompts/old.md": ([], ["prompts/old.md"]),
    r"\!important.md": (["!important.md"], ["important.md"]),
}


@pytest.mark.parametrize("row", table(PAGE, "## Patterns"), ids=lambda row: str(row[0]))
def test_the_patterns_fit_what_the_page_says(row: list[str]) -> None:
    pattern = row[0].strip("`")
    fitting, others = FITS[pattern]
    patterns = Patterns(["prompts/**", pattern] if pattern.startswith("!") else [pattern])
    assert all(patterns.matches(path) for path in fitting)
    assert not any(patterns.matches(path) for path in others)
