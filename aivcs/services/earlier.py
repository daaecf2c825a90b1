"""Finding earlier releases of an agent, reading no more of the log than is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.lineage import last_good
from aivcs.domain.release import LAST_GOOD, previous_of, select, seq_of, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.digest import Digest
    from aivcs.domain.release import ReleaseRecord
    from aivcs.services.releases import ReleaseRegistry


class Earlier:
    """Looks into the logs of ``releases``."""

    def __init__(self, releases: ReleaseRegistry) -> None:
        self._releases = releases
        self._labels: dict[str, tuple[int, set[str]]] = {}

    def wanted(self, current: ReleaseRecord, to: int | str | Digest | None) -> ReleaseRecord:
        """Return what a rollback from ``current`` restores; raises like ``rollback``."""
        name = current.name
        if to is None:
            return self._releases.entry(name, previous_of(current))
        if to == LAST_GOOD:
            history = self._releases.iter_history(name)
            return last_good(current, history, lambda seq: self._releases.entry(name, seq))
        return select(name, self._before(current, to), to)

    def named(self, name: str, wanted: int | str | Digest) -> ReleaseRecord:
        """Return a release by seq, label or digest. Raises ReleaseNotFound, AmbiguousId."""
        return select(name, self._from(name, wanted), wanted)

    def bears(self, name: str, label: str) -> bool:
        """Tell whether a release bears this label; reads only what is new since the last time."""
        last, labels = self._labels.get(name, (0, set()))
        for seq, found in self._releases.iter_labels(name, after=last):
            last = max(last, seq)
            if found is not None:
                labels.add(found)
        self._labels[name] = (last, labels)
        return label in labels

    def _before(self, current: ReleaseRecord, to: int | str | Digest) -> Iterator[ReleaseRecord]:
        return (one for one in self._from(current.name, to) if one.seq < current.seq)

    def _from(self, name: str, wanted: int | str | Digest) -> Iterator[ReleaseRecord]:
        """Yield what may be wanted, the newest first: of a seq only the entry that has it."""
        seq = seq_of(within(name, wanted))
        if seq is None:
            return self._releases.iter_history(name)
        return self._releases.iter_history(name, after=seq - 1, limit=1, newest_first=False)
