"""The narrow column beside a history: what a rollback can still reach, and what it left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.lineage import current_of, promoted_seq
from aivcs.domain.release import ReleaseKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.domain.release import ReleaseRecord

CURRENT: Final = "@"
LINEAGE: Final = "o"
LEFT: Final = "x"
MARK: Final = "-"
DEPRECATED: Final = "!"


def graph(newest_first: Sequence[ReleaseRecord]) -> dict[int, str]:
    """Return one cell for each entry of a whole log, by seq.

    The current release and what is in its lineage stand on the left, under one line; what
    was left behind and deprecations stand beside it.
    """
    records = {record.seq: record for record in newest_first}
    current = current_of(next(iter(newest_first), None), records.__getitem__)
    if current is None:
        return {}
    reached = {promoted_seq(current, records.__getitem__)}
    one = current
    while one.previous is not None:
        one = records[one.previous]
        reached.add(promoted_seq(one, records.__getitem__))
    marked = {record.restores for record in newest_first if record.kind is ReleaseKind.DEPRECATE}
    last = min(reached)
    cells: dict[int, str] = {}
    for record in newest_first:
        line = "| " if last < record.seq < current.seq else "  "
        if record.kind is ReleaseKind.DEPRECATE:
            cells[record.seq] = line + MARK
            continue
        promoted = promoted_seq(record, records.__getitem__)
        warned = DEPRECATED if promoted in marked else ""
        if record.seq == current.seq:
            cells[record.seq] = CURRENT + warned
        elif promoted in reached:
            cells[record.seq] = LINEAGE + warned
        else:
            cells[record.seq] = line + LEFT + warned
    return cells
