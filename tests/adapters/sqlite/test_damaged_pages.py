"""What a page whose bytes changed can hand out is refused, whatever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.sqlite import SqliteLedger
from aivcs.domain import rows
from aivcs.domain.batch import Batch
from aivcs.domain.digest import Digest
from aivcs.domain.stored import Codec, StoredObject
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from pathlib import Path

_PACK = (bytes(32), 9, 1, 0, 0)


@pytest.mark.parametrize(
    "row",
    [
        (bytes(32), None, 0, b"abc", None),
        (bytes(32), 3, 0, "abc", None),
        (bytes(32), None, 1, None, 0, 0, 5, 3, *_PACK),
        (bytes(32), 3, 1, None, "0", 0, 5, 3, *_PACK),
        (bytes(32), 3, 1, None, 0, None, 5, 3, *_PACK),
        (bytes(32), 3, 1, None, 0, 0, 5, 3, bytes(32), None, 1, 0, 0),
    ],
)
def test_a_row_whose_cells_have_other_types(row: tuple[object, ...]) -> None:
    """A table's rules are asked when a row is written, not when a page is read."""
    with pytest.raises(CorruptionError, match="another type"):
        rows.stored(row)


def test_a_search_that_finds_another_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a tree whose pages are damaged a search can end at any row."""
    ledger = SqliteLedger(tmp_path / "aivcs.db", create=True)
    wanted, other = Digest.of(b"wanted"), Digest.of(b"other")
    stored = StoredObject(other, 5, Codec.RAW, b"other")
    ledger.commit(Batch(objects=(stored,)))
    assert ledger.objects([other]) == {other: stored}
    monkeypatch.setattr(ledger._db, "rows", lambda *_: [(other.raw, 5, 0, b"other", None)])
    with pytest.raises(CorruptionError, match=str(wanted)):
        ledger.objects([wanted])
    ledger.close()
