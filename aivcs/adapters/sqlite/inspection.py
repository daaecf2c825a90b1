"""What the ledger says that it cannot mean: other tables, rows that contradict each other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import apsw

from aivcs.adapters.sqlite import numbering
from aivcs.adapters.sqlite.schema import MIGRATIONS
from aivcs.domain.batch import Role
from aivcs.domain.moment import to_micros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Rows = Callable[[str], list[tuple[Any, ...]]]

_SCHEMA: Final = "SELECT name, type, sql FROM sqlite_schema WHERE sql IS NOT NULL"
_FIRST: Final = to_micros(datetime(1, 1, 1, tzinfo=UTC))
_LAST: Final = to_micros(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
_NAMED: Final = 20

_RULES: Final = (
    """SELECT s.family || ' ' || s.name || ' counts ' || s.size || ' entries but has '
      || count(e.seq) || ', the last with seq ' || ifnull(max(e.seq), 0)
    FROM streams s LEFT JOIN entries e ON e.stream = s.id GROUP BY s.id
    HAVING s.size <> count(e.seq) OR s.size <> ifnull(max(e.seq), 0)""",
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
    WHERE s.status <> 'RUNNING' AND (s.status = 'COMPLETED') <> e.success""",
    """SELECT 'run ' || s.name || ' is ' || s.status || ', but '
      || CASE WHEN l.id IS NULL THEN 'has no seal' ELSE 'is sealed' END
    FROM streams s LEFT JOIN seals l ON l.stream = s.id
    WHERE s.family = 'run' AND (s.status = 'RUNNING') <> (l.id IS NULL)""",
    """SELECT 'the seals end with number ' || max(id) || ', but there are ' || count(*)
    FROM seals HAVING count(*) <> ifnull(max(id), 0)""",
    *numbering.RULES,
    """SELECT s.family || ' ' || s.name || ' has the key ' || k.key || ' for entry '
      || (k.seq + k.count - 1) || ' of ' || s.size
    FROM keys k JOIN streams s ON s.id = k.stream WHERE k.seq + k.count - 1 > s.size""",
    """SELECT s.family || ' ' || s.name || ' #' || e.seq || ' is erased, but it has not ended'
    FROM (SELECT * FROM entries UNION ALL SELECT * FROM early) e
    JOIN streams s ON s.id = e.stream LEFT JOIN ends x ON x.stream = s.id
    WHERE e.commitment IS NOT NULL AND x.stream IS NULL""",
    """SELECT 'run ' || s.name || ' has an early event ' || e.seq || ' that is in the log too'
    FROM early e JOIN streams s ON s.id = e.stream WHERE e.seq <= s.size""",
    """SELECT 'run ' || s.name || ' has an agent without a name' FROM runs r
    JOIN streams s ON s.id = r.stream WHERE trim(r.agent) = '' AND r.spec IS NOT NULL""",
    "SELECT 'spec ' || lower(hex(digest)) || ' has an empty name' FROM specs WHERE trim(name) = ''",
    # What a clock of this program said; the times that callers gave may lie before 1970.
    f"""SELECT s.family || ' ' || s.name || ' #' || e.seq || ' has no possible time'
    FROM (SELECT * FROM entries UNION ALL SELECT * FROM early) e
    JOIN streams s ON s.id = e.stream
    WHERE e.recorded_at NOT BETWEEN 0 AND {_LAST}
      OR e.timestamp NOT BETWEEN {_FIRST} AND {_LAST}""",
    f"""SELECT 'run ' || s.name || ' has no possible time' FROM runs r
    JOIN streams s ON s.id = r.stream LEFT JOIN ends e ON e.stream = r.stream
    WHERE min(r.created_at, ifnull(e.completed_at, r.created_at))
        < CASE WHEN r.source IS NULL THEN 0 ELSE {_FIRST} END
      OR max(r.created_at, ifnull(e.completed_at, r.created_at)) > {_LAST}""",
    f"""SELECT 'spec ' || lower(hex(digest)) || ' has no possible time' FROM specs
    WHERE created_at NOT BETWEEN 0 AND {_LAST}""",
    f"""SELECT 'run ' || s.name || ' expired at no possible time' FROM expired x
    JOIN streams s ON s.id = x.stream WHERE x.expired_at NOT BETWEEN 0 AND {_LAST}""",
    f"""SELECT 'reference ' || id || ' has the unknown role ' || role FROM refs
    WHERE role NOT IN ({", ".join(f"'{role}'" for role in Role)})""",
    *(
        f"""SELECT 'object ' || lower(hex(digest)) || ' is in {one} and in {other}' FROM {one}
        WHERE digest IN (SELECT digest FROM {other})"""
        for one, other in (("hot", "large"), ("hot", "sealed"), ("sealed", "large"))
    ),
    # One pass over the objects for both: they are many.
    """SELECT 'object ' || lower(hex(s.digest)) || CASE
      WHEN b.id IS NULL THEN ' is in block ' || s.block || ', which is missing'
      ELSE ' ends behind its block ' || b.id END
    FROM sealed s LEFT JOIN blocks b ON b.id = s.block
    WHERE b.id IS NULL OR s.start + s.size > b.size""",
    """SELECT 'block ' || b.id || ' ends behind its pack ' || lower(hex(p.digest))
    FROM blocks b JOIN packs p ON p.id = b.pack WHERE b.offset + b.length > p.size""",
    """SELECT 'block ' || id || ' begins before block ' || last || ' ends' FROM (
      SELECT id, offset, lag(id) OVER same AS last, lag(offset + length) OVER same AS until
      FROM blocks WINDOW same AS (PARTITION BY pack ORDER BY id)) WHERE offset < until""",
    """SELECT 'pack ' || lower(hex(digest)) || ' has a dictionary behind its end' FROM packs
    WHERE dictionary_offset + dictionary_length > size""",
)
"""Each asks for the sentences about what it forbids; one statement sees one moment."""


def inspect(rows: Rows) -> list[str]:
    """Return what is wrong with the file, its tables and what its rows say together.

    ``rows`` runs a statement. Where the file or a table is damaged, no more is asked.
    """
    problems = [text for (text,) in rows(f"PRAGMA integrity_check({_NAMED})") if text != "ok"]
    problems += _schema_problems(rows)
    problems += [
        f"{table} row {row} names a missing {parent}"
        for table, row, parent, _ in rows("PRAGMA foreign_key_check")
    ]
    if not problems:
        problems += _unreadable_names(rows)
        for rule in _RULES:
            # A name in the sentence may be no UTF-8.
            found = rows(f"WITH f(s) AS ({rule}) SELECT CAST(s AS BLOB) FROM f LIMIT {_NAMED}")
            problems += [text.decode(errors="backslashreplace") for (text,) in found]
    return problems


def _unreadable_names(rows: Rows) -> Iterator[str]:
    for number, name in rows("SELECT id, CAST(name AS BLOB) FROM streams"):
        try:
            name.decode()
        except UnicodeDecodeError:
            yield f"the name of stream {number} is not UTF-8: {name!r}"


def _schema_problems(rows: Rows) -> Iterator[str]:
    pattern = apsw.Connection(":memory:")
    try:
        for step in MIGRATIONS:
            pattern.execute(step)
        expected = pattern.execute(_SCHEMA).fetchall()
    finally:
        pattern.close()
    found = {name: sql for name, _, sql in rows(_SCHEMA)}
    for name, kind, sql in expected:
        if name not in found:
            yield f"the {kind} {name} is missing"
        elif found[name] != sql:
            yield f"the {kind} {name} was changed"
    ours = {name for name, _, _ in expected}
    for name, kind, _ in rows(_SCHEMA):
        if kind == "trigger" and name not in ours:
            yield f"the trigger {name} is not of this format"
