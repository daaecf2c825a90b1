"""How drafts become rows: each with its own times, and the leaf that its cells give."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from aivcs.domain import log_rows
from aivcs.domain.commitment import leaf_of
from aivcs.domain.digest import Digest
from aivcs.domain.log_writes import Draft
from aivcs.domain.stream import Entry

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(microseconds=7)
MICROS = 1_767_355_200_000_000
RAW = sha256(b"long").digest()


def test_rows_have_their_own_times_and_leaves() -> None:
    one, two = bytes(16), bytes(range(16))
    items: list[tuple[int, Draft | Entry]] = [
        (4, Draft("a", "{}", None, NOON, NOON, one)),
        (5, Draft("é", None, Digest(RAW), NOON, LATER, two)),
        (6, Entry(6, "b", "[1]", None, LATER, NOON, one)),
        (7, Draft("b", "[]", None, NOON, NOON, two, 7)),
    ]
    cells, leaves = log_rows.entry_rows(9, items)
    starts = range(0, len(cells), log_rows.ROW_CELLS)
    rows: list[Any] = [tuple(cells[at : at + log_rows.ROW_CELLS]) for at in starts]
    assert [row[:8] for row in rows] == [
        (9, 4, "a", MICROS, MICROS, "{}", None, one),
        (9, 5, "é", MICROS, MICROS + 7, None, RAW, two),
        (9, 6, "b", MICROS + 7, MICROS, "[1]", None, one),
        (9, 7, "b", MICROS, MICROS, "[]", None, two),
    ]
    assert [row[8] for row in rows] == [leaf[:8] for leaf in leaves]
    read = [log_rows.entry((*row[1:8], None, row[8])) for row in rows]
    assert [leaf_of(entry) for entry in read] == leaves
    assert log_rows.entry_rows(9, ()) == ([], [])
