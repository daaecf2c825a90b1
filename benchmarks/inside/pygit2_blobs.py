"""pygit2: store all documents as loose blobs: LINES FOLDER [fsync]."""

from __future__ import annotations

import sys
from time import perf_counter

import pygit2

from benchmarks.inside.timing import lines, say


def main() -> None:
    """Measure it."""
    _, source, folder, *how = sys.argv
    documents = lines(source)
    if how:
        pygit2.option(pygit2.enums.Option.ENABLE_FSYNC_GITDIR, 1)
    repo = pygit2.init_repository(folder, bare=True)
    start = perf_counter()
    for document in documents:
        repo.create_blob(document)
    say(seconds=perf_counter() - start)


if __name__ == "__main__":
    main()
