"""Which rows, and which live processes, keep an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aivcs.domain.digest import Digest
from aivcs.domain.usage import Use, UseKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aivcs.adapters.postgres.sending import Bindings

_MANY: Final = 2000
_OF_RUN: Final = """
SELECT {digest}, {kind}, s.name, r.agent, NULL::bigint, x.stream IS NOT NULL
  FROM {table} t JOIN streams s ON s.id = t.stream JOIN runs r ON r.stream = s.id
  LEFT JOIN expired x ON x.stream = s.id WHERE {digest} = ANY(%(some)s::bytea[])
"""
_OF_ENTRY: Final = """
SELECT t.object, CASE s.family WHEN 'run' THEN 'event' ELSE 'release' END, s.name,
  coalesce(r.agent, s.name), t.seq, false
  FROM {table} t JOIN streams s ON s.id = t.stream
  LEFT JOIN runs r ON r.stream = s.id WHERE t.object = ANY(%(some)s::bytea[])
"""
_OF_SPEC: Final = """
SELECT {column}, '{kind}', encode(digest, 'hex'), name, NULL::bigint, false FROM specs
WHERE {column} = ANY(%(some)s::bytea[])
"""
_PARTS: Final = (
    """SELECT digest, 'pin', '', NULL, NULL::bigint, false FROM refs
    WHERE digest = ANY(%(some)s::bytea[]) AND stream IS NULL""",
    _OF_RUN.format(digest="t.digest", kind="t.role", table="refs"),
    _OF_RUN.format(digest="t.source", kind="'source'", table="runs"),
    _OF_RUN.format(digest="t.final_state", kind="'state'", table="ends"),
    _OF_ENTRY.format(table="entries"),
    _OF_ENTRY.format(table="early"),
    _OF_SPEC.format(column="digest", kind="spec"),
    _OF_SPEC.format(column="manifest", kind="manifest"),
)
_STAMPS: Final = " UNION ALL ".join(
    f"SELECT digest, lease FROM {table} WHERE digest = ANY(%(some)s::bytea[]) AND lease > 0"
    for table in ("hot", "sealed", "large", "holds")
)


def uses(
    rows: Callable[[str, Bindings], list[tuple[Any, ...]]],
    digests: Sequence[Digest],
    live: Mapping[int, str],
) -> list[Use]:
    """Return every use of some objects, those of one together, as asked.

    ``live`` has the numbers of the leases of live processes, and what is known of those.
    """
    found: dict[Digest, dict[Use, None]] = {digest: {} for digest in digests}
    asked = list(found)
    for start in range(0, len(asked), _MANY):
        some = {"some": [digest.raw for digest in asked[start : start + _MANY]]}
        for part in _PARTS:
            for raw, kind, owner, agent, seq, expired in rows(part, some):
                use = Use(Digest(raw), UseKind(kind), owner, agent, seq, bool(expired))
                found[use.digest][use] = None
        for raw, lease in rows(_STAMPS, some) if live else ():
            if lease in live:
                use = Use(Digest(raw), UseKind.LEASE, live[lease])
                found[use.digest][use] = None
    return [use for of_one in found.values() for use in of_one]
