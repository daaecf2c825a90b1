"""The newest log of a ledger cut off at every place where a page of it ends.

The ledger then opens on what it was at some commit: every log is a beginning of what was
written, without a gap, and sound. What is lost is named against a saved root.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.repo import init, open_repo
from aivcs.testing.subject import add_spec, by, end, note
from soak.result import Result

if TYPE_CHECKING:
    from aivcs.domain.saved import Saved
    from aivcs.repo import Repo

_HEAD: Final = 32
_FRAME: Final = 24 + 8192
_KEPT: Final = 20


def run(seed: int, share: float) -> Result:
    """Cut a share of all places, at the end of a frame and inside of the next one."""
    begun = time.monotonic()
    dice = Random(seed)
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="aivcs-truncating-") as folder:
        place = Path(folder)
        saved, truth = make(place / "whole", 120)
        size = (place / "whole" / ".aivcs" / "aivcs.db-wal").stat().st_size
        for frame in range(1 + (size - _HEAD) // _FRAME):
            if dice.random() >= share:
                continue
            for more in (0, dice.randrange(1, _FRAME)):
                cut = min(size, _HEAD + frame * _FRAME + more)
                shutil.rmtree(place / "cut", ignore_errors=True)
                outcome = judged(shutil.copytree(place / "whole", place / "cut"), cut, saved, truth)
                counts[outcome.partition(":")[0]] += 1
                if outcome.startswith("wrong"):
                    wrong.append(f"cut at {cut}: {outcome}")
    seconds = time.monotonic() - begun
    return Result("truncating", seed, seconds, dict(counts), tuple(wrong[:_KEPT]))


def make(place: Path, commits: int) -> tuple[Saved, dict[str, list[str]]]:
    """Make a repository whose last commits are in the log alone; return what it holds."""
    init(place).close()
    with open_repo(place) as repo:
        spec = add_spec(repo)
        ids = [repo.runs.create_run(spec, RunMetadata("agent")) for _ in range(4)]
    # A copy that is made while it is open has the log, which closing would merge.
    with open_repo(place) as repo:
        for number in range(commits):
            repo.runs.append_events(ids[number % 3], [note(None, {"n": number})] * 3)
            if number == commits // 2:
                repo.releases.promote("agent", spec, by())
                end(repo, ids[3], RunStatus.COMPLETED)
        saved = repo.verify(objects=False, keep=True).saved
        truth = _logs(repo)
        shutil.copytree(place, place.with_name("open"))
    shutil.rmtree(place)
    place.with_name("open").rename(place)
    if saved is None:
        msg = "a whole verification says what there is"
        raise RuntimeError(msg)
    return saved, truth


def _logs(repo: Repo) -> dict[str, list[str]]:
    found = {
        str(run.run_id): [repr(event) for event in repo.runs.get_events(run.run_id)]
        for run in repo.runs.list_runs()
    }
    return {**found, "agent": [repr(one) for one in reversed(repo.releases.history("agent"))]}


def judged(place: Path, cut: int, saved: Saved, truth: dict[str, list[str]]) -> str:
    """Cut the log off and say what became of the ledger."""
    log = place / ".aivcs" / "aivcs.db-wal"
    log.write_bytes(log.read_bytes()[:cut])
    with open_repo(place) as repo:
        if not repo.verify(objects=False).ok:
            return "wrong: what is left is not sound"
        found = _logs(repo)
        for name, said in truth.items():
            if found.get(name, []) != said[: len(found.get(name, []))]:
                return f"wrong: log {name} is no beginning of what was written"
        ended = [str(run.run_id) for run in repo.runs.list_runs(status=RunStatus.COMPLETED)]
        short = [name for name, said in truth.items() if len(found.get(name, [])) < len(said)]
        report = repo.verify(objects=False, against=saved)
        named = {one.id for one in report.problems}
        if not set(short) <= named:
            return f"wrong: {short} lost something, but only {sorted(named)} are named"
        if report.ok is not (found == truth and len(ended) == saved.seals):
            return "wrong: the loss is not named"
        return "whole" if report.ok else "lost, and named"
