"""Traces of runs in a folder: ``trace.json`` and ``trace.digest`` in one folder a run."""

from __future__ import annotations

import json
import os
import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aivcs.domain import moment
from aivcs.domain.trace import TraceArtifact
from aivcs.errors import InvalidInputError, InvalidSource, NotFoundError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aivcs.domain.trace import TraceRetention

TRACE: Final = "trace.json"
COMPANION: Final = "trace.digest"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")


class TraceFolder:
    """Writes, reads and prunes traces below ``place``, which is made when it is needed.

    A run whose id cannot be the name of a folder gets the SHA-256 of its id as one.
    """

    def __init__(self, place: str | os.PathLike[str]) -> None:
        self._place = Path(place)

    def write(self, trace: TraceArtifact) -> Path:
        """Write a trace in place of an older one; return its folder. Raises StorageError."""
        folder = self._folder(trace.run_id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _replace(folder / TRACE, trace.to_json())
            _replace(folder / COMPANION, f"{trace.replay_digest}\n")
        except OSError as error:
            msg = f"the trace of run {trace.run_id} cannot be written: {error}"
            raise StorageError(msg) from error
        return folder

    def read(self, run_id: str) -> TraceArtifact:
        """Read a trace and check it.

        Raises NotFoundError, InvalidSource (it is none, or that of another run),
        DigestMismatch, StorageError.
        """
        folder = self._folder(str(run_id))
        try:
            text = (folder / TRACE).read_bytes()
            companion = (folder / COMPANION).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError as error:
            msg = f"no trace of run {run_id} in {self._place}"
            raise NotFoundError(msg, hint="`aivcs run export --trace DIR` writes it") from error
        except OSError as error:
            msg = f"the trace of run {run_id} cannot be read: {error}"
            raise StorageError(msg) from error
        trace = TraceArtifact.from_json(text, companion)
        if trace.run_id != run_id:
            msg = f"{folder} has the trace of run {trace.run_id}, not of {run_id}"
            raise InvalidSource(msg)
        return trace

    def prune(self, retention: TraceRetention, now: datetime) -> int:
        """Remove traces of runs that began too long ago or are too many; return how many.

        What cannot be read stays, and so does everything else that is in the folder. Raises
        StorageError.
        """
        try:
            created = dict(self._created())
            outdated = retention.outdated(created, now)
            for name in outdated:
                _remove(self._place / name)
        except OSError as error:
            msg = f"the traces in {self._place} cannot be pruned: {error}"
            raise StorageError(msg) from error
        return len(outdated)

    def _created(self) -> Iterator[tuple[str, datetime]]:
        """Yield the names of the folders of traces, and when their runs began."""
        if not self._place.is_dir():
            return
        for folder in self._place.iterdir():
            try:
                found = json.loads((folder / TRACE).read_bytes())
                yield folder.name, moment.parse(found["created_at"])
            except (OSError, ValueError, KeyError, TypeError, RecursionError, InvalidInputError):
                continue

    def _folder(self, run_id: str) -> Path:
        fits = _PLAIN.fullmatch(run_id)
        return self._place / (run_id if fits else sha256(run_id.encode()).hexdigest())


def _replace(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with new.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    for name in (TRACE, COMPANION):
        (folder / name).unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()
