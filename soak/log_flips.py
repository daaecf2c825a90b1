"""Every byte of what is published of a log, of proofs and of attestations, changed or cut off.

A change of a published file must be named by ``verify``, unless it is in what nobody reads;
an outsider who reads the files must be told of it, or read what he read before; and what the
library returns and proves afterwards must be true. A proof or an attestation that was changed
is refused, or says the same.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from aivcs.adapters.forks import spread
from aivcs.domain.checkpoint import SignedCheckpoint
from aivcs.domain.published import CHECKPOINT, LOGS, RELEASES, RUNS
from aivcs.domain.signing import Verifier
from aivcs.domain.tile_tree import TileTree
from aivcs.domain.tiles import WIDTH
from aivcs.errors import AivcsError
from aivcs.repo import open_repo
from soak import exhibit
from soak.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aivcs.repo import Repo
    from soak.exhibit import Questions, Shown

_CUT: Final = 0
_MASKS: Final = (0x01, 0x20, 0xFF, _CUT)
_EVERY: Final = (*(1 << bit for bit in range(8)), 0x55, 0xFF, _CUT)
_CHUNK: Final = 200
_KEPT: Final = 20
_LONG: Final = 300
_STEP: Final = 64
_ASKED: Final = ("releases", "current", "proof")
_RUN: Final = "run"
_WITHOUT: Final = "published file, no effect"


class Change(NamedTuple):
    """The bits of ``mask`` change at a place of a file; mask 0 cuts it off there."""

    name: str
    at: int
    mask: int

    def of(self, data: bytes) -> bytes:
        """Return the file as it is then."""
        if self.mask == _CUT:
            return data[: self.at]
        return data[: self.at] + bytes([data[self.at] ^ self.mask]) + data[self.at + 1 :]


def run(seed: int, share: float) -> Result:
    """Make a share of all changes, and see what is named, refused or returned."""
    begun = time.monotonic()
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    dice = Random(seed)
    with tempfile.TemporaryDirectory(prefix="aivcs-log-flips-") as made:
        folder = Path(made)
        for more, step in ((0, 1), (_LONG, _STEP)):
            with exhibit.keyring(folder / f"keys-{more}"):
                for outcome, change in tried(folder / str(more), dice, share, more=more, step=step):
                    counts[outcome.partition(":")[0]] += 1
                    if outcome.startswith("wrong"):
                        wrong.append(f"{change}: {outcome}")
    seconds = time.monotonic() - begun
    told = {"changes": counts.total(), **dict(sorted(counts.items()))}
    return Result("log-flips", seed, seconds, told, tuple(wrong[:_KEPT]))


def tried(
    folder: Path, dice: Random, share: float, *, more: int = 0, step: int = 1
) -> Iterator[tuple[str, Change]]:
    """Yield what became of each change; of a longer log one byte of each ``step``."""
    shown = exhibit.make(folder, more=more)
    files = {**shown.proofs, **shown.attestations} if step == 1 else {}
    for name, data in files.items():
        outsider = _Outsider(shown, name, data)
        for change in _changes(name, data, _EVERY, dice, share):
            yield outsider.judged(change), change
    begin = _Shop(folder, shown)
    trials = list(begin.choose(dice, share, step))
    chunks = [trials[start : start + _CHUNK] for start in range(0, len(trials), _CHUNK)]

    def work(number: int) -> list[tuple[str, Change]]:
        place = folder.with_name(f"{folder.name}-{number}")
        shop = begin.moved(shutil.copytree(folder, place))
        found = [
            (outcome, change)
            for trial in chunks[number]
            for outcome in [shop.judged(trial)]
            for change in trial
        ]
        shutil.rmtree(place)
        return found

    with spread(work, len(chunks)) as done:
        for _, found in done:
            yield from found


def _changes(
    name: str, data: bytes, masks: tuple[int, ...], dice: Random, share: float, step: int = 1
) -> Iterator[Change]:
    for at in range(0, len(data), step):
        place = at + (dice.randrange(min(step, len(data) - at)) if step > 1 else 0)
        for mask in masks if step == 1 else (dice.choice(masks),):
            if dice.random() < share:
                yield Change(name, place, mask)


class _Outsider:
    """Somebody with one file and the key of the log."""

    def __init__(self, shown: Shown, name: str, data: bytes) -> None:
        asker = exhibit.Questions(shown)
        self._data = data
        self._kind = "proof" if name in shown.proofs else "attestation"
        log = "runs" if name == _RUN else RELEASES
        self._read: Callable[[bytes], object] = (
            (lambda found: asker.proved(found, log)) if self._kind == "proof" else asker.attested
        )
        self._truth = self._read(data)

    def judged(self, change: Change) -> str:
        try:
            found = self._read(change.of(self._data))
        except AivcsError:
            return f"{self._kind} refused"
        except Exception as error:  # noqa: BLE001 - whatever else is raised is a finding
            return f"wrong: {type(error).__name__}: {error}"
        if found == self._truth:
            return f"{self._kind} says the same"
        return f"wrong: the {self._kind} says {found}"


class _Shop:
    """A repository whose published files are changed, and put back."""

    def __init__(self, place: Path, shown: Shown) -> None:
        self._place = place
        self._shown = shown
        self._files = self._found()
        self._ask: Questions = exhibit.Questions(shown, (1, 6))
        with open_repo(place, upward=False) as repo:
            self._truth = self._ask.answers(repo, *_ASKED)
            self._run = self._ask.proved(repo.prove_run(self._first(repo)).data(), "runs")
        self._entries = {log: self._outside(log) for log in LOGS}

    def moved(self, place: Path) -> _Shop:
        """Return the same over a copy at another place."""
        other = object.__new__(_Shop)
        for name, value in vars(self).items():
            setattr(other, name, place if name == "_place" else value)
        return other

    @staticmethod
    def _first(repo: Repo) -> str:
        return str(repo.runs.list_runs()[-1].run_id)

    def choose(self, dice: Random, share: float, step: int) -> Iterator[tuple[Change, ...]]:
        """Yield changes of all bytes.

        Of files that only older checkpoints need, a byte each is changed in all of them at once,
        in one way; nothing hangs on two of them together.
        """
        old: dict[int, list[Change]] = {}
        for name, data in self._files.items():
            if not self._is_old(name):
                for change in _changes(name, data, _MASKS, dice, share, step):
                    yield (change,)
            elif step == 1:
                for change in _changes(name, data, (dice.choice(_MASKS),), dice, share):
                    old.setdefault(change.at, []).append(change)
        yield from map(tuple, old.values())

    def _is_old(self, name: str) -> bool:
        size = self._head(name.split("/")[1]).checkpoint.size
        return ".p/" in name and not name.endswith(f".p/{size % WIDTH}")

    def judged(self, trial: tuple[Change, ...]) -> str:
        """Make changes, say what became of all of them, and put everything back."""
        for change in trial:
            (self._home / change.name).write_bytes(change.of(self._files[change.name]))
        try:
            return self._outcome(trial)
        except Exception as error:  # noqa: BLE001 - whatever else is raised is a finding
            return f"wrong: {type(error).__name__}: {error}"
        finally:
            self._put_back()

    def _outcome(self, trial: tuple[Change, ...]) -> str:
        logs = {change.name.split("/")[1] for change in trial}
        outside = {log: self._seen(log) for log in logs}
        if any(outside[log] not in {None, self._entries[log]} for log in logs):
            return "wrong: an outsider reads other entries"
        released, ran = RELEASES in logs, RUNS in logs
        with open_repo(self._place, upward=False) as repo:
            report = repo.verify(objects=False, runs=ran, releases=released)
            found = self._ask.answers(repo, *_ASKED) if released else self._truth
            proved = self._run
            if ran:
                proved = self._ask.proved(repo.prove_run(self._first(repo)).data(), RUNS)
        silent = [name for name, answer in found.items() if answer not in {None, self._truth[name]}]
        if silent or proved != self._run:
            return f"wrong: something else is returned: {silent or _RUN}"
        named = {problem.id for problem in report.problems}
        changed = {change.name for change in trial}
        if named == changed:
            return "published file named"
        if named or len(changed) > 1:
            return f"wrong: named is {named} of {changed}"
        return "wrong: refused to outsiders only" if None in outside.values() else _WITHOUT

    def _seen(self, log: str) -> tuple[bytes, ...] | None:
        try:
            return self._outside(log)
        except AivcsError:
            return None

    @property
    def _home(self) -> Path:
        return self._place / ".aivcs"

    def _head(self, log: str) -> SignedCheckpoint:
        return SignedCheckpoint.parse((self._home / "log" / log / CHECKPOINT).read_bytes())

    def _outside(self, log: str) -> tuple[bytes, ...]:
        """Read a log as somebody who has its key and its files only."""
        head = self._head(log)
        head.verified([Verifier.parse(self._shown.keys[log])])
        size, root = head.checkpoint.size, head.checkpoint.root
        tree = TileTree(size, root, lambda path: _bytes(self._home / "log" / log / path))
        return tuple(one for at in range(0, size, WIDTH) for one in tree.bundle(at // WIDTH))

    def _found(self) -> dict[str, bytes]:
        paths = sorted(path for path in (self._home / "log").rglob("*") if path.is_file())
        return {path.relative_to(self._home).as_posix(): path.read_bytes() for path in paths}

    def _put_back(self) -> None:
        found = self._found()
        for name in found.keys() - self._files.keys():
            (self._home / name).unlink()
        for name, data in self._files.items():
            if found.get(name) != data:
                path = self._home / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
