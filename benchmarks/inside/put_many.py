"""aivcs: store all documents by one ``put_many``: LINES FOLDER [pin]."""

from __future__ import annotations

import sys
from time import perf_counter

import aivcs
from benchmarks.inside.timing import lines, say


def main() -> None:
    """Measure it."""
    _, source, folder, *how = sys.argv
    documents = lines(source)
    with aivcs.init(folder) as repo:
        start = perf_counter()
        repo.objects.put_many(documents, pin=bool(how))
        say(seconds=perf_counter() - start)


if __name__ == "__main__":
    main()
