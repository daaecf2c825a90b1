"""aivcs: store many tiny objects, pinned: FOLDER COUNT. Their digests can be recomputed."""

from __future__ import annotations

import sys
from time import perf_counter

import aivcs
from benchmarks.inside.timing import say


def tiny(number: int) -> bytes:
    """Return the object of a number."""
    return (
        b'{"run_id": "%032x", "seq": %d, "kind": "state_written", "payload": {"step": %d, '
        b'"next": "tool_%d", "checksum": "%x"}}'
        % (
            number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128,
            number % 97,
            number,
            number % 13,
            number * 0x2545F4914F6CDD1D % 2**64,
        )
    )


def main() -> None:
    """Fill a new repository."""
    _, folder, count = sys.argv
    start = perf_counter()
    with aivcs.init(folder) as repo:
        repo.objects.put_many((tiny(number) for number in range(int(count))), pin=True)
    say(seconds=perf_counter() - start)


if __name__ == "__main__":
    main()
