"""The log of all releases: how its lines get their numbers; inside the write transaction only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import apsw

TABLE: Final = """
CREATE TABLE release_log (
  id INTEGER PRIMARY KEY CHECK (id >= 1),
  stream INTEGER REFERENCES streams (id),
  seq INTEGER CHECK (seq >= 1),
  announcement TEXT CHECK (length(announcement) > 0),
  UNIQUE (stream, seq),
  CHECK ((stream IS NULL) = (seq IS NULL)),
  CHECK ((stream IS NULL) = (announcement IS NOT NULL))
) STRICT;
"""

_FILL: Final = """
INSERT INTO release_log (id, stream, seq)
SELECT row_number() OVER (ORDER BY moment, name, seq), stream, seq FROM (
  SELECT s.name, e.stream, e.seq,
    max(e.recorded_at) OVER (PARTITION BY e.stream ORDER BY e.seq) AS moment
  FROM entries e JOIN streams s ON s.id = e.stream WHERE s.family = 'release');
"""

_GUARDS: Final = """
CREATE TRIGGER release_log_no_delete BEFORE DELETE ON release_log BEGIN
  SELECT RAISE(ABORT, 'aivcs: release_log is append-only');
END;
CREATE TRIGGER release_log_no_update BEFORE UPDATE ON release_log BEGIN
  SELECT RAISE(ABORT, 'aivcs: release_log is append-only');
END;
CREATE TRIGGER release_log_insert BEFORE INSERT ON release_log BEGIN
  SELECT RAISE(ABORT, 'aivcs: each release has the next number, once') WHERE
    NEW.id <> 1 + (SELECT ifnull(max(id), 0) FROM release_log)
    OR (NEW.stream IS NOT NULL AND (
      NEW.seq <> 1 + (SELECT ifnull(max(seq), 0) FROM release_log WHERE stream = NEW.stream)
      OR NOT EXISTS (SELECT 1 FROM entries WHERE stream = NEW.stream AND seq = NEW.seq)
      OR NOT EXISTS (SELECT 1 FROM streams WHERE id = NEW.stream AND family = 'release')));
END;
"""

MIGRATION: Final = TABLE + _FILL + _GUARDS
"""Releases that have no number yet get theirs in the order of time; a clock that ran backwards
does not change the order of a log.
"""

RULES: Final = (
    """SELECT 'the log of releases ends with number ' || max(id) || ', but has ' || count(*)
      || ' lines'
    FROM release_log HAVING count(*) <> ifnull(max(id), 0)""",
    """SELECT 'release ' || s.name || '@' || e.seq || ' has no number in the log of releases'
    FROM entries e JOIN streams s ON s.id = e.stream
    LEFT JOIN release_log l ON l.stream = e.stream AND l.seq = e.seq
    WHERE s.family = 'release' AND l.id IS NULL""",
    """SELECT 'number ' || l.id || ' of the log of releases is of no release'
    FROM release_log l LEFT JOIN entries e ON e.stream = l.stream AND e.seq = l.seq
    LEFT JOIN streams s ON s.id = l.stream
    WHERE l.stream IS NOT NULL AND (e.id IS NULL OR s.family IS NOT 'release')""",
    """SELECT 'release ' || name || '@' || seq || ' has number ' || id
      || ' in the log of releases, before that of seq ' || (seq - 1)
    FROM (SELECT s.name, l.seq, l.id,
        lag(l.id) OVER (PARTITION BY l.stream ORDER BY l.seq) AS last
      FROM release_log l JOIN streams s ON s.id = l.stream)
    WHERE id < last""",
)
"""What must not be, as queries for the sentences about it."""

_NUMBER: Final = """
INSERT INTO release_log (id, stream, seq, announcement)
SELECT 1 + ifnull(max(id), 0), ?, ?, ? FROM release_log
"""


def number(db: apsw.Connection, stream: int, seqs: Iterable[int]) -> list[int]:
    """Give new entries of a release log the next numbers."""
    return [_add(db, (stream, seq, None)) for seq in seqs]


def announce(db: apsw.Connection, texts: Sequence[str]) -> list[int]:
    """Add announcements under the next numbers."""
    return [_add(db, (None, None, text)) for text in texts]


def _add(db: apsw.Connection, cells: tuple[int | None, int | None, str | None]) -> int:
    db.execute(_NUMBER, cells)
    return db.last_insert_rowid()
