"""Write .aivcs-example, the repository that the demo makes, and what it holds as JSON.

It stands for the newest format: run this when the format changes, and keep the example of
a released format under tests/golden.
"""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from aivcs.cli.main import main as aivcs
from aivcs.demo.story import AGENT

ROOT: Final = Path(__file__).resolve().parent.parent
EXAMPLE: Final = ROOT / ".aivcs-example"
LISTING: Final = ROOT / "tests" / "golden" / "example.json"


def ask(*args: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return what a command of the program answers as JSON."""
    caught = BytesIO()
    screen = TextIOWrapper(caught, encoding="utf-8", write_through=True)
    with redirect_stdout(screen):
        status = aivcs([*args, "--json"])
    if status:
        msg = f"aivcs {' '.join(args)} ended with {status}"
        raise SystemExit(msg)
    return json.loads(caught.getvalue())


def listing(repository: Path) -> dict[str, Any]:
    """Return the specs, runs and releases of a repository, and how much was verified."""
    where = ("-C", str(repository))
    runs = ask(*where, "run", "list")
    return {
        "specs": ask(*where, "spec", "list"),
        "runs": runs,
        "last_events": {
            run["run_id"]: ask(
                *where, "run", "events", run["run_id"], "--after", str(run["total_events"] - 1)
            )
            for run in runs
        },
        "releases": ask(*where, "history", AGENT),
        "checked": ask(*where, "verify")["checked"],
    }


def main() -> int:
    """Make the repository anew and write both; return 1 if it left a journal behind."""
    with TemporaryDirectory() as place:
        story = Path(place) / "story"
        ask("demo", str(story))
        made = story / ".aivcs"
        held = listing(story)
        journals = sorted(path.name for path in made.rglob("*-*") if path.is_file())
        if journals:
            print(f"not closed: {', '.join(journals)}")
            return 1
        shutil.rmtree(EXAMPLE, ignore_errors=True)
        # Within a checkout of this project git is to see the example.
        shutil.copytree(made, EXAMPLE, ignore=shutil.ignore_patterns(".gitignore", "cache.db"))
    LISTING.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
    print(f"{sum(path.stat().st_size for path in EXAMPLE.rglob('*') if path.is_file())} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
