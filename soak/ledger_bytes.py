"""Which bytes of a large ledger are changed, and which of them at once.

One bit is changed in a byte, by the dice. Bytes are changed together where nothing that is
said of one can be meant for another:

* the columns of events, all but the numbers that order them: every byte, in every other
  event at once. Those events must be named, and none of the others;
* the columns of other rows and the headers of pages: every byte, one in a log at once, in logs
  that share no page. Some logs are always left alone, and nothing may be said of them;
* what nobody should read (unused bytes, lists of free pages, the map of the pages): all of
  a kind at once. Nothing may be said of any log;
* what all logs depend on, one by one: each byte of the file's header and of the numbers of
  pages.

Of the cells of an index, and of the heads of rows with the pointers to them, it is one byte of
each cell, by the dice; of each eighth row of an event it is every byte. What surrounds a cell
is alike in all cells of a tree, and so is what each byte of it means.
"""
# ruff: noqa: S608 - the statements are made of the names of tables

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

import apsw

from soak.anatomy import Anatomy, Part

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from random import Random

    from soak.anatomy import Region

_ROWS: Final = {"streams": "id", "runs": "stream", "ends": "stream", "expired": "stream"}
_NUMBERED: Final = ("entries", "early", "seals", "refs")
_BY_STREAM: Final = {
    "entries_by_seq", "keys", "keys_by_seq", "sqlite_autoindex_early_1", "sqlite_autoindex_seals_1",
}  # fmt: skip
_ORDERING: Final = (1, 2)
_NOBODYS: Final = (Part.UNUSED, Part.FREE, Part.MAP)
_SAMPLED: Final = (Part.CELL, Part.COLUMN, Part.POINTER)
_SPARED: Final = 3
_SOME: Final = 0.1
_WHOLE: Final = 8


class Flip(NamedTuple):
    """A change of one bit: its place, what it is in, the logs that may notice it, the event."""

    at: int
    mask: int
    part: Part
    tree: str
    column: int | None
    logs: frozenset[str]
    event: tuple[str, int] | None


class Trial(NamedTuple):
    """Changes that are made at once; ``events``: in cells of events, many of one log."""

    flips: tuple[Flip, ...]
    events: bool = False


class Chooser:
    """Knows what depends on each byte of a ledger, and sorts the bytes into trials."""

    def __init__(self, path: Path) -> None:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        roots = dict(db.execute("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0"))
        self.names: dict[int, str] = dict(db.execute("SELECT id, name FROM streams"))
        self._all = frozenset(self.names.values())
        self._places: dict[str, dict[int, tuple[int, int]]] = {
            **{
                table: {n: (n, 0) for (n,) in db.execute(f"SELECT {key} FROM {table}")}
                for table, key in _ROWS.items()
            },
            **{
                table: {n: (of, seq) for n, of, seq in db.execute(
                    f"SELECT id, ifnull(stream, 0), {'seq' if table in _NUMBERED[:2] else 0}"
                    f" FROM {table}"
                )}
                for table in _NUMBERED
            },
        }  # fmt: skip
        self._runs = {self.names[stream] for stream in self._places["runs"]}
        self._owners: dict[int, set[str]] = defaultdict(set)
        bodies = "SELECT h.id, e.stream FROM hot h JOIN entries e ON e.object = h.digest"
        for row, stream in db.execute(bodies):
            self._owners[row].add(self.names[stream])
        db.close()
        self._regions = list(Anatomy(path.read_bytes(), roots).regions())
        self._on: dict[int, frozenset[str]] = self._on_pages()

    def _on_pages(self) -> dict[int, frozenset[str]]:
        """Return the logs with rows on a page."""
        found: dict[int, set[str]] = defaultdict(set)
        for region in self._regions:
            if log := self._log(region):
                found[region.page].add(log)
        return {page: frozenset(names) for page, names in found.items()}

    def _place(self, region: Region) -> tuple[int, int] | None:
        """Return of which stream a cell is, and its seq there."""
        if region.key is None or not region.leaf:
            return None
        if region.tree in _BY_STREAM:
            return region.key, 0
        return self._places.get(region.tree, {}).get(region.key)

    def _log(self, region: Region) -> str:
        place = self._place(region)
        return "" if place is None else self.names.get(place[0], "")

    def _logs(self, region: Region) -> frozenset[str]:
        """Return the logs that a byte may concern."""
        if region.part in _NOBODYS:
            return frozenset()
        if region.part is Part.COLUMN and region.leaf:
            if region.tree == "hot":
                return frozenset(self._owners.get(region.key or 0, ()))
            if region.tree not in _BY_STREAM and self._place(region) is not None:
                return frozenset({self._log(region)}) - {""}
        known = region.tree in _BY_STREAM or region.tree in self._places
        return self._on.get(region.page, self._all) if known and region.leaf else self._all

    def _is_own(self, region: Region) -> bool:
        """Tell whether a byte of a cell concerns a few logs at most: each is changed then."""
        few = region.part is Part.COLUMN and self._logs(region) != self._all
        return few and region.tree not in _BY_STREAM

    def _flips(self, region: Region, dice: Random, places: range | list[int]) -> Iterator[Flip]:
        logs = self._logs(region)
        place = self._place(region) if region.tree == "entries" else None
        event = None if place is None else (self._log(region), place[1])
        for at in places:
            mask = 1 << dice.randrange(8)
            yield Flip(at, mask, region.part, region.tree, region.column, logs, event)

    def trials(self, dice: Random, share: float) -> Iterator[Trial]:
        """Yield a share of all trials; of events and of what nobody reads at least some."""
        yield from self._of_events(dice, share)
        yield from self._of_nobody(dice, share)
        yield from self._of_logs(dice, share)

    def _of_events(self, dice: Random, share: float) -> Iterator[Trial]:
        """Yield the trials of the columns of events that order nothing."""
        content: dict[tuple[str, int], list[tuple[Region, int]]] = defaultdict(list)
        for region in self._regions:
            if self._is_content(region):
                place = self._place(region) or (0, 0)
                key = self._log(region), place[1]
                content[key] += [(region, at) for at in range(region.start, region.end)]
        for n in range(max(map(len, content.values()))):
            for odd in (0, 1):
                if n and dice.random() >= share:
                    continue
                chosen = [
                    flip
                    for (_, seq), bytes_ in content.items()
                    if seq % 2 == odd and n < len(bytes_)
                    for flip in self._flips(bytes_[n][0], dice, [bytes_[n][1]])
                ]
                if chosen:
                    yield Trial(tuple(chosen), events=True)

    def _is_content(self, region: Region) -> bool:
        return (
            region.tree == "entries"
            and region.part is Part.COLUMN
            and region.column not in _ORDERING
            and self._log(region) in self._runs
        )

    def _of_nobody(self, dice: Random, share: float) -> Iterator[Trial]:
        for part in _NOBODYS:
            chosen = tuple(
                flip
                for region in self._regions
                if region.part is part
                for at in range(region.start, region.end)
                if dice.random() < max(share, _SOME)
                for flip in self._flips(region, dice, [at])
            )
            if chosen:
                yield Trial(chosen)

    def _of_logs(self, dice: Random, share: float) -> Iterator[Trial]:
        """Yield the other trials: flips that concern different logs, or one that concerns all."""
        waiting: dict[frozenset[str], list[Flip]] = defaultdict(list)
        for region, places in self._chosen(dice):
            wanted = [at for at in places if dice.random() < share]
            for flip in self._flips(region, dice, wanted):
                waiting[flip.logs].append(flip)
        for flips in waiting.values():
            dice.shuffle(flips)
        for flip in waiting.pop(self._all, []):
            yield Trial((flip,))
        most = len(self._all) - _SPARED
        while waiting:
            taken: set[str] = set()
            chosen: list[Flip] = []
            for logs in sorted(waiting, key=lambda logs: -len(waiting[logs])):
                if taken.isdisjoint(logs) and (not chosen or len(taken) + len(logs) <= most):
                    taken |= logs
                    chosen.append(waiting[logs].pop())
                    if not waiting[logs]:
                        del waiting[logs]
            yield Trial(tuple(chosen))

    def _chosen(self, dice: Random) -> Iterator[tuple[Region, range | list[int]]]:
        """Yield what is left, each with the places that are to be changed."""
        cells: dict[int, list[Region]] = defaultdict(list)
        for region in self._regions:
            if region.part in _NOBODYS or region.start == region.end or self._is_content(region):
                continue
            if region.part not in _SAMPLED or region.cell is None or self._is_own(region):
                yield region, range(region.start, region.end)
            else:
                cells[region.cell].append(region)
        for regions in cells.values():
            if regions[0].tree == "entries" and dice.randrange(_WHOLE) == 0:
                yield from ((region, range(region.start, region.end)) for region in regions)
                continue
            places = [(one, at) for one in regions for at in range(one.start, one.end)]
            region, at = dice.choice(places)
            yield region, [at]
