"""``python -m benchmarks``: measure, keep the figures as JSON, write the page."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final

from benchmarks import ledger_peers, peers
from benchmarks.bench import Bench
from benchmarks.machine import machine
from benchmarks.measure import ROOT, BenchmarkError
from benchmarks.model import Report, from_json
from benchmarks.page import page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.model import Result

SCENARIOS: Final = {
    1: "small_files",
    2: "in_process",
    3: "disk",
    4: "random_reads",
    5: "verification",
    6: "large_files",
    7: "single_put",
    8: "crowd",
    9: "million",
}
LEDGER: Final = {
    1: "ledger_flushes",
    2: "ledger_appends",
    3: "ledger_call",
    4: "ledger_crowd",
    5: "ledger_reading",
    6: "ledger_growth",
    7: "ledger_listing",
    8: "ledger_verification",
    9: "ledger_postgres",
    10: "ledger_releases",
}
PARTS: Final = {"objects": (SCENARIOS, peers), "ledger": (LEDGER, ledger_peers)}
HOME: Final = ROOT / "build" / "bench"
PAGE: Final = ROOT / "docs" / "benchmarks.md"


def main(words: Sequence[str] | None = None) -> int:
    """Run what is asked for; return the exit status."""
    options = _parser().parse_args(words)
    options.home = options.home.resolve()
    results = options.home / "results.json"
    try:
        if not options.render:
            for report in _measure(options):
                results.write_text(json.dumps(report.as_json(), indent=1) + "\n")
        if options.page:
            options.page.write_text(page(from_json(json.loads(results.read_bytes()))))
    except (BenchmarkError, FileNotFoundError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", metavar="ROWS", help="rows of the table, for example 1,2")
    parser.add_argument(
        "--part", choices=PARTS, default="objects", help="objects, or events (give it a --home)"
    )
    parser.add_argument("--repeat", type=int, default=5, help="repetitions of each side")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies counts and sizes")
    parser.add_argument("--home", type=Path, default=HOME, help="where to work")
    parser.add_argument("--page", type=Path, help="write the page here")
    parser.add_argument(
        "--render", action="store_true", help="measure nothing; write the page from the last run"
    )
    return parser


def _measure(options: argparse.Namespace) -> Iterator[Report]:
    """Yield the report as far as it goes, after each row: a failure loses none before it."""
    scenarios, others = PARTS[options.part]
    rows = sorted(int(row) for row in options.only.split(",")) if options.only else [*scenarios]
    found = others.find()
    scratch = options.home / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    bench = Bench(scratch, options.repeat, options.scale, found)
    before = os.getloadavg()[0]
    here, versions = machine(scratch), others.versions(found)
    results: list[Result] = []
    start = monotonic()
    for row in rows:
        print(f"row {row}: {scenarios[row]} ({monotonic() - start:.0f} s)", file=sys.stderr)
        results += import_module(f"benchmarks.scenarios.{scenarios[row]}").run(bench)
        settings = {
            "part": options.part,
            "repetitions": str(options.repeat),
            "scale": str(options.scale),
            "load of the machine before": f"{before:.1f}",
            "took": f"{monotonic() - start:.0f} s",
        }
        yield Report(here, versions, settings, tuple(results))
    shutil.rmtree(scratch)


if __name__ == "__main__":
    sys.exit(main())
