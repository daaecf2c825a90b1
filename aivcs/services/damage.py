"""The errors for objects that are gone or are not what was stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.blobname import pack_name
from aivcs.errors import IntegrityError, MissingObject, NotFound

if TYPE_CHECKING:
    from aivcs.domain.digest import Digest
    from aivcs.ports import Ledger


def damaged(digest: Digest, place: str, detail: str) -> IntegrityError:
    """Return the error for stored bytes at ``place`` that are not the object's."""
    return IntegrityError(
        f"object {digest} in {place} is damaged: {detail}",
        hint="'aivcs repair --from' heals it from a copy; 'aivcs verify' lists all damage",
    )


def gone(digest: Digest, place: str) -> MissingObject:
    """Return the error for an object that the ledger lists but ``place`` does not have."""
    return MissingObject(
        f"object {digest} is listed, but {place} is missing",
        hint="'aivcs repair --from' heals it from a copy, or store the same content again",
    )


def absent(digest: Digest, ledger: Ledger) -> NotFound:
    """Return the error for a digest that nothing is stored under, or is no longer."""
    let_go = [use.owner for use in ledger.uses([digest]) if use.expired]
    if let_go:
        more = f" and {len(let_go) - 1} more" if len(let_go) > 1 else ""
        msg = f"object {digest} is gone: run {let_go[0]}{more} that needed it has expired"
        return NotFound(msg, hint="the rules are in config.toml, under [retention]")
    return NotFound(f"no object {digest} is stored here", hint="'aivcs object list' shows what is")


def damaged_pack(pack: Digest, detail: str) -> IntegrityError:
    """Return the error for a pack whose bytes are not those that were published."""
    return IntegrityError(
        f"pack {pack} in {pack_name(pack)} is damaged: {detail}",
        hint="'aivcs verify' lists every damaged object, 'aivcs repair' saves the others",
    )


def gone_pack(pack: Digest) -> MissingObject:
    """Return the error for a pack that is listed but is not there."""
    return MissingObject(
        f"pack {pack} is listed, but {pack_name(pack)} is missing",
        hint="restore the file from a copy, or let 'aivcs repair --from' take it from one",
    )
