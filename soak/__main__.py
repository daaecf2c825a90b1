"""Run the sweeps, keep their results, and write the page on reliability."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from soak import report
from soak.result import RESULTS, Skipped, keep, load
from soak.sweeps import SWEEPS


def main() -> int:
    """Return 1 when a sweep found something wrong."""
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("names", nargs="*", help="which sweeps (all of them)")
    parser.add_argument("--seed", type=int, default=1, help="where the dice begin (1)")
    parser.add_argument("--share", type=float, default=1.0, help="how much of each (1.0)")
    parser.add_argument("--page", type=Path, default=report.PAGE, help="where the page goes")
    asked = parser.parse_args()
    failed = 0
    for name in asked.names or SWEEPS:
        print(f"{name}: begins", flush=True)
        try:
            result = SWEEPS[name](asked.seed, asked.share)
        except Skipped as reason:
            print(f"{name}: skipped, {reason}", flush=True)
            continue
        keep(result, asked.share)
        print(f"{name}: {'ok' if result.ok else 'WRONG'} after {result.seconds:.0f} s", end=" ")
        print(result.counts, *result.wrong, sep="\n  ", flush=True)
        failed += not result.ok
    kept = {name: load(path) for name in SWEEPS if (path := RESULTS / f"{name}.json").is_file()}
    asked.page.write_text(report.page(kept))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
