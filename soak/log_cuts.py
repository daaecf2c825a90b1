"""Power cuts while authors write logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from soak import powercut
from soak.acknowledged import Acknowledged
from soak.log_kills import look, prepare

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from aivcs.repo import Repo
    from soak.result import Result


def _problems(repo: Repo, lines: list[str], counts: Counter[str]) -> Iterator[str]:
    told = Acknowledged()
    told.hear(lines)
    counts["acknowledged entries, ends and releases"] += len(told)
    yield from look(repo, told)


LOGS: Final = powercut.Subject(
    "log-cuts", "soak.author", (("author",), ("author",) * 3), prepare, _problems
)


def run(seed: int, cuts: int) -> Result:
    """Cut the power at least ``cuts`` times; what is wrong is what ``log_kills`` calls so."""
    return powercut.run(seed, cuts, subject=LOGS)
