"""Run a program from a small process and say how long it took: LAUNCH OUT STDIN PROGRAM...

A program's peak memory as the kernel tells it is at least that of the process that
started it, so the large process of the benchmark starts none itself. OUT becomes a JSON
object: seconds, CPU seconds, peak bytes. Output of the program on stdout is dropped; STDIN
is a file; the exit status is the program's.
"""

import json
import os
import sys
from time import perf_counter


def main() -> int:
    """Measure one run of the program; return its exit status."""
    out, stdin, *argv = sys.argv[1:]
    actions = (
        (os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
    )
    start = perf_counter()
    child = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    seconds = perf_counter() - start
    with open(out, "w") as file:  # noqa: PTH123 - pathlib would triple the size of this process
        json.dump(
            {
                "seconds": seconds,
                "cpu": usage.ru_utime + usage.ru_stime,
                "peak": usage.ru_maxrss * 1024,
            },
            file,
        )
    return abs(os.waitstatus_to_exitcode(status))


sys.exit(main())
