"""The leaf of a release in the public log: what of it everybody may see.

It names the release and its spec, and commits to the rest by the hash of the entry, which
hides the body behind a salt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain import canonical
from aivcs.domain.commitment import leaf_of

if TYPE_CHECKING:
    from aivcs.domain.digest import Digest
    from aivcs.domain.stream import Entry

VERSION: Final = 1


def release_leaf(name: str, entry: Entry, spec: Digest) -> bytes:
    """Return the data of the leaf: canonical JSON (RFC 8785) in UTF-8."""
    said = {
        "v": VERSION,
        "name": name,
        "seq": entry.seq,
        "kind": entry.kind,
        "spec": str(spec),
        "entry": leaf_of(entry).hex(),
    }
    return canonical.dumps(said)
