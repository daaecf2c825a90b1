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

    def program(name: str, shown: str, checked: str, *words: object) -> Contender:
        argv = (sys.executable, "-m", *map(str, words))
        return Contender(name, shown, checked, lambda folder: whole(timed(argv, folder)))

    def aivcs(name: str, call: str, repository: Path, how: str) -> Contender:
        inside = ("benchmarks.inside.get_random", ours, repository, how)
        return program(name, f"a Python program: {call}", durability.VERIFIED, *inside)

    def cat_file(name: str, *options: str) -> Contender:
        shown = " ".join(("a Python program that reads from git cat-file --batch", *options))
        inside = ("benchmarks.inside.git_random", theirs, git / ".git", *options)
        return program(name, shown, durability.UNVERIFIED, *inside)

    thrown_away = Contender(
        "git cat-file, nobody reads",
        "git cat-file --batch >/dev/null",
        durability.UNVERIFIED,
        lambda folder: whole(timed(git_words, folder, theirs)),
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
                "A fresh Python program gets each document once, all stores in the same random "
                "order; start and exit are timed. git reads from the one pack that git gc "
                "left, and answers through a pipe. For comparison, git alone with its output "
                "thrown away.",
                "documents/s",
                (
                    aivcs("aivcs", "repo.objects.get_many(order)", repository, "many"),
                    aivcs("aivcs, one by one", "repo.objects.get(digest)", repository, "one"),
                    cat_file("git cat-file"),
                    cat_file("git cat-file --buffer", "--buffer"),
                    thrown_away,
                ),
                (Bar("aivcs", "git cat-file", at_least=bar),),
            )
        )
    return results
