"""What a ledger held at some time, kept elsewhere: a later ledger must hold it still.

A log that was cut off, or a ledger that was set back to an older copy, is sound in itself.
Only somebody who remembers can tell.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from aivcs.domain import canonical, jsontext
from aivcs.domain.moment import text as moment_text
from aivcs.domain.stream import Family
from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.run import RunRecord

_FORM: Final = "aivcs ledger 1"
_HASH: Final = 32


@dataclass(frozen=True, slots=True)
class SavedLog:
    """A log as it was: its size, the root over its entries, the run's state and its wait.

    ``begun`` stands for what a run began with, ``early`` for the leaves of its early entries
    by seq, ``seal`` is the hash it was sealed by.
    """

    family: Family
    name: str
    size: int
    root: bytes
    state: str | None = None
    begun: bytes | None = None
    seal: bytes | None = None
    early: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """The number of seals with the root over their hashes, and the logs where they are known.

    ``logs`` None means that only the seals are known.
    """

    seals: int
    root: bytes
    logs: tuple[SavedLog, ...] | None = None

    @property
    def short(self) -> str:
        """Return the seals alone: their number, a colon and the root in hex."""
        return f"{self.seals}:{self.root.hex()}"

    def text(self) -> str:
        """Return the file that ``parse`` reads: JSON, with a checksum over it."""
        said: dict[str, Any] = {
            "form": _FORM,
            "seals": {"size": self.seals, "root": self.root.hex()},
            "logs": [_log(log) for log in self.logs or ()],
        }
        return json.dumps({**said, "checksum": _checksum(said)}, indent=0) + "\n"

    @classmethod
    def parse(cls, text: str) -> Saved:
        """Read what ``text`` or ``short`` gave; InvalidInputError for anything else."""
        try:
            if not text.lstrip().startswith("{"):
                return cls._short(text.strip())
            found = json.loads(text)
            checksum = found.pop("checksum")
            if found["form"] == _FORM and checksum == _checksum(found):
                seals, logs = found["seals"], found["logs"]
                return cls(seals["size"], _hash(seals["root"]), tuple(map(_read, logs)))
            error: Exception = ValueError("another form, or changed")
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as wrong:
            error = wrong
        msg = "this is not what 'aivcs verify --save' writes"
        raise InvalidInputError(msg, hint="give its file, or the seals as SIZE:ROOT") from error

    @classmethod
    def _short(cls, text: str) -> Saved:
        size, _, root = text.partition(":")
        if not (size.isascii() and size.isdecimal()):
            raise ValueError
        return cls(int(size), _hash(root))

    def by_name(self) -> Mapping[tuple[Family, str], SavedLog]:
        """Return the logs by family and name."""
        return {(log.family, log.name): log for log in self.logs or ()}


def begun(run: RunRecord) -> bytes:
    """Return a hash of what a run began with; none of it ever changes."""
    meta, source = run.metadata, run.source
    said = {
        "run_id": str(run.run_id),
        "spec": None if run.spec_digest is None else str(run.spec_digest),
        "agent": meta.agent_name,
        "tenant": run.tenant,
        "git_sha": meta.git_sha,
        "tags": jsontext.encode(meta.tags),
        "environment": None if meta.environment is None else dict(meta.environment),
        "source": None if source is None else [str(source.digest), source.index, source.format],
        "created_at": moment_text(run.created_at),
    }
    return sha256(canonical.dumps(said)).digest()


def _log(log: SavedLog) -> list[Any]:
    return [
        log.family.value,
        log.name,
        log.size,
        log.root.hex(),
        log.state,
        None if log.begun is None else log.begun.hex(),
        None if log.seal is None else log.seal.hex(),
        [[seq, leaf.hex()] for seq, leaf in log.early],
    ]


def _read(cells: list[Any]) -> SavedLog:
    family, name, size, root, state, first, seal, early = cells
    return SavedLog(
        Family(family),
        name,
        size,
        _hash(root),
        state,
        None if first is None else _hash(first),
        None if seal is None else _hash(seal),
        tuple((seq, _hash(leaf)) for seq, leaf in early),
    )


def _hash(text: str) -> bytes:
    found = bytes.fromhex(text)
    if len(found) != _HASH:
        raise ValueError
    return found


def _checksum(said: dict[str, Any]) -> str:
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
