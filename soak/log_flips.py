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
from aivcs.domain.published import CHECKPOINT, LOGS, RELEASES
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
_MASKS: Final = (0x01, 0x20, 0x80, 0xFF, _CUT)
_EVERY: Final = (*(1 << bit for bit in range(8)), 0x55, 0xFF, _CUT)
_CHUNK: Final = 200
_KEPT: Final = 20
_LONG: Final = 300
_STEP: Final = 16
_RUN: Final = "run"


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
    changes = list(begin.choose(dice, share, step))
    chunks = [changes[start : start + _CHUNK] for start in range(0, len(changes), _CHUNK)]

    def work(number: int) -> list[tuple[str, Change]]:
        place = folder.with_name(f"{folder.name}-{number}")
        shop = begin.moved(shutil.copytree(folder, place))
        found = [(shop.judged(change), change) for change in chunks[number]]
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
            self._truth = self._ask.answers(repo)
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

    def choose(self, dice: Random, share: float, step: int) -> Iterator[Change]:
        """Yield changes of all bytes, of those that only older checkpoints need by one mask."""
        heads = {log: self._head(log).checkpoint.size for log in LOGS}
        for name, data in self._files.items():
            log = name.split("/")[1]
            width = heads[log] % WIDTH
            old = ".p/" in name and not name.endswith(f".p/{width}")
            masks = (dice.choice(_MASKS),) if old else _MASKS
            if not (old and step > 1):
                yield from _changes(name, data, masks, dice, share, step)

    def judged(self, change: Change) -> str:
        """Make a change, say what became of it, and put everything back."""
        (self._place / ".aivcs" / change.name).write_bytes(change.of(self._files[change.name]))
        try:
            return self._outcome(change)
        except Exception as error:  # noqa: BLE001 - whatever else is raised is a finding
            return f"wrong: {type(error).__name__}: {error}"
        finally:
            self._put_back()

    def _outcome(self, change: Change) -> str:
        log = change.name.split("/")[1]
        try:
            outside = self._outside(log)
        except AivcsError:
            outside = None
        if outside not in {None, self._entries[log]}:
            return "wrong: an outsider reads other entries"
        with open_repo(self._place, upward=False) as repo:
            released = log == RELEASES
            report = repo.verify(objects=False, runs=not released, releases=released)
            found = self._ask.answers(repo) if released else self._truth
            proved = self._run
            if not released:
                proved = self._ask.proved(repo.prove_run(self._first(repo)).data(), log)
        silent = [name for name, answer in found.items() if answer not in {None, self._truth[name]}]
        if silent or proved != self._run:
            return f"wrong: something else is returned: {silent or _RUN}"
        if any(change.name == problem.id for problem in report.problems):
            return "published file named"
        if report.problems:
            return f"wrong: named is {report.problems}"
        return (
            "wrong: refused to outsiders only" if outside is None else "published file, no effect"
        )

    def _head(self, log: str) -> SignedCheckpoint:
        path = self._place / ".aivcs" / "log" / log / CHECKPOINT
        return SignedCheckpoint.parse(path.read_bytes())

    def _outside(self, log: str) -> tuple[bytes, ...]:
        """Read a log as somebody who has its key and its files only."""
        head = self._head(log)
        head.verified([Verifier.parse(self._shown.keys[log])])
        size, root = head.checkpoint.size, head.checkpoint.root
        tree = TileTree(
            size, root, lambda path: _bytes(self._place / ".aivcs" / "log" / log / path)
        )
        return tuple(one for at in range(0, size, WIDTH) for one in tree.bundle(at // WIDTH))

    def _found(self) -> dict[str, bytes]:
        home = self._place / ".aivcs"
        paths = sorted(path for path in (home / "log").rglob("*") if path.is_file())
        return {path.relative_to(home).as_posix(): path.read_bytes() for path in paths}

    def _put_back(self) -> None:
        found = self._found()
        for name in found.keys() - self._files.keys():
            (self._place / ".aivcs" / name).unlink()
        for name, data in self._files.items():
            if found.get(name) != data:
                path = self._place / ".aivcs" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
