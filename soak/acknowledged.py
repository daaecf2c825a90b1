"""What authors of logs were told is durable, and whether a ledger still has it.

``run``      RUN: it began
``has``      RUN MARK OF SEQ...: entries of one mark; ``OF`` of them came in one call, 0 in many
``ended``    RUN STATUS SIZE
``release``  NAME SEQ SPEC
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from aivcs.errors import AivcsError
from soak.author import KIND, said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aivcs.domain.canonical import Json
    from aivcs.repo import Repo


class Told(NamedTuple):
    """An entry that was acknowledged."""

    mark: str
    number: int
    of: int


@dataclass(slots=True)
class Acknowledged:
    """Everything that was told, by run and by release."""

    runs: dict[str, dict[int, Told]] = field(default_factory=dict)
    ends: dict[str, tuple[str, int]] = field(default_factory=dict)
    releases: dict[tuple[str, int], str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    _numbers: Counter[str] = field(default_factory=Counter)

    def hear(self, lines: Iterable[str]) -> None:
        """Take note of whole lines; one that was not finished is not told."""
        for line in lines:
            if line.endswith("\n"):
                _, word, *rest = line.split()
                getattr(self, f"_hear_{word}")(*rest)

    def __len__(self) -> int:
        """Return how many entries, ends and releases were acknowledged."""
        return sum(map(len, self.runs.values())) + len(self.ends) + len(self.releases)

    def _hear_run(self, run: str) -> None:
        self.runs.setdefault(run, {})

    def _hear_has(self, run: str, mark: str, of: str, *seqs: str) -> None:
        known = self.runs.setdefault(run, {})
        for seq in map(int, seqs):
            if seq in known:
                self.wrong.append(f"{run} seq {seq} was given to {known[seq].mark} and {mark}")
            known[seq] = Told(mark, self._numbers[mark], int(of))
            self._numbers[mark] += 1

    def _hear_ended(self, run: str, status: str, size: str) -> None:
        self.ends[run] = (status, int(size))

    def _hear_release(self, name: str, seq: str, spec: str) -> None:
        if self.releases.setdefault((name, int(seq)), spec) != spec:
            self.wrong.append(f"{name}@{seq} was given twice")


def missing(repo: Repo, told: Acknowledged) -> Iterator[str]:
    """Yield a sentence for what is not there, is not what it was, or came in part only."""
    yield from told.wrong
    for run, entries in told.runs.items():
        try:
            yield from (f"{run}: {text}" for text in _run(repo, run, entries, told.ends.get(run)))
        except AivcsError as error:
            yield f"{run}: {type(error).__name__}: {error.message}"
    for (name, seq), spec in told.releases.items():
        try:
            found = str(repo.releases.entry(name, seq).spec_digest)
        except AivcsError as error:
            found = error.message
        if found != spec:
            yield f"{name}@{seq}: {found} instead of {spec}"


def _run(repo: Repo, run: str, told: dict[int, Told], end: tuple[str, int] | None) -> Iterator[str]:
    record = repo.runs.get_run(run)
    here = {event.seq or 0: event.payload for event in repo.runs.iter_events(run)}
    gaps = sorted(set(range(1, record.total_events + 1)) - here.keys())
    if gaps:
        yield f"seqs {gaps} are missing before {record.total_events}"
    for seq, one in told.items():
        if _note(here.get(seq)) != said(*one):
            yield f"seq {seq} of {one.mark} is lost or changed: {str(here.get(seq))[:80]}"
    if end is not None and (record.status.value, record.total_events) != end:
        yield f"it is {record.status.value} with {record.total_events} events, not {end}"
    yield from _parts(filter(None, map(_note, here.values())))


def _parts(notes: Iterable[dict[str, object]]) -> Iterator[str]:
    """Name the calls of which some entries are there and others not."""
    whole: dict[str, int] = {}
    count: Counter[str] = Counter()
    for note in notes:
        mark, of = str(note["mark"]), note["of"]
        if isinstance(of, int) and of:
            whole[mark] = of
            count[mark] += 1
    yield from (
        f"{count[mark]} of {of} of {mark}" for mark, of in whole.items() if count[mark] != of
    )


def _note(payload: Json) -> dict[str, object] | None:
    """Return what an author said, also where it is wrapped as an execution's own event."""
    if isinstance(payload, dict) and payload.get("event_type") == KIND:
        payload = payload.get("data")
    return dict(payload) if isinstance(payload, dict) and "mark" in payload else None
