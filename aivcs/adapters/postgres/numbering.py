"""The log of all releases: how its lines get their numbers; inside a transaction that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.adapters.postgres import locks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aivcs.adapters.postgres.session import Session

TABLE: Final = """
CREATE TABLE release_log (
  id bigint PRIMARY KEY CHECK (id >= 1),
  stream bigint REFERENCES streams (id),
  seq bigint CHECK (seq >= 1),
  announcement text COLLATE "C" CHECK (length(announcement) > 0),
  UNIQUE (stream, seq),
  CHECK ((stream IS NULL) = (seq IS NULL)),
  CHECK ((stream IS NULL) = (announcement IS NOT NULL))
);
"""

_FILL: Final = """
INSERT INTO release_log (id, stream, seq)
SELECT row_number() OVER (ORDER BY moment, name, seq), stream, seq FROM (
  SELECT s.name, e.stream, e.seq,
    max(e.recorded_at) OVER (PARTITION BY e.stream ORDER BY e.seq) AS moment
  FROM entries e JOIN streams s ON s.id = e.stream WHERE s.family = 'release') r;
"""

_NEVER: Final = """
CREATE TRIGGER release_log_no_{0} BEFORE {1} ON release_log
  FOR EACH STATEMENT EXECUTE FUNCTION never();
"""

_GUARD: Final = """
CREATE FUNCTION release_log_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.id <> 1 + (SELECT coalesce(max(id), 0) FROM @.release_log)
    OR (NEW.stream IS NOT NULL AND (
      NEW.seq <> 1 + (SELECT coalesce(max(seq), 0) FROM @.release_log WHERE stream = NEW.stream)
      OR NOT EXISTS (SELECT FROM @.entries WHERE stream = NEW.stream AND seq = NEW.seq)
      OR NOT EXISTS (SELECT FROM @.streams WHERE id = NEW.stream AND family = 'release'))) THEN
    RAISE EXCEPTION 'aivcs: each release has the next number, once'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER release_log_insert BEFORE INSERT ON release_log
  FOR EACH ROW EXECUTE FUNCTION release_log_insert();
"""

RULES: Final = (
    """SELECT 'the log of releases ends with number ' || max(id) || ', but has ' || count(*)
      || ' lines'
    FROM release_log HAVING count(*) <> coalesce(max(id), 0)""",
    """SELECT 'release ' || s.name || '@' || e.seq || ' has no number in the log of releases'
    FROM entries e JOIN streams s ON s.id = e.stream
    LEFT JOIN release_log l ON l.stream = e.stream AND l.seq = e.seq
    WHERE s.family = 'release' AND l.id IS NULL""",
    """SELECT 'number ' || l.id || ' of the log of releases is of no release'
    FROM release_log l LEFT JOIN entries e ON e.stream = l.stream AND e.seq = l.seq
    LEFT JOIN streams s ON s.id = l.stream
    WHERE l.stream IS NOT NULL AND (e.id IS NULL OR s.family IS DISTINCT FROM 'release')""",
    """SELECT 'release ' || name || '@' || seq || ' has number ' || id
      || ' in the log of releases, before that of seq ' || (seq - 1)
    FROM (SELECT s.name, l.seq, l.id,
        lag(l.id) OVER (PARTITION BY l.stream ORDER BY l.seq) AS last
      FROM release_log l JOIN streams s ON s.id = l.stream) r
    WHERE id < last""",
)
"""What must not be, as queries for the sentences about it."""

_NUMBER: Final = """
INSERT INTO release_log (id, stream, seq, announcement)
SELECT 1 + coalesce(max(id), 0), %s::bigint, %s::bigint, %s::text FROM release_log
RETURNING id
"""


def guards(schema: str) -> str:
    """Return the function and triggers of the log in a schema."""
    verbs = ("DELETE", "UPDATE", "TRUNCATE")
    never = "".join(_NEVER.format(verb.lower(), verb) for verb in verbs)
    return never + _GUARD.replace("@", schema)


def migration(schema: str) -> str:
    """Return what makes the log.

    Releases that have no number yet get theirs in the order of time; a clock that ran
    backwards does not change the order of a log.
    """
    return TABLE + _FILL + guards(schema)


def lock(db: Session) -> None:
    """Be alone with the numbers until the transaction ends: they have no gap."""
    db.rows(locks.call("pg_advisory_xact_lock", locks.RELEASES))


def number(db: Session, stream: int, seqs: Iterable[int]) -> list[int]:
    """Give new entries of a release log the next numbers; the log is locked."""
    return [_add(db, (stream, seq, None)) for seq in seqs]


def announce(db: Session, texts: Sequence[str]) -> list[int]:
    """Add announcements under the next numbers."""
    if not texts:
        return []
    lock(db)
    return [_add(db, (None, None, text)) for text in texts]


def _add(db: Session, cells: tuple[int | None, int | None, str | None]) -> int:
    ((found,),) = db.rows(_NUMBER, cells)
    return int(found)
