"""Every block of every page does what the page says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.execution import Execution
from tests.docs.markdown import ROOT, blocks, pages

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [page for page in pages() if page.name != "CONTRIBUTING.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(page: Path, tmp_path: Path) -> None:
    name = str(page.relative_to(ROOT))
    Execution(name, tmp_path).run(blocks(page.read_text(encoding="utf-8")))
