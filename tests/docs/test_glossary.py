"""The glossary has one row a word, in order."""

from __future__ import annotations

from aivcs.domain.spec import Component
from tests.docs.markdown import DOCS, table

ROWS = table((DOCS / "glossary.md").read_text(encoding="utf-8"), "# Glossary")


def test_words_are_sorted_and_each_has_one_meaning() -> None:
    words = [row[0] for row in ROWS]
    assert words == sorted(set(words), key=str.lower)
    assert all(len(row) == 3 and row[1] for row in ROWS)


def test_the_components_are_those_of_a_spec() -> None:
    meaning = next(row[1] for row in ROWS if row[0] == "component")
    assert meaning.endswith(", ".join(Component))
