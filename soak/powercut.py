"""Power cuts: what a real file system shows after its disk stopped at some instant.

Workers run on an ext4 file system whose disk is recorded (``soak.recorder``): every write
and flush the kernel sent to it, and between them each line the workers told. Then, for
many instants of the record, the disk is made as the cut would leave it: all that was
flushed is there, of the rest each sector is there or not. That disk is mounted, the
journal is replayed, and the repository must hold every promise told before the instant.
It needs root, ``/dev/fuse``, loop devices and ``mkfs.ext4``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import aivcs
from aivcs.errors import AivcsError
from aivcs.testing.aftermath import damage, leftovers, surveyed, unreadable
from soak.promises import hear
from soak.recorder import Cutter, Kind, happenings
from soak.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aivcs.repo import Repo
    from soak.recorder import Happening

    Problems: TypeAlias = Callable[[Repo, list[str], Counter[str]], Iterator[str]]

IMAGE_BYTES: Final = 64 * 2**20
_OPTIONS: Final = "loop,data=ordered"
_STEPS: Final = 150
_CUTS_A_RECORD: Final = 60
_LOSSES: Final = (1.0, 0.5, 0.0)
_LOSS_WEIGHTS: Final = (5, 4, 1)
_MOST_SHOWN: Final = 20


class Subject(NamedTuple):
    """Who works while the disk is recorded, and what must hold of what a cut leaves.

    ``module`` is run by each member of a crew, ``prepare`` makes the repository, ``problems``
    says what is wrong with it, given the lines that were told, and counts what it checked.
    """

    name: str
    module: str
    crews: tuple[tuple[str, ...], ...]
    prepare: Callable[[Path], None]
    problems: Problems


@dataclass(slots=True)
class Sweep:
    """What one record's cuts showed."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@contextmanager
def mounted(device: Path, point: Path) -> Iterator[Path]:
    """Mount an image or recorded disk through a loop device. Raises CalledProcessError."""
    _call("mount", "-t", "ext4", "-o", _OPTIONS, str(device), str(point))
    try:
        yield point
    finally:
        _call("umount", str(point))


@contextmanager
def recorded(image: Path, point: Path, log: Path) -> Iterator[Path]:
    """Serve the image as a disk whose writes go to the log; yields the disk's path."""
    command = [sys.executable, "-m", "soak.recorder", str(point), str(image), str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "mounted\n"
        try:
            yield point / "disk"
        finally:
            _call("umount", str(point))
            assert server.wait() == 0


def imaged(folder: Path, prepare: Callable[[Path], None]) -> Path:
    """Make an image with a prepared repository, and the folders to mount into."""
    for name in ("disk", "work", "after"):
        (folder / name).mkdir()
    image = folder / "image"
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    lazy = "lazy_itable_init=0,lazy_journal_init=0"
    _call("mkfs.ext4", "-q", "-F", "-E", lazy, str(image))
    with mounted(image, folder / "work") as place:
        prepare(place)
    return image


def record(
    folder: Path,
    image: Path,
    module: str,
    roles: Sequence[str],
    seed: int,
    durability: str,
) -> list[Happening]:
    """Let workers work on the recorded disk until the first has done its steps."""
    log = folder / "log"
    with recorded(image, folder / "disk", log) as disk, mounted(disk, folder / "work") as place:
        said = folder / "disk" / "said"
        with ExitStack() as stack:
            members = []
            for number, role in enumerate(roles):
                name = f"{role}-{number}"
                arguments = [role, str(place), str(said), name, f"{seed}-{number}"]
                count = "0" if number else str(_STEPS)
                command = [sys.executable, "-m", module, *arguments, count, durability]
                members.append(stack.enter_context(subprocess.Popen(command)))
            try:
                status = members[0].wait()
            finally:
                for member in members:
                    member.kill()
            assert status == 0, f"a worker ended with {status}"
    return list(happenings(log.read_bytes()))


def instants(log: Sequence[Happening], number: int, dice: Random) -> list[int]:
    """Choose instants: half of them just after something was told, half anywhere."""
    told = [at + 1 for at, one in enumerate(log) if one.kind is Kind.SAID]
    after = dice.choices(told, k=number // 2)
    return sorted([*after, *dice.choices(range(told[0], told[-1]), k=number - len(after))])


def _prepare_objects(place: Path) -> None:
    with aivcs.init(place) as repo:
        repo.specs.add({"name": "first", "components": {"prompts": {"system.md": "Be helpful."}}})


def _object_problems(repo: Repo, lines: list[str], counts: Counter[str]) -> Iterator[str]:
    heard = hear(lines)
    kept = {digest for one in heard.values() for digest in one.kept}
    held = {digest for one in heard.values() for digest in one.held}
    gone = {digest for one in heard.values() for digest in one.gone} - kept - held
    counts["promises checked"] += len(kept | held)
    yield from unreadable(repo, kept | held)
    stored = {one.digest for one in surveyed(repo)}
    yield from (f"{digest} was deleted and is back" for digest in gone & stored)
    yield from (f"first look: {text}" for text in damage(repo))
    repo.seal()
    new = repo.objects.put(b"stored after the cut", pin=True)
    repo.gc(full=True)
    yield from (f"after seal and gc: {text}" for text in unreadable(repo, {*kept, new}))
    yield from (f"after seal and gc: {text}" for text in damage(repo))
    yield from (f"after seal and gc: {text}" for text in leftovers(repo))


OBJECTS: Final = Subject(
    "powercut",
    "soak.worker",
    (("all",), ("writer", "writer", "sealer", "collector")),
    _prepare_objects,
    _object_problems,
)


def sweep(job: tuple[int, int, str], subject: Subject = OBJECTS) -> Sweep:
    """Record one crew at work, cut its disk many times, and look at what is left."""
    seed, cuts, durability = job
    dice, found = Random(seed), Sweep()
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112
    with tempfile.TemporaryDirectory(prefix="aivcs-cut-", dir=memory) as name:
        folder = Path(name)
        image = imaged(folder, subject.prepare)
        roles = subject.crews[seed % len(subject.crews)]
        log = record(folder, image, subject.module, roles, seed, durability)
        found.counts["disk writes recorded"] = sum(one.kind is Kind.WRITE for one in log)
        found.counts["flushes recorded"] = sum(one.kind is Kind.FLUSH for one in log)
        cutter = Cutter(image.read_bytes(), log)
        for instant in instants(log, cuts, dice):
            (lost,) = dice.choices(_LOSSES, _LOSS_WEIGHTS)
            image.write_bytes(cutter.cut(instant, lost, dice))
            found.counts["cuts"] += 1
            found.counts.update(_in_flight(log, instant))
            problems = _look(folder, image, subject.problems, _lines(log[:instant]), found.counts)
            where = f"seed {seed}, instant {instant} of {len(log)}, {lost:.0%} lost: "
            found.wrong += [where + problem for problem in problems]
    return found


def _lines(log: Sequence[Happening]) -> list[str]:
    return [bytes(one.data).decode() for one in log if one.kind is Kind.SAID]


def _in_flight(log: Sequence[Happening], instant: int) -> Iterator[str]:
    """Yield ``during WORD`` for the call that each worker was told to have done next."""
    seen = set()
    for line in _lines(log[instant:]):
        name, *words = line.split()[:3]
        if name not in seen:
            seen.add(name)
            yield f"during {words[1] if words[0] == 'did' else words[0]}"


def _look(
    folder: Path, image: Path, problems: Problems, lines: list[str], counts: Counter[str]
) -> list[str]:
    try:
        with mounted(image, folder / "after") as place, aivcs.open(place) as repo:
            return list(problems(repo, lines, counts))
    except AivcsError as error:
        return [f"{type(error).__name__}: {error.message}"]


def run(
    seed: int,
    cuts: int,
    durability: str = "group",
    processes: int = 2,
    subject: Subject = OBJECTS,
) -> Result:
    """Cut the power at least ``cuts`` times, over records of several crews.

    Wrong is a repository that does not open, a promise that is not kept, damage that
    ``verify`` reports, and what a full collection leaves behind.
    """
    began = time.monotonic()
    a_record = min(cuts, _CUTS_A_RECORD)
    jobs = [(seed + n, a_record, durability) for n in range(-(-cuts // a_record))]
    with get_context("spawn").Pool(processes) as pool:
        sweeps = pool.map(partial(sweep, subject=subject), jobs, 1)
    counts: Counter[str] = Counter()
    for one in sweeps:
        counts += one.counts
    wrong = [text for one in sweeps for text in one.wrong]
    counts["records"] = len(jobs)
    seconds = time.monotonic() - began
    return Result(subject.name, seed, seconds, dict(counts), tuple(wrong[:_MOST_SHOWN]))


def _call(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
