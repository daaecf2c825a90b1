"""What verification asks of the past: that logs still begin with what they held before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.commitment import leaf_of
from aivcs.domain.report import Problem
from aivcs.domain.saved import Saved, SavedLog, begun
from aivcs.domain.trust import Trusted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aivcs.domain.merkle import Frontier
    from aivcs.domain.run import RunRecord
    from aivcs.domain.stream import Entry, Family, Stream
    from aivcs.ports import Ledger
    from aivcs.services.check_trees import SealChecks


class Past:
    """Compares logs with what was saved of them, and notes what they are now.

    With ``keep`` it notes every log, else only those that may still grow.
    """

    def __init__(self, ledger: Ledger, saved: Saved | None = None, *, keep: bool = False) -> None:
        self._ledger = ledger
        self._saved = saved
        self._before = {} if saved is None else saved.by_name()
        self._keep = keep
        self._seen: set[tuple[Family, str]] = set()
        self._logs: list[SavedLog] = []
        self.growing: dict[tuple[Family, str], Frontier] = {}

    def sizes(self, family: Family, name: str) -> Sequence[int]:
        """Return at which size of a log its root is wanted."""
        found = self._before.get((family, name))
        return () if found is None else (found.size,)

    def check(
        self,
        head: Stream,
        tree: Frontier,
        roots: Mapping[int, bytes],
        run: RunRecord | None = None,
        early: Mapping[int, Entry] | None = None,
        seal: bytes | None = None,
    ) -> Iterator[str]:
        """Yield what is otherwise than it was; ``roots`` are those of the sizes asked for."""
        key = head.family, head.name
        self._seen.add(key)
        if run is None or not run.status.terminal:
            self.growing[key] = tree
        before = self._before.get(key)
        if before is None and not self._keep:
            return
        now = SavedLog(
            head.family,
            head.name,
            head.size,
            tree.root(),
            None if run is None else f"{run.state.value} {run.wait or ''}".strip(),
            None if run is None else begun(run),
            seal,
            tuple((seq, leaf_of(entry)) for seq, entry in (early or {}).items()),
        )
        if self._keep:
            self._logs.append(now)
        if before is not None:
            yield from self._differences(before, now, roots.get(before.size))

    def _differences(self, before: SavedLog, now: SavedLog, root: bytes | None) -> Iterator[str]:
        if now.size < before.size:
            missing = (
                f"{now.size + 1} to {before.size}" if before.size - now.size > 1 else before.size
            )
            yield f"it was saved with {before.size} entries: {missing} missing"
        elif root is not None and root != before.root:
            yield f"its first {before.size} entries are not those that were saved"
        if now.begun != before.begun:
            yield "what it began with is not what was saved"
        if before.seal is not None and now.seal != before.seal:
            yield "it was saved as ended, with another seal"
        unmoved = before.seal is None and now.seal is None and now.size == before.size
        if unmoved and now.state != before.state:
            yield f"it is {now.state}, but was saved as {before.state}"
        here = dict(now.early)
        for seq, leaf in before.early:
            if (here.get(seq) or self._leaf(before, seq)) != leaf:
                yield f"at early event {seq}: it is not the one that was saved"

    def _leaf(self, log: SavedLog, seq: int) -> bytes | None:
        found = self._ledger.entries(log.family, log.name, after=seq - 1, limit=1)
        entry = next(iter(found), None)
        return None if entry is None or entry.seq != seq else leaf_of(entry)

    def gone(self, seals: SealChecks) -> Iterator[Problem]:
        """Yield the logs that were saved and are not there, once all logs were checked."""
        if self._saved is None:
            return
        for family, name in self._before:
            if (family, name) not in self._seen:
                yield Problem(family.value, name, "it was saved, and is missing")
        count, root = self._saved.seals, seals.roots.get(self._saved.seals)
        if seals.number < count:
            detail = f"{count} ended runs were saved, {count - seals.number} of them are missing"
            yield Problem("ledger", "aivcs.db", detail)
        elif root != self._saved.root:
            detail = f"the first {count} ended runs are not those that were saved"
            yield Problem("ledger", "aivcs.db", detail)

    def now(self, seals: SealChecks) -> Saved:
        """Return what the ledger holds; the logs only where they are kept."""
        return Saved(seals.number, seals.tree.root(), tuple(self._logs) if self._keep else None)

    def trusted(self, seals: SealChecks, before: Trusted | None = None) -> Trusted:
        """Return what needs no reading next time, when nothing was wrong."""
        last = seals.last or (b"" if before is None else before.last)
        return Trusted(seals.number, last, self.growing)
