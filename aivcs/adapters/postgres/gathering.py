"""Many small appends of one transaction, written by few statements."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from aivcs.adapters.postgres.appending import INSERT_ENTRIES, entry_columns, whole_head
from aivcs.domain import log_rows
from aivcs.domain.append import check_tenant, plan
from aivcs.domain.batch import Batch, Receipt
from aivcs.domain.stream import Family

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.adapters.postgres.session import Session
    from aivcs.domain.log_writes import Append
    from aivcs.domain.stream import Entry, Stream

_GROW: Final = """
UPDATE streams s SET size = w.size, frontier = w.frontier
FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[]) AS w (id, size, frontier) WHERE s.id = w.id
"""


@dataclass(slots=True)
class _Log:
    """A log whose row is locked: its number, its head as it will be, and what is to be written."""

    stream: int
    head: Stream
    waiting: Mapping[int, Entry]
    new: list[object] = field(default_factory=list)


class Gathering:
    """Plans appends to runs on heads in memory; ``write`` writes them all.

    Only what adds entries at the end of a run and does nothing else can be gathered. What is
    refused leaves nothing behind: nothing has been written yet.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._logs: dict[str, _Log] = {}

    def add(self, batch: Batch) -> Receipt | None:
        """Plan a batch; None when it must be applied by itself. Raises as ``commit`` does."""
        if batch != Batch(appends=batch.appends) or not all(map(_is_plain, batch.appends)):
            return None
        heads: dict[str, Stream] = {}
        new: list[tuple[_Log, list[object]]] = []
        seqs: list[tuple[int, ...]] = []
        for wanted in batch.appends:
            log = self._log(wanted.name)
            before = heads.get(wanted.name, log.head)
            check_tenant(before, wanted)
            steps = plan(before, wanted, log.waiting, _never)
            if steps.states or log.waiting:
                return None
            made, leaves = log_rows.entry_rows(log.stream, steps.dense)
            frontier = before.frontier.grown(leaves)
            heads[wanted.name] = replace(before, size=frontier.size, frontier=frontier)
            new.append((log, made))
            seqs.append(steps.seqs)
        for name, after in heads.items():
            self._logs[name].head = after
        for log, cells in new:
            log.new += cells
        return Receipt(tuple(seqs))

    def _log(self, name: str) -> _Log:
        log = self._logs.get(name)
        if log is None:
            log = self._logs[name] = _Log(*whole_head(self._session, Family.RUN, name))
        return log

    def write(self) -> None:
        """Write what was planned, and forget the heads: others may move them now."""
        grown = [log for log in self._logs.values() if log.new]
        self._logs.clear()
        if not grown:
            return
        cells = [(log.stream, log.head.size, log.head.frontier.packed()) for log in grown]
        self._session.later(_GROW, tuple(map(list, zip(*cells, strict=True))))
        entries = [cell for log in grown for cell in log.new]
        self._session.later(INSERT_ENTRIES, entry_columns(entries))


def _is_plain(wanted: Append) -> bool:
    """Tell whether an append only adds entries, of texts that every database takes."""
    return (
        wanted.family is Family.RUN
        and wanted.key is None
        and all(
            draft.seq is None
            and draft.action is None
            and _is_storable(draft.kind)
            and _is_storable(draft.body or "")
            for draft in wanted.drafts
        )
    )


def _is_storable(text: str) -> bool:
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _never(seq: int) -> Entry:
    msg = f"nobody asked for entry {seq}"
    raise AssertionError(msg)
