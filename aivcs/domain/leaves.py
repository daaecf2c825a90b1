"""The leaf hashes of many stored entries, each compared with its row's checksum.

What is here is done for every entry of a log when it is verified, so it makes no value of
an entry: it works on rows as they are stored.
"""

from __future__ import annotations

import struct
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from aivcs.domain import log_rows
from aivcs.domain.checksum import LENGTH
from aivcs.domain.commitment import HEAD, stored_leaf
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.domain.rows import Row

_UNREADABLE: Final = (struct.error, TypeError, AttributeError, ValueError)


class Leaves:
    """Turns rows into leaf hashes, and collects what is wrong with them.

    ``wrong`` has the seq of each row that does not hold, with a sentence; ``last`` is the
    seq of the last row, ``gap`` the first seq that is not where it should be, or None.
    ``large`` are the rows whose bodies are objects, since ``take`` was called last.
    """

    def __init__(self, last: int = 0) -> None:
        """Begin behind the entry ``last``."""
        self.last = last
        self.gap: int | None = None
        self.wrong: list[tuple[int, str]] = []
        self.large: list[Row] = []
        self._kinds: dict[str, bytes] = {}

    def take(self, page: Sequence[Row]) -> list[bytes]:
        """Return the leaf hashes of the next rows; empty where a row does not hold."""
        self.large = []
        found: list[bytes] = []
        add, kinds, head, size = found.append, self._kinds, HEAD.pack, LENGTH
        expected = self.last + 1
        for row in page:
            seq, kind, timestamp, recorded_at, body, large, salt, committed, checksum = row
            if seq != expected and self.gap is None:
                self.gap = expected
            try:
                if committed is not None or large is not None or body is None:
                    leaf = self._rare(row)
                else:
                    name = kinds.get(kind)
                    if name is None:
                        name = kinds[kind] = kind.encode()
                    committed = sha256(salt + sha256(body.encode()).digest()).digest()
                    leaf = sha256(
                        b"\0" + head(seq, timestamp, recorded_at, len(name)) + name + committed
                    ).digest()
            except _UNREADABLE:
                leaf = b""
            if leaf[:size] != checksum or not leaf:
                self.wrong.append((expected if type(seq) is not int else seq, _why(row)))
                add(b"")
            else:
                add(leaf)
            expected = seq + 1 if type(seq) is int else expected + 1
        self.last = expected - 1
        return found

    def _rare(self, row: Row) -> bytes:
        """Return the leaf of an entry whose body is erased or an object."""
        leaf = stored_leaf(*row[:-1])
        if row[5] is not None:
            self.large.append(row)
        return leaf


def _why(row: Row) -> str:
    try:
        log_rows.entry(row)
    except CorruptionError as error:
        return error.message
    return f"entry {row[0]} is not what it was"
