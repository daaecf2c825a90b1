"""What a proof file says beside the proof: the release or the run that the entry stands for.

What is attached is believed only as far as the entry commits to it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from aivcs.domain import canonical, log_proof, strictjson
from aivcs.domain.commitment import stored_leaf
from aivcs.domain.key_rotation import TYPE, announced, is_announcement, read_announcement
from aivcs.domain.moment import from_micros, text, to_micros
from aivcs.domain.note import Verifier
from aivcs.domain.published import LOGS, RELEASES, RUNS, log_origin
from aivcs.domain.release_leaf import VERSION
from aivcs.errors import InvalidInputError, ProofInvalid

if TYPE_CHECKING:
    from aivcs.domain.log_proof import Proof, Proven
    from aivcs.domain.stream import Entry

_SEAL: Final = 32
_UNFIT: Final = (
    InvalidInputError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
)
_UNKNOWN: Final = "the entry is not one of aivcs"
_OTHER_RELEASE: Final = "the release that is attached is not the one of the entry"
_OTHER_SPEC: Final = "the release names another spec than the entry"
_OTHER_LOG: Final = "the entry is one of another log"
_LOGS: Final = {"release": RELEASES, "key": RELEASES, "run": RUNS}
_OTHER_RUN: Final = "the closing record that is attached is not the one that was sealed"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a proof shows: the log ``origin`` of ``size`` entries has this at ``index``.

    ``what`` is ``release``, ``run`` or ``key`` (an announcement of one); ``facts`` say the rest.
    ``signed_by`` are the keys whose signatures hold.
    """

    what: str
    facts: dict[str, Any]
    origin: str
    index: int
    size: int
    signed_by: tuple[str, ...]


def verify_proof(data: bytes, *keys: str) -> Shown:
    """Return what a proof file shows under a verifier key of the log; needs no repository.

    A proof that a key came after another one holds for who trusts that other one, whichever of
    the two signed the log. Raises ProofInvalid for a file that is no proof, is signed by none of
    ``keys``, or does not show what it says; InvalidInputError for what is no key.
    """
    proof = log_proof.Proof.parse(data)
    proven = proof.verified(_trusted(proof, [Verifier.parse(key) for key in keys]))
    what, facts = _content(proven)
    head = proven.checkpoint
    if not head.origin.endswith(log_origin("", _LOGS[what])):
        raise _malformed(_OTHER_LOG)
    # A line may stand there twice; nobody becomes two by that.
    by = tuple(dict.fromkeys(one.key.text() for one in proven.signatures))
    return Shown(what, facts, head.origin, proven.index, head.size, by)


def attach_release(entry: Entry, body: str) -> bytes:
    """Return what a reader needs to know the whole release: its times, salt and body."""
    said = {
        "timestamp": to_micros(entry.timestamp),
        "recorded_at": to_micros(entry.recorded_at),
        "salt": (entry.salt or b"").hex(),
        "body": body,
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode(errors="strict")


def _trusted(proof: Proof, keys: list[Verifier]) -> list[Verifier]:
    """Return the keys, and the one that the entry announces where one of them vouches for it."""
    origin = proof.checkpoint.checkpoint.origin
    for key in keys if is_announcement(proof.entry) else ():
        with suppress(ProofInvalid, InvalidInputError):
            return [*keys, announced(proof.entry, origin, key)]
    return keys


def _content(proven: Proven) -> tuple[str, dict[str, Any]]:
    if len(proven.entry) == _SEAL:
        return "run", _run(proven)
    try:
        leaf = canonical.loads(proven.entry)
        if isinstance(leaf, dict) and leaf.get("type") == TYPE:
            return "key", {**leaf, **_key(proven)}
        if not (isinstance(leaf, dict) and canonical.dumps(leaf) == proven.entry):
            raise _malformed(_UNKNOWN)
        return "release", _release(leaf, proven.attached)
    except _UNFIT as error:
        msg = f"the entry: {error}"
        raise _malformed(msg) from error


def _release(leaf: dict[str, Any], attached: bytes) -> dict[str, Any]:
    if leaf["v"] != VERSION:
        msg = f"version {leaf['v']} is unknown"
        raise ValueError(msg)
    said: Any = strictjson.loads(attached.decode())
    body = said["body"]
    times = said["timestamp"], said["recorded_at"]
    salt = bytes.fromhex(said["salt"])
    hashed = stored_leaf(leaf["seq"], leaf["kind"], *times, body, None, salt, None)
    if hashed.hex() != leaf["entry"]:
        raise _malformed(_OTHER_RELEASE)
    fields: Any = strictjson.loads(body)
    if fields["spec_digest"] != leaf["spec"]:
        raise _malformed(_OTHER_SPEC)
    told = {
        "name": leaf["name"],
        "seq": leaf["seq"],
        "kind": leaf["kind"],
        "spec_digest": leaf["spec"],
        "created_at": text(from_micros(times[0])),
    }
    # What a body says of itself beside that does not speak for it.
    return told | {key: value for key, value in fields.items() if key not in told}


def _key(proven: Proven) -> dict[str, Any]:
    """Return what an announcement says; ``verifiers`` are the new key's, as one signs all logs."""
    from dataclasses import replace

    found = read_announcement(proven.entry)
    if found.origin != proven.checkpoint.origin:
        raise _malformed(_OTHER_LOG)
    name = found.origin.removesuffix(log_origin("", RELEASES))
    verifiers = {log: replace(found.new, name=log_origin(name, log)).text() for log in LOGS}
    return {
        "origin": found.origin,
        "old": found.old.text(),
        "new": found.new.text(),
        "verifiers": verifiers,
    }


def _run(proven: Proven) -> dict[str, Any]:
    if sha256(proven.attached).digest() != proven.entry:
        raise _malformed(_OTHER_RUN)
    try:
        found: Any = strictjson.loads(proven.attached.decode())
        return dict(found)
    except (TypeError, ValueError) as error:
        msg = f"the closing record: {error}"
        raise _malformed(msg) from error


def _malformed(what: str) -> ProofInvalid:
    return ProofInvalid(f"not a proof of aivcs: {what}", hint="it was cut off or changed")
