"""Check the sizes of modules: half of them at most 120 lines, none over 400."""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

MEDIAN_LIMIT = 120
LIMIT = 400
FOLDERS = ("aivcs", "tests", "scripts", "soak", "benchmarks")


def main() -> int:
    """Print the sizes that are too large; return 1 if there are any."""
    root = Path(__file__).resolve().parent.parent
    lines = {
        path.relative_to(root): len(path.read_bytes().splitlines())
        for folder in FOLDERS
        for path in (root / folder).rglob("*.py")
    }
    long = {path: count for path, count in lines.items() if count > LIMIT}
    for path, count in sorted(long.items()):
        print(f"{path}: {count} lines, over {LIMIT}")
    package = [count for path, count in lines.items() if path.parts[0] == "aivcs"]
    middle = median(package)
    print(f"{len(lines)} modules; median in aivcs {middle:g} lines, longest {max(lines.values())}")
    return 1 if long or middle > MEDIAN_LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
