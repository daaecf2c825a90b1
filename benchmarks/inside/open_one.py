"""aivcs: what opening a repository and reading one object costs: FOLDER DIGEST."""

from __future__ import annotations

import json
import sys
from time import perf_counter, process_time

import aivcs


def peak() -> int:
    """Return the most bytes that this process has had in memory."""
    with open("/proc/self/status") as file:  # noqa: PTH123 - pathlib would count
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def main() -> None:
    """Measure beyond the import of the package."""
    _, folder, digest = sys.argv
    memory, cpu, start = peak(), process_time(), perf_counter()
    with aivcs.open(folder) as repo:
        repo.objects.get(digest)
        took, used, held = perf_counter() - start, process_time() - cpu, peak() - memory
    json.dump({"seconds": took, "cpu": used, "memory": held}, sys.stdout)


if __name__ == "__main__":
    main()
