"""One durable put, beside one raw append and one bare commit of SQLite: LINES FOLDER COUNT."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import perf_counter

import apsw

import aivcs
from benchmarks.inside.timing import lines, middle, say


def main() -> None:
    """Take turns, document by document."""
    _, source, folder, count = sys.argv
    documents = lines(source)[: int(count)]
    raw = os.open(Path(folder) / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    bare = apsw.Connection(str(Path(folder) / "bare.db"))
    for words in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE o (d BLOB)"):
        bare.execute(words).fetchall()
    took: dict[str, list[float]] = {"aivcs": [], "raw": [], "sqlite": []}
    with aivcs.init(folder) as repo:
        for document in documents:
            start = perf_counter()
            repo.objects.put(document)
            took["aivcs"].append(perf_counter() - start)

            start = perf_counter()
            os.write(raw, document)
            os.fdatasync(raw)
            took["raw"].append(perf_counter() - start)

            start = perf_counter()
            bare.execute("INSERT INTO o VALUES (?)", (document,))
            took["sqlite"].append(perf_counter() - start)
    figures = {}
    for name, seconds in took.items():
        figures[name] = middle(seconds)
        figures[f"{name} p99"] = middle(seconds, 0.99)
    say(**figures)


if __name__ == "__main__":
    main()
