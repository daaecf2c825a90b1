"""What rows must not say together, as queries for the sentences about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from aivcs.adapters.postgres import numbering
from aivcs.domain.batch import Role
from aivcs.domain.moment import to_micros

_FIRST: Final = to_micros(datetime(1, 1, 1, tzinfo=UTC))
_LAST: Final = to_micros(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
_ALL: Final = "(SELECT * FROM entries UNION ALL SELECT * FROM early)"

RULES: Final = (
    """SELECT s.family || ' ' || s.name || ' counts ' || s.size || ' entries but has '
      || coalesce(e.count, 0) || ', the last with seq ' || coalesce(e.last, 0)
    FROM streams s LEFT JOIN (SELECT stream, count(*), max(seq) AS last FROM entries
      GROUP BY stream) e ON e.stream = s.id
    WHERE s.size <> coalesce(e.count, 0) OR s.size <> coalesce(e.last, 0)""",
    *(
        f"""SELECT 'a row of {table} names stream ' || t.stream || ', which is missing'
        FROM {table} t WHERE NOT EXISTS (SELECT FROM streams s WHERE s.id = t.stream)"""
        for table in ("entries", "early", "keys")
    ),
    """SELECT 'run ' || s.name || ' has no row in runs' FROM streams s
    LEFT JOIN runs r ON r.stream = s.id WHERE s.family = 'run' AND r.stream IS NULL""",
    """SELECT 'runs has a row for ' || s.family || ' ' || s.name FROM runs r
    JOIN streams s ON s.id = r.stream WHERE s.family <> 'run'""",
    """SELECT 'run ' || s.name || ' is ' || s.status || ', but '
      || CASE WHEN e.stream IS NULL THEN 'has no end' ELSE 'has an end' END
    FROM streams s LEFT JOIN ends e ON e.stream = s.id
    WHERE s.family = 'run' AND (s.status = 'RUNNING') <> (e.stream IS NULL)""",
    """SELECT 'run ' || s.name || ' is ' || s.status || ', but its success is ' || e.success
    FROM streams s JOIN ends e ON e.stream = s.id
    WHERE s.status <> 'RUNNING' AND (s.status = 'COMPLETED') <> (e.success = 1)""",
    """SELECT 'run ' || s.name || ' is ' || s.status || ', but '
      || CASE WHEN l.id IS NULL THEN 'has no seal' ELSE 'is sealed' END
    FROM streams s LEFT JOIN seals l ON l.stream = s.id
    WHERE s.family = 'run' AND (s.status = 'RUNNING') <> (l.id IS NULL)""",
    """SELECT 'the seals end with number ' || max(id) || ', but there are ' || count(*)
    FROM seals HAVING count(*) <> coalesce(max(id), 0)""",
    *numbering.RULES,
    """SELECT s.family || ' ' || s.name || ' has the key ' || k.key || ' for entry '
      || (k.seq + k.count - 1) || ' of ' || s.size
    FROM keys k JOIN streams s ON s.id = k.stream WHERE k.seq + k.count - 1 > s.size""",
    f"""SELECT s.family || ' ' || s.name || ' #' || e.seq || ' is erased, but it has not ended'
    FROM {_ALL} e
    JOIN streams s ON s.id = e.stream LEFT JOIN ends x ON x.stream = s.id
    WHERE e.commitment IS NOT NULL AND x.stream IS NULL""",
    """SELECT 'run ' || s.name || ' has an early event ' || e.seq || ' that is in the log too'
    FROM early e JOIN streams s ON s.id = e.stream WHERE e.seq <= s.size""",
    """SELECT 'run ' || s.name || ' has an agent without a name' FROM runs r
    JOIN streams s ON s.id = r.stream WHERE trim(r.agent) = '' AND r.spec IS NOT NULL""",
    """SELECT 'spec ' || encode(digest, 'hex') || ' has an empty name' FROM specs
    WHERE trim(name) = ''""",
    # What a clock of this program said; the times that callers gave may lie before 1970.
    f"""SELECT s.family || ' ' || s.name || ' #' || e.seq || ' has no possible time'
    FROM {_ALL} e JOIN streams s ON s.id = e.stream
    WHERE e.recorded_at NOT BETWEEN 0 AND {_LAST}
      OR e.timestamp NOT BETWEEN {_FIRST} AND {_LAST}""",
    f"""SELECT 'run ' || s.name || ' has no possible time' FROM runs r
    JOIN streams s ON s.id = r.stream LEFT JOIN ends e ON e.stream = r.stream
    WHERE least(r.created_at, coalesce(e.completed_at, r.created_at))
        < CASE WHEN r.source IS NULL THEN 0 ELSE {_FIRST} END
      OR greatest(r.created_at, coalesce(e.completed_at, r.created_at)) > {_LAST}""",
    f"""SELECT 'spec ' || encode(digest, 'hex') || ' has no possible time' FROM specs
    WHERE created_at NOT BETWEEN 0 AND {_LAST}""",
    f"""SELECT 'run ' || s.name || ' expired at no possible time' FROM expired x
    JOIN streams s ON s.id = x.stream WHERE x.expired_at NOT BETWEEN 0 AND {_LAST}""",
    f"""SELECT 'reference ' || id || ' has the unknown role ' || role FROM refs
    WHERE role NOT IN ({", ".join(f"'{role}'" for role in Role)})""",
    *(
        f"""SELECT 'object ' || encode(digest, 'hex') || ' is in {one} and in {other}' FROM {one}
        WHERE digest IN (SELECT digest FROM {other})"""
        for one, other in (("hot", "large"), ("hot", "sealed"), ("sealed", "large"))
    ),
    """SELECT 'object ' || encode(digest, 'hex') || ' is in block ' || block
      || ', which is missing'
    FROM sealed s WHERE NOT EXISTS (SELECT FROM blocks b WHERE b.id = s.block)""",
    """SELECT 'object ' || encode(s.digest, 'hex') || ' ends behind its block ' || b.id
    FROM sealed s JOIN blocks b ON b.id = s.block WHERE s.start + s.size > b.size""",
    """SELECT 'block ' || b.id || ' ends behind its pack ' || encode(p.digest, 'hex')
    FROM blocks b JOIN packs p ON p.id = b.pack WHERE b."offset" + b.length > p.size""",
    """SELECT 'block ' || id || ' begins before block ' || last || ' ends' FROM (
      SELECT id, "offset", lag(id) OVER same AS last, lag("offset" + length) OVER same AS until
      FROM blocks WINDOW same AS (PARTITION BY pack ORDER BY id)) b WHERE "offset" < until""",
    """SELECT 'pack ' || encode(digest, 'hex') || ' has a dictionary behind its end' FROM packs
    WHERE dictionary_offset + dictionary_length > size""",
)
"""One statement sees one moment."""
