"""Checkpoints (C2SP ``tlog-checkpoint``): what a log says of its size and of all its entries.

The text has the log's origin, its size and its root, each on a line; signed by the log's key,
and by witnesses, it is a signed note. Without signatures it is the text alone, and whoever can
write the file can write another. Contract: https://c2sp.org/tlog-checkpoint.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.domain import base64text, merkle
from aivcs.domain.merkle import EMPTY_ROOT, HASH_SIZE
from aivcs.domain.note import Note
from aivcs.errors import InvalidInputError, ProofInvalid

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from aivcs.domain.note import Signed, Signer, Verifier

MAX_SIZE: Final = 2**63 - 1
_LINES: Final = 3
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_LINE: Final = re.compile(r"[^\x00-\x1f\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: its ``origin`` (a name of its own), its size and its root.

    InvalidInputError for values that no log has.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what would not be read again."""
        for line in (self.origin, *self.extensions):
            if not _LINE.fullmatch(line):
                msg = f"not a line of a checkpoint: {line!r:.120}"
                raise InvalidInputError(msg, hint="an origin is like example.com/agents/releases")
        if not 0 <= self.size <= MAX_SIZE or len(self.root) != HASH_SIZE:
            msg = f"no log has {self.size} entries and a root of {len(self.root)} bytes"
            raise InvalidInputError(msg)
        if not self.size and self.root != EMPTY_ROOT:
            msg = f"the log {self.origin} is empty, and its root is not that of an empty tree"
            raise InvalidInputError(msg)

    def text(self) -> str:
        """Return the lines of the checkpoint, the text of a note."""
        lines = (self.origin, f"{self.size:d}", base64text.encode(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a checkpoint; ProofInvalid says why it is none."""
        *lines, rest = text.split("\n")
        if rest or len(lines) < _LINES:
            msg = "it must have a line each for origin, size and root"
            raise _malformed(msg)
        origin, size, root, *extensions = lines
        if not _SIZE.fullmatch(size):
            msg = f"{size!r:.40} is not a size"
            raise _malformed(msg)
        try:
            return cls(origin, int(size), base64text.decode(root), tuple(extensions))
        except InvalidInputError as error:
            raise _malformed(error.message) from error
        except ValueError as error:
            msg = f"the root is wrong: {error}"
            raise _malformed(msg) from error

    def signed(self, *signers: Signer, at: datetime | None = None) -> SignedCheckpoint:
        """Return it with signatures; without signers it stands for itself only."""
        return SignedCheckpoint(self, Note(self.text()).signed(*signers, at=at))


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint and the note that it is the text of; the note may have no signatures."""

    checkpoint: Checkpoint
    note: Note

    def data(self) -> bytes:
        """Return the bytes of the file."""
        return self.note.data()

    @classmethod
    def parse(cls, data: bytes) -> SignedCheckpoint:
        """Read a file, signed or not, without believing it; ProofInvalid for any other."""
        if b"\n\n" in data:
            note = Note.parse(data)
        else:
            try:
                note = Note(data.decode())
            except UnicodeDecodeError as error:
                msg = f"byte {error.start} is not UTF-8"
                raise _malformed(msg) from error
        return cls(Checkpoint.parse(note.text), note)

    def verified(
        self,
        keys: Collection[Verifier],
        witnesses: Collection[Verifier] = (),
        origin: str | None = None,
    ) -> tuple[Signed, ...]:
        """Return the signatures that hold: at least one by ``keys``, those of the log.

        Raises ProofInvalid when none of those does, when a known one does not hold, and when
        the checkpoint is of another log than ``origin``.
        """
        check_origin(self.checkpoint, origin)
        signatures = self.note.verified((*keys, *witnesses))
        if not any(one.key in keys for one in signatures):
            msg = f"witnesses signed the checkpoint of {self.checkpoint.origin}, the log did not"
            raise ProofInvalid(msg, hint="give the verifier key of the log")
        return signatures


def check_origin(checkpoint: Checkpoint, origin: str | None) -> None:
    """Raise ProofInvalid for a checkpoint of another log than ``origin``; None is any."""
    if origin is not None and checkpoint.origin != origin:
        msg = f"the checkpoint is of the log {checkpoint.origin}, not of {origin}"
        raise ProofInvalid(msg, hint="give a checkpoint of the same log")


def check_growth(old: Checkpoint, new: Checkpoint, path: Sequence[bytes]) -> None:
    """Raise ProofInvalid unless ``path`` shows that the log ``old`` grew into ``new``."""
    check_origin(old, new.origin)
    if old.size > new.size:
        msg = f"the log {new.origin} had {old.size} entries and has {new.size}"
    elif not merkle.verify_consistency(old.size, new.size, old.root, new.root, list(path)):
        msg = f"the first {old.size} entries of the log {new.origin} are no longer what they were"
    else:
        return
    raise ProofInvalid(msg, hint="entries were removed or changed since that checkpoint")


def _malformed(what: str) -> ProofInvalid:
    return ProofInvalid(f"not a checkpoint: {what}", hint="it was cut off or changed")
