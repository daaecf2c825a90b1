"""The newest log of a ledger cut off at every place where a page of it ends, or changed there.

The ledger then opens on what it was at some commit: every log is a beginning of what was
written, without a gap, and sound. What is lost is named against a saved root, and a release
that is lost also by what was published of it. Each page of the log has a checksum over all
before, so a bit that changes anywhere cuts it off at that page: in each page one bit is changed
of what is before it, and one of the page.
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
    from collections.abc import Iterator

    from aivcs.domain.saved import Saved
    from aivcs.repo import Repo

_HEAD: Final = 32
_BEFORE: Final = 24
_FRAME: Final = _BEFORE + 8192
_KEPT: Final = 20


def run(seed: int, share: float) -> Result:
    """Cut it off, and change it, at a share of all places."""
    begun = time.monotonic()
    dice = Random(seed)
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="aivcs-truncating-") as folder:
        place = Path(folder)
        saved, truth = make(place / "whole", 120)
        log = (place / "whole" / ".aivcs" / "aivcs.db-wal").read_bytes()
        for what, changed in changes(log, dice, share):
            shutil.rmtree(place / "cut", ignore_errors=True)
            outcome = judged(shutil.copytree(place / "whole", place / "cut"), changed, saved, truth)
            counts[outcome.partition(":")[0]] += 1
            if outcome.startswith("wrong"):
                wrong.append(f"{what}: {outcome}")
    seconds = time.monotonic() - begun
    return Result("truncating", seed, seconds, dict(counts), tuple(wrong[:_KEPT]))


def changes(log: bytes, dice: Random, share: float) -> Iterator[tuple[str, bytes]]:
    """Yield what becomes of a log, with words for it."""

    def flipped(at: int) -> tuple[str, bytes]:
        byte = log[at] ^ 1 << dice.randrange(8)
        return f"a bit changed at {at}", log[:at] + bytes([byte]) + log[at + 1 :]

    for at in range(_HEAD):
        if dice.random() < share:
            yield flipped(at)
    for start in range(_HEAD, len(log) + 1, _FRAME):
        if dice.random() < share:
            for cut in (start, min(len(log), start + dice.randrange(1, _FRAME))):
                yield f"cut at {cut}", log[:cut]
            for at in (dice.randrange(_BEFORE), dice.randrange(_BEFORE, _FRAME)):
                if start + at < len(log):
                    yield flipped(start + at)


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


def judged(place: Path, log: bytes, saved: Saved, truth: dict[str, list[str]]) -> str:
    """Write the log and say what became of the ledger."""
    (place / ".aivcs" / "aivcs.db-wal").write_bytes(log)
    with open_repo(place) as repo:
        problems = repo.verify(objects=False).problems
        if any(one.kind != "log" for one in problems):
            return "wrong: what is left is not sound"
        found = _logs(repo)
        for name, said in truth.items():
            if found.get(name, []) != said[: len(found.get(name, []))]:
                return f"wrong: log {name} is no beginning of what was written"
        ended = [str(run.run_id) for run in repo.runs.list_runs(status=RunStatus.COMPLETED)]
        # A release is on the disk before it is published, so only a log that was cut off is behind.
        if bool(problems) is not (found.get("agent") != truth["agent"]):
            return "wrong: a release that was published is lost, and not named"
        short = [name for name, said in truth.items() if len(found.get(name, [])) < len(said)]
        report = repo.verify(objects=False, against=saved)
        named = {one.id for one in report.problems}
        if not set(short) <= named:
            return f"wrong: {short} lost something, but only {sorted(named)} are named"
        if report.ok is not (found == truth and len(ended) == saved.seals):
            return "wrong: the loss is not named"
        return "whole" if report.ok else "lost, and named"
