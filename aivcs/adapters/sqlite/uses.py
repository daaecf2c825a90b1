"""Which rows, and which live processes, keep an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aivcs.domain.digest import Digest
from aivcs.domain.usage import Use, UseKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_MANY: Final = 500
_OF_RUN: Final = """
SELECT {digest}, {kind}, s.name, r.agent, NULL, x.stream IS NOT NULL
  FROM {table} t JOIN streams s ON s.id = t.stream JOIN runs r ON r.stream = s.id
  LEFT JOIN expired x ON x.stream = s.id WHERE {digest} IN (?)
"""
_OF_ENTRY: Final = """
SELECT t.object, CASE s.family WHEN 'run' THEN 'event' ELSE 'release' END, s.name,
  ifnull(r.agent, s.name), t.seq, 0
  FROM {table} t JOIN streams s ON s.id = t.stream
  LEFT JOIN runs r ON r.stream = s.id WHERE t.object IN (?)
"""
_OF_SPEC: Final = """
SELECT {column}, '{kind}', lower(hex(digest)), name, NULL, 0 FROM specs WHERE {column} IN (?)
"""
_PARTS: Final = (
    "SELECT digest, 'pin', '', NULL, NULL, 0 FROM refs WHERE digest IN (?) AND stream IS NULL",
    _OF_RUN.format(digest="t.digest", kind="t.role", table="refs"),
    _OF_RUN.format(digest="t.source", kind="'source'", table="runs"),
    _OF_RUN.format(digest="t.final_state", kind="'state'", table="ends"),
    _OF_ENTRY.format(table="entries"),
    _OF_ENTRY.format(table="early"),
    _OF_SPEC.format(column="digest", kind="spec"),
    _OF_SPEC.format(column="manifest", kind="manifest"),
)
_STAMPS: Final = tuple(
    f"SELECT digest, lease FROM {table} WHERE digest IN (?) AND lease > 0"
    for table in ("hot", "sealed", "large", "holds")
)


def uses(
    rows: Callable[[str, tuple[object, ...]], list[tuple[Any, ...]]],
    digests: Sequence[Digest],
    live: Mapping[int, str],
) -> list[Use]:
    """Return every use of some objects, those of one together, as asked.

    ``live`` has the numbers of the leases of live processes, and what is known of those.
    """
    found: dict[Digest, dict[Use, None]] = {digest: {} for digest in digests}
    asked = list(found)
    for start in range(0, len(asked), _MANY):
        some = tuple(digest.raw for digest in asked[start : start + _MANY])
        marks = ",".join("?" * len(some))

        def ask(sql: str, some: tuple[bytes, ...] = some, marks: str = marks) -> Iterator[Any]:
            return iter(rows(sql.replace("(?)", f"({marks})"), some))

        for part in _PARTS:
            for raw, kind, owner, agent, seq, expired in ask(part):
                use = Use(Digest(raw), UseKind(kind), owner, agent, seq, bool(expired))
                found[use.digest][use] = None
        for part in _STAMPS if live else ():
            for raw, lease in ask(part):
                if lease in live:
                    use = Use(Digest(raw), UseKind.LEASE, live[lease])
                    found[use.digest][use] = None
    return [use for of_one in found.values() for use in of_one]
