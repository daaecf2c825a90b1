"""disk-objectstore: store all documents by its batch call: LINES FOLDER [compress]."""

from __future__ import annotations

import sys
from time import perf_counter

from disk_objectstore import Container

from benchmarks.inside.timing import lines, say


def main() -> None:
    """Measure it."""
    _, source, folder, *how = sys.argv
    documents = lines(source)
    container = Container(folder)
    container.init_container()
    start = perf_counter()
    container.add_objects_to_pack(documents, compress=bool(how), do_fsync=True)
    seconds = perf_counter() - start
    container.close()
    say(seconds=seconds)


if __name__ == "__main__":
    main()
