"""aivcs: how long ``run.event()`` keeps its caller, in ``group``: FOLDER COUNT PAUSE.

PAUSE is seconds from one call to the next, 0 for a tight loop. Prints seconds.
"""

from __future__ import annotations

import sys
from time import perf_counter, sleep

import aivcs
from benchmarks.inside.timing import middle, say
from benchmarks.recorders.events import KIND, payload


def main() -> None:
    """Call it and time each call by itself."""
    _, folder, count, pause = sys.argv
    took = []
    aivcs.init(folder).close()
    with aivcs.open(folder, durability="group") as repo:
        spec = repo.specs.add({"name": "bench", "components": {"model": {"name": "small"}}})
        with repo.run(spec=spec, agent="bench") as run:
            run.event(KIND, payload(0))
            run.flush()
            wait = float(pause)
            due = perf_counter()
            for number in range(int(count)):
                if wait:
                    due += wait
                    sleep(max(0.0, due - perf_counter()))
                body = payload(number)
                start = perf_counter()
                run.event(KIND, body)
                took.append(perf_counter() - start)
    say(p50=middle(took), p99=middle(took, 0.99), worst=max(took))


if __name__ == "__main__":
    main()
