"""Write events into a store, or read them: RECORDER FOLDER COUNT GROUP | RECORDER FOLDER.

Prints wall and CPU seconds; after reading also how many events there were, and how many
bytes of memory the process took more than before.
"""

from __future__ import annotations

import resource
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.inside.timing import say
from benchmarks.recorders.stretch import Stretch


def main() -> None:
    """Do it by the module that the words name."""
    _, name, folder, *amounts = sys.argv
    recorder = import_module(f"benchmarks.recorders.{name}")
    stretch = Stretch()
    figures: dict[str, float] = {}
    if amounts:
        count, group = map(int, amounts)
        recorder.write(Path(folder), count, group, stretch)
    else:
        before = _peak()
        figures["read"] = recorder.read(Path(folder), stretch)
        figures["peak"] = _peak()
        figures["memory"] = figures["peak"] - before
    say(seconds=stretch.seconds, cpu=stretch.cpu, **figures)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
