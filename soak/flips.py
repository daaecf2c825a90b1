"""Every byte of every file of a small sealed repository, changed one at a time.

The pages of its ledger are made small, so that all of them can be tried.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import apsw

from aivcs.adapters.forks import spread
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.errors import AivcsError
from aivcs.repo import init, open_repo
from aivcs.testing.subject import add_spec, by, end, note
from soak.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aivcs.repo import Repo

_MASKS: Final = (0x01, 0x80, 0xFF)
_PAGE: Final = 512
_CHUNK: Final = 50
_KEPT: Final = 20


@dataclass(frozen=True, slots=True)
class Flip:
    """One change: a file, the place of a byte in it, and the bits that change."""

    name: str
    at: int
    mask: int


def run(seed: int, share: float) -> Result:
    """Change a share of all bytes, each by one mask, and see what is reported or returned."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="aivcs-flips-") as place:
        pattern = Path(place, "pattern")
        make(pattern)
        flips = list(choose(pattern, Random(seed), share))
        chunks = [flips[start : start + _CHUNK] for start in range(0, len(flips), _CHUNK)]
        counts: Counter[str] = Counter({"bytes": len(flips)})
        wrong: list[str] = []
        truth = told(pattern)

        def work(n: int) -> tuple[Counter[str], list[str]]:
            return tried(pattern, Path(place, str(n)), chunks[n], truth)

        with spread(work, len(chunks)) as done:
            for _, (found, bad) in done:
                counts += found
                wrong += bad
    return Result("flips", seed, time.monotonic() - begun, dict(counts), tuple(wrong[:_KEPT]))


def make(place: Path) -> None:
    """Make a repository with one of everything, most of it sealed, and close it."""
    with init(place) as repo:
        spec = add_spec(repo)
        run_id = repo.runs.create_run(spec, RunMetadata("agent", tags={"a": [1, "two"]}))
        repo.runs.append_events(run_id, [note(1), note(2, "long " * 1000), note(3)])
        end(repo, run_id, RunStatus.FAILED, repo.objects.put(b'{"a state": 1}'))
        repo.releases.promote("agent", spec, by())
        repo.objects.put_many([b'{"document": %d}' % n * 9 for n in range(12)], pin=True)
        repo.seal()
        repo.objects.put(b'{"hot": true}', pin=True)
        repo.objects.put(b"large and even " * 10_000, pin=True)
    database = apsw.Connection(str(place / ".aivcs" / "aivcs.db"))
    for statement in ("journal_mode=DELETE", f"page_size={_PAGE}"):
        database.execute(f"PRAGMA {statement}")
    database.execute("VACUUM")
    database.execute("PRAGMA journal_mode=WAL")
    database.close()


def choose(pattern: Path, dice: Random, share: float) -> Iterator[Flip]:
    """Yield changes of a share of the bytes of each file."""
    for path in sorted(pattern.rglob("*")):
        if path.is_file():
            for at in range(path.stat().st_size):
                if dice.random() < share:
                    yield Flip(str(path.relative_to(pattern)), at, dice.choice(_MASKS))


def tried(
    pattern: Path, place: Path, flips: list[Flip], truth: dict[str, object]
) -> tuple[Counter[str], list[str]]:
    """Make each change in a copy at ``place``; return what was counted, and what was wrong."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    shutil.copytree(pattern, place)
    for flip in flips:
        data = bytearray((place / flip.name).read_bytes())
        data[flip.at] ^= flip.mask
        (place / flip.name).chmod(0o644)
        (place / flip.name).write_bytes(data)
        try:
            outcome = judged(place, truth)
        except Exception as error:  # noqa: BLE001 - whatever else is raised is a finding
            wrong.append(f"{flip}: {type(error).__name__}: {error}")
        else:
            counts[outcome] += 1
            if outcome.startswith("wrong"):
                wrong.append(f"{flip}: {outcome}")
        _restore(pattern, place)
    shutil.rmtree(place)
    return counts, wrong


def _restore(pattern: Path, place: Path) -> None:
    """Make the copy what it was; removing all of it each time would take longest."""
    for path in place.rglob("*"):
        source = pattern / path.relative_to(place)
        if path.is_file():
            if not source.exists():
                path.unlink()
            elif path.read_bytes() != (data := source.read_bytes()):
                path.chmod(0o644)
                path.write_bytes(data)


def judged(place: Path, truth: dict[str, object]) -> str:
    """Say what became of a change."""
    try:
        with open_repo(place, upward=False) as repo:
            sound = repo.verify().ok
            found = {name: _answer(repo, name) for name in truth}
    except AivcsError:
        return "refused at opening"
    silent = [name for name, answer in found.items() if answer not in (truth[name], None)]
    if any(name.startswith("object ") for name in silent):
        return "wrong bytes"
    if sound and silent:
        return f"wrong without a report: {silent[0]}"
    if sound:
        return "reported by a read" if None in found.values() else "without effect"
    return "reported, and a listing differs" if silent else "reported"


def told(place: Path) -> dict[str, object]:
    """Return every question there is about a repository, with its answer."""
    with open_repo(place, upward=False) as repo:
        names = ["runs", "specs", "releases", "objects"]
        names += [f"events {run.run_id}" for run in repo.runs.list_runs()]
        names += [f"object {digest}" for digest in repo.objects.list()]
        return {name: _answer(repo, name) for name in names}


def _answer(repo: Repo, name: str) -> object:
    """Answer a question; None where that raises an error of this program."""
    kind, _, about = name.partition(" ")
    ask: dict[str, Callable[[], object]] = {
        "runs": lambda: repr(repo.runs.list_runs()),
        "specs": lambda: repr(repo.specs.list()),
        "releases": lambda: repr(repo.releases.history("agent")),
        "objects": lambda: repr(repo.objects.list()),
        "events": lambda: repr(repo.runs.get_events(about)),
        "object": lambda: repo.objects.get(about),
    }
    try:
        return ask[kind]()
    except AivcsError:
        return None
