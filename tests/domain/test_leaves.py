from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aivcs.domain.commitment import leaf_of
from aivcs.domain.digest import Digest
from aivcs.domain.erasing import erased
from aivcs.domain.leaves import Leaves
from aivcs.domain.log_rows import stored_row
from aivcs.domain.stream import Entry
from aivcs.testing.subject import NOON

ENTRY = Entry(1, "note", '{"n":"ä"}', None, NOON, NOON, salt=b"s" * 16)
CELLS = ("seq", "kind", "timestamp", "recorded_at", "body", "object", "salt", "commitment")


def rows(count: int) -> list[tuple[Any, ...]]:
    return [stored_row(replace(ENTRY, seq=seq)) for seq in range(1, count + 1)]


def test_leaves_of_every_shape() -> None:
    large = replace(ENTRY, seq=2, body=None, object=Digest.of(b"x"))
    entries = [ENTRY, large, erased(replace(ENTRY, seq=3)), replace(ENTRY, seq=4, kind="ä")]
    leaves = Leaves()
    found = leaves.take([stored_row(entry) for entry in entries])
    assert found == [leaf_of(entry) for entry in entries]
    assert [row[0] for row in leaves.large] == [2]
    assert leaves.take([stored_row(replace(ENTRY, seq=5))])
    assert (leaves.large, leaves.last, leaves.gap, leaves.wrong) == ([], 5, None, [])


@pytest.mark.parametrize("column", range(9))
@pytest.mark.parametrize("value", [None, "other", b"other", 7, -1, 2**70, 1.5, "x" * 70_000])
def test_a_cell_that_is_otherwise(column: int, value: object) -> None:
    page = rows(3)
    page[1] = tuple(value if n == column else cell for n, cell in enumerate(page[1]))
    if page[1] == rows(3)[1]:
        return  # it was so before
    leaves = Leaves()
    found = leaves.take(page)
    ((seq, what),) = leaves.wrong
    assert found[1] == b""
    assert (found[0], found[2]) == tuple(leaf_of(replace(ENTRY, seq=n)) for n in (1, 3))
    assert str(seq) in what or column == 0
    if column:
        assert (seq, leaves.gap) == (2, None)


def test_the_first_gap_is_named() -> None:
    page = rows(5)
    leaves = Leaves()
    leaves.take([page[0], page[2], page[4]])
    assert (leaves.gap, leaves.last, leaves.wrong) == (2, 5, [])
