"""Row 9: opening a repository with a million objects and reading one."""

from __future__ import annotations

import sys
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING, Final

from benchmarks import durability
from benchmarks.inside.put_million import tiny
from benchmarks.measure import Contender, in_turn, inside, prepare
from benchmarks.model import Bar, Measured, Result

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench

COUNT: Final = 1_000_000
_MILLI: Final = 1e3
_MEGA: Final = 1e6


def run(bench: Bench) -> list[Result]:
    """Fill one repository; read from it hot, then sealed."""
    count = bench.scaled(COUNT)
    home = bench.scratch / "million"
    home.mkdir()
    inside(sys.executable, "put_million", home, home, count)
    random = Random(9)

    def measure(folder: Path) -> Measured:
        digest = f"sha256:{sha256(tiny(random.randrange(count))).hexdigest()}"
        found = inside(sys.executable, "open_one", folder, home, digest)
        return Measured(
            found["cpu"] * _MILLI,
            {"RSS MB": found["memory"] / _MEGA, "wall ms": found["seconds"] * _MILLI},
        )

    def side(name: str) -> Contender:
        ran = "aivcs.open(folder), repo.objects.get(digest)"
        return Contender(name, ran, durability.VERIFIED, measure)

    hot = in_turn([side("aivcs, hot")], bench.repeat, bench.scratch)
    prepare([bench.peers.aivcs, "seal"], home)
    sealed = in_turn([side("aivcs")], bench.repeat, bench.scratch)
    return [
        Result(
            9,
            f"opening a repository of {count:,} objects and reading one",
            "A fresh process opens the repository and reads an object at random: CPU time, "
            "and peak memory, beyond what importing aivcs costs.",
            "ms of CPU",
            (*hot, *sealed),
            tuple(
                bar
                for name in ("aivcs, hot", "aivcs")
                for bar in (Bar(name, at_most=50), Bar(name, at_most=40, of="RSS MB"))
            ),
        )
    ]
