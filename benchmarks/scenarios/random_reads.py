"""Row 4: every document once, in random order, by a fresh process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks import durability, stores
from benchmarks.measure import Contender, timed
from benchmarks.model import Bar, Measured
from benchmarks.scenarios.small_files import COUNT

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.measure import Ran
    from benchmarks.model import Result


def run(bench: Bench) -> list[Result]:
    """Read from rows, from packs, and from git's pack."""
    corpus = bench.documents(COUNT)
    ours, theirs = stores.orders(bench, corpus)
    git = stores.git(bench, corpus)
    git_words = ("git", "--git-dir", str(git / ".git"), "cat-file", "--batch")

    def whole(ran: Ran) -> Measured:
        return Measured(corpus.count / ran.seconds, {"CPU s": ran.cpu, "peak MB": ran.peak / 1e6})

    def aivcs(name: str, call: str, repository: Path, how: str) -> Contender:
        words = (
            sys.executable,
            "-m",
            "benchmarks.inside.get_random",
            str(ours),
            str(repository),
            how,
        )
        return Contender(
            name,
            f"a Python program: {call}",
            durability.VERIFIED,
            lambda folder: whole(timed(words, folder)),
        )

    def cat_file(name: str, *options: str) -> Contender:
        words = (*git_words, *options)
        return Contender(
            name,
            " ".join(("git cat-file --batch", *options)),
            durability.UNVERIFIED,
            lambda folder: whole(timed(words, folder, theirs)),
        )

    results = []
    for state, repository, bar in (
        ("hot", stores.hot(bench, corpus), 1.0),
        ("sealed", stores.sealed(bench, corpus), 0.5),
    ):
        results.append(
            bench.compare(
                4,
                f"{corpus.count:,} random reads, {state}",
                "A fresh process reads each document once, all stores in the same random "
                "order; start and exit are timed. git reads from the one pack that git gc "
                "left, and its output goes to /dev/null.",
                "documents/s",
                (
                    aivcs("aivcs", "repo.objects.get_many(order)", repository, "many"),
                    aivcs("aivcs, one by one", "repo.objects.get(digest)", repository, "one"),
                    cat_file("git cat-file"),
                    cat_file("git cat-file --buffer", "--buffer"),
                ),
                (Bar("aivcs", "git cat-file", at_least=bar),),
            )
        )
    return results
