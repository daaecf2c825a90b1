"""Links lead somewhere, and no page knows the machine it was written on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.docs.markdown import DOCS, ROOT, all_pages, anchors, blocks, links, prose

if TYPE_CHECKING:
    from pathlib import Path

MACHINE: Final = re.compile(
    r"(?<![\w.~-])/(?:tmp|root|home|work|Users)/|pypi\.org|files\.pythonhosted|"
    r"\b\w+\.(?:internal|corp|lan)\b|/simple/"
)


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _broken(page: Path, target: str) -> str | None:
    path, _, anchor = target.partition("#")
    place = (page.parent / path).resolve() if path else page
    if not place.exists():
        return f"{target}: no such file"
    if not place.is_relative_to(ROOT):
        return f"{target}: outside the checkout"
    if anchor and anchor not in anchors(place.read_text(encoding="utf-8")):
        return f"{target}: no such heading"
    return None


@pytest.mark.parametrize("page", all_pages(), ids=_name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    found = links(page.read_text(encoding="utf-8"))
    relative = [(line, target) for line, target in found if "://" not in target]
    broken = [(line, why) for line, target in relative if (why := _broken(page, target))]
    assert not broken


@pytest.mark.parametrize("page", all_pages(), ids=_name)
def test_no_page_names_a_machine(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").split("\n")
    assert not [(n, line) for n, line in enumerate(lines, 1) if MACHINE.search(line)]


def test_every_page_is_reached_from_the_index() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    reached = {(DOCS / target.partition("#")[0]).resolve() for _, target in links(index)}
    pages = {page for page in DOCS.glob("*.md") if page.name != "README.md"}
    assert not sorted(str(page) for page in pages - reached)


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = ROOT / "docs" / "README.md"
    assert _broken(page, "nowhere.md") == "nowhere.md: no such file"
    assert _broken(page, "README.md#nothing") == "README.md#nothing: no such heading"
    assert _broken(page, str(tmp_path)) == f"{tmp_path}: outside the checkout"


def test_headings_make_anchors() -> None:
    text = "# One `two`: three\n## Same\n## Same\n```text\n# not one\n```\n"
    assert anchors(text) == {"one-two-three", "same", "same-1"}
    assert "not one" not in prose(text)
    assert [block.text for block in blocks(text)] == ["# not one\n"]
