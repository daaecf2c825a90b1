"""aivcs: moves of one name's releases: FOLDER ENTRIES TURNS. Prints seconds and CPU seconds.

The log has so many entries before anything is timed.
"""

from __future__ import annotations

import sys
from itertools import count
from typing import TYPE_CHECKING, Final

import aivcs
from aivcs.domain.batch import Batch
from aivcs.domain.commitment import SALT_SIZE
from aivcs.domain.log_writes import Append
from aivcs.domain.stream import Family
from aivcs.services import bodies
from benchmarks.inside.timing import in_turn, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.domain.canonical import Json
    from aivcs.repo import Repo

_NAME: Final = "bench"
_TOGETHER: Final = 1000


def main() -> None:
    """Fill the log, then promote, roll back and ask in turn."""
    _, folder, entries, turns = sys.argv
    aivcs.init(folder).close()
    with aivcs.open(folder, durability="os") as repo:
        specs = [
            repo.specs.add({"name": _NAME, "components": {"prompts": {"system.md": text}}}).digest
            for text in ("Be brief.", "Be kind.")
        ]
        said = aivcs.ReleaseMetadata(promoted_by="bench")
        _fill(repo, specs, int(entries))
    numbers = count()
    with aivcs.open(folder, durability="sync") as repo:
        moves: dict[str, Callable[[], object]] = {
            "promote": lambda: repo.releases.promote(_NAME, specs[next(numbers) % 2], said),
            "rollback": lambda: repo.releases.rollback(_NAME, actor="bench"),
            "current": lambda: repo.releases.current(_NAME),
        }
        say(**in_turn(moves, int(turns)))


def _fill(repo: Repo, specs: list[aivcs.Digest], entries: int) -> None:
    """Append promotes, as many in a transaction as one may hold; each would be flushed alone."""
    for start in range(0, entries, _TOGETHER):
        drafts = []
        for number in range(start, min(start + _TOGETHER, entries)):
            body: Json = {
                "spec_digest": str(specs[number % 2]),
                "metadata": {"version_label": None, "promoted_by": "bench", "notes": None},
                "actor": "bench",
                "reason": None,
                "previous": number or None,
                "restores": None,
            }
            now = repo.clock()
            salt = number.to_bytes(SALT_SIZE, "big")
            drafts.append(bodies.draft(repo.objects, "promote", body, now, now, salt=salt)[0])
        append = Append(Family.RELEASE, _NAME, tuple(drafts), expected_size=start)
        repo.objects.ledger.commit(Batch(appends=(append,)))


if __name__ == "__main__":
    main()
