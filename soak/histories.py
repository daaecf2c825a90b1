"""Every version of the histories of real agents: stored, compared with the one before, restored.

The folder is that of the variable AIVCS_HISTORIES, else ``shared/data/versioned-specs`` beside
the checkout. It has a folder for each history; what stands in that, in the order of names, are
the versions: files, or folders of files. What changed is asked of git, what was restored of
``filecmp``.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aivcs
from soak.result import ROOT, Result, Skipped
from soak.versions import MANIFEST, Workplace, files, git, histories

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.digest import Digest
    from aivcs.domain.filediff import FileDiff
    from aivcs.repo import Repo
    from soak.versions import Edited

VARIABLE: Final = "AIVCS_HISTORIES"
BESIDE: Final = ROOT.parent / "shared" / "data" / "versioned-specs"


def folder() -> Path:
    """Return where the histories are; Skipped says how to name them."""
    place = Path(os.environ.get(VARIABLE) or BESIDE)
    if not place.is_dir():
        msg = f"there is no folder {place}; {VARIABLE} names one with histories of agents"
        raise Skipped(msg)
    return place


def run(seed: int, share: float) -> Result:
    """Try a share of the versions of every history, the oldest ones."""
    return tried(folder(), seed, share)


def tried(root: Path, seed: int = 1, share: float = 1.0) -> Result:
    """Try the histories of a folder, all in one repository."""
    begun = time.monotonic()
    sweep = _Sweep()
    with tempfile.TemporaryDirectory(prefix="aivcs-histories-") as made:
        place = Path(made)
        with aivcs.init(place / "repository") as repo:
            for name, versions in histories(root):
                sweep.counts["histories"] += 1
                some = versions[: max(2, round(len(versions) * share))]
                sweep.history(repo, place / "work", name, some)
                shutil.rmtree(place / "work")
            sweep.counts["specs, of which no two are the same"] = len(repo.specs.list())
            sweep.wrong += [f"verify: {problem}" for problem in repo.verify().problems]
    seconds = time.monotonic() - begun
    return Result("histories", seed, seconds, dict(sweep.counts), tuple(sweep.wrong))


class _Sweep:
    def __init__(self) -> None:
        names = ("histories", "versions", "files", "bytes", "pairs of neighbours")
        self.counts: Counter[str] = Counter(dict.fromkeys(names, 0))
        self.wrong: list[str] = []

    def history(self, repo: Repo, work: Path, name: str, versions: list[Path]) -> None:
        work.mkdir()
        agent = Workplace(work / "agent")
        before: Digest | None = None
        for version in versions:
            paths = agent.become(version)
            what = f"{name}/{version.name}"
            self.counts["versions"] += 1
            self.counts["files"] += len(paths)
            self.counts["bytes"] += sum((agent.place / path).stat().st_size for path in paths)
            spec = repo.specs.add(agent.place)
            self.wrong += [f"{what}: {one}" for one in _restored(repo, agent, spec.digest, work)]
            if before is not None:
                self.counts["pairs of neighbours"] += 1
                found = list(self._compared(repo, agent, before, spec.digest))
                self.wrong += [f"{what}: {one}" for one in found]
            before = spec.digest

    def _compared(
        self, repo: Repo, agent: Workplace, before: Digest, after: Digest
    ) -> Iterator[str]:
        edits = agent.edits()
        diff = repo.specs.diff(before, after)
        told = {change.path: change.kind.value for change in diff.changes}
        if told != {path: edit.kind for path, edit in edits.items()}:
            yield f"the diff names {told}, git {edits}"
            return
        for change in diff.changes:
            found = repo.specs.diff_file(diff, change)
            self.counts[f"files {change.kind.value}"] += 1
            if found.lines is not None:
                added, removed = _lines(found)
                self.counts["lines added"] += added
                self.counts["lines removed"] += removed
            if problem := _unlike(found, edits[change.path]):
                yield f"{change.path}: {problem}"
        yield from _unapplied(repo, before, after, agent)


def _lines(found: FileDiff) -> tuple[int, int]:
    body = (found.lines or ())[2:]
    added = sum(line.startswith("+") for line in body)
    return added, sum(line.startswith("-") for line in body)


def _unlike(found: FileDiff, edit: Edited) -> str | None:
    """Say in what a file's diff and git's do not agree."""
    if found.lines is None:
        told = found.values is not None or edit.kind == "mode" or edit.lines is None
        return None if told else f"not compared: {found.note}"
    if edit.lines is None or sum(_lines(found)) > sum(edit.lines):
        return f"the diff has {_lines(found)} lines added and removed, git {edit.lines}"
    return None


def _unapplied(repo: Repo, before: Digest, after: Digest, agent: Workplace) -> Iterator[str]:
    """Let git apply the diffs by line to the old files; yield those that give other bytes."""
    diff = repo.specs.diff(before, after)
    for change in diff.changes:
        found = repo.specs.diff_file(diff, change)
        if not (found.lines and change.old and change.new):
            continue
        with tempfile.TemporaryDirectory(prefix="aivcs-apply-") as made:
            old = Path(made, "agent", change.path)
            old.parent.mkdir(parents=True)
            old.write_bytes(repo.specs.read(before, change.component, change.path))
            patch = "".join(f"{line}\n" for line in found.lines).encode()
            git(Path(made, "agent"), "apply", "--whitespace=nowarn", said=patch)
            if not filecmp.cmp(old, agent.place / change.path, shallow=False):
                yield f"{change.path}: the diff does not lead to the new bytes"


def _restored(repo: Repo, agent: Workplace, digest: Digest, work: Path) -> Iterator[str]:
    """Yield what a checkout has otherwise than the folder that was stored."""
    target = work / "restored"
    repo.specs.checkout(digest, target)
    paths, had = sorted(files(target)), sorted(files(agent.place))
    if paths != had:
        yield f"restored are {paths}, stored were {had}"
    _, unlike, unread = filecmp.cmpfiles(target, agent.place, [*had, MANIFEST], shallow=False)
    yield from (f"{path} was restored with other bytes" for path in (*unlike, *unread))
    for path in set(paths) & set(had):
        modes = [(root / path).stat().st_mode & 0o111 != 0 for root in (target, agent.place)]
        if modes[0] is not modes[1]:
            yield f"{path} was restored with another mode"
    if repo.specs.add(target).digest != digest:
        yield "what was restored has another digest"
    shutil.rmtree(target)
