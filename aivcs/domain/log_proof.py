"""Proof files (C2SP ``tlog-proof``): that a log has an entry, shown without the log.

The file is ``c2sp.org/tlog-proof@v1`` as it stands there: the index, the inclusion path and
the signed checkpoint. Its extra data are what a reader needs beside them: the entry, after its
length in two bytes as in an entry bundle, and then anything that belongs to it. The proof
speaks for the entry; what is ``attached`` must be checked against the entry by its reader.
Contract: https://c2sp.org/tlog-proof.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.domain import base64text, merkle
from aivcs.domain.checkpoint import MAX_SIZE, SignedCheckpoint, check_origin
from aivcs.domain.merkle import HASH_SIZE
from aivcs.domain.tiles import check_entry
from aivcs.errors import ProofInvalid

if TYPE_CHECKING:
    from collections.abc import Collection

    from aivcs.domain.checkpoint import Checkpoint
    from aivcs.domain.note import Signed, Verifier

HEADER: Final = "c2sp.org/tlog-proof@v1"
SUFFIX: Final = ".tlog-proof"
_EXTRA: Final = "extra "
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")
_LENGTH: Final = 2
_MOST: Final = 63


@dataclass(frozen=True, slots=True)
class Proven:
    """What a proof shows: the log of ``checkpoint`` has ``entry`` at ``index``.

    ``signatures`` say who vouches for the checkpoint; without any, nobody does, and the proof
    shows only that entry and checkpoint belong together. ``attached`` is not proved.
    """

    checkpoint: Checkpoint
    index: int
    entry: bytes
    attached: bytes
    signatures: tuple[Signed, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry, where it is in the log, and the path from it to the signed root."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: SignedCheckpoint
    entry: bytes
    attached: bytes = b""

    def data(self) -> bytes:
        """Return the bytes of the file; InvalidInputError for an entry over 65,535 bytes."""
        entry = check_entry(self.entry)
        extra = len(entry).to_bytes(_LENGTH, "big") + entry + self.attached
        lines = [HEADER, _EXTRA + base64text.encode(extra), f"index {self.index:d}"]
        lines += map(base64text.encode, self.path)
        return "".join(f"{line}\n" for line in [*lines, ""]).encode() + self.checkpoint.data()

    @classmethod
    def parse(cls, data: bytes) -> Proof:
        """Read a file without believing it; ProofInvalid says why it is no proof."""
        head, blank, rest = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError as error:
            msg = f"byte {error.start} is not ASCII"
            raise _malformed(msg) from error
        if lines.pop(0) != HEADER:
            msg = f"not a proof: it does not begin with {HEADER}"
            raise ProofInvalid(msg, hint=_other(data))
        if not lines or not lines[0].startswith(_EXTRA):
            msg = "it has no extra data, and so no entry"
            raise _malformed(msg)
        extra = _decoded("the extra data", lines.pop(0).removeprefix(_EXTRA))
        end = _LENGTH + int.from_bytes(extra[:_LENGTH], "big")
        if len(extra) < end:
            msg = "its entry is cut off"
            raise _malformed(msg)
        place = _INDEX.fullmatch(lines.pop(0) if lines else "")
        if place is None or int(place[1]) > MAX_SIZE:
            msg = "it has no index"
            raise _malformed(msg)
        if len(lines) > _MOST:
            msg = f"its path has {len(lines)} hashes, over {_MOST}"
            raise _malformed(msg)
        path = tuple(_decoded(f"hash {at} of the path", line) for at, line in enumerate(lines))
        if any(len(one) != HASH_SIZE for one in path):
            msg = f"a hash of its path has not {HASH_SIZE} bytes"
            raise _malformed(msg)
        if not blank:
            msg = "it has no checkpoint after a blank line"
            raise _malformed(msg)
        checkpoint = SignedCheckpoint.parse(rest)
        return cls(int(place[1]), path, checkpoint, extra[_LENGTH:end], extra[end:])

    def verified(
        self,
        keys: Collection[Verifier] | None,
        witnesses: Collection[Verifier] = (),
        origin: str | None = None,
    ) -> Proven:
        """Return what it shows; ProofInvalid says why it shows nothing.

        ``keys`` are those of the log; None believes the checkpoint whoever wrote it.
        ``origin`` refuses a proof from another log.
        """
        head = self.checkpoint.checkpoint
        check_origin(head, origin)
        leaf = merkle.leaf_hash(self.entry)
        if not merkle.verify_inclusion(leaf, self.index, head.size, self.path, head.root):
            msg = f"the log {head.origin} of {head.size} entries has not this entry at {self.index}"
            raise ProofInvalid(msg, hint="the entry, the path or the checkpoint was changed")
        signatures = () if keys is None else self.checkpoint.verified(keys, witnesses)
        return Proven(head, self.index, self.entry, self.attached, signatures)


def verify(
    data: bytes,
    keys: Collection[Verifier] | None,
    witnesses: Collection[Verifier] = (),
    origin: str | None = None,
) -> Proven:
    """Return what a proof file shows, without any repository; see ``Proof.verified``."""
    return Proof.parse(data).verified(keys, witnesses, origin)


def _other(data: bytes) -> str:
    if data.lstrip().startswith(b"{"):
        return "it is JSON; 'aivcs verify-attestation' checks an attestation"
    return "give the file that 'aivcs prove' wrote, as it was"


def _decoded(what: str, text: str) -> bytes:
    try:
        return base64text.decode(text)
    except ValueError as error:
        msg = f"{what}: {error}"
        raise _malformed(msg) from error


def _malformed(what: str) -> ProofInvalid:
    return ProofInvalid(f"not a proof: {what}", hint="it was cut off or changed")
