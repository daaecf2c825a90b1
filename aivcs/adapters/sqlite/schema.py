"""The tables of the ledger, their guards, and how an older file becomes a current one.

The guards are generated from the same table of moves that the library uses. They stop
bugs and foreign clients that change a log by SQL.
"""

from __future__ import annotations

from typing import Final

from aivcs.domain.run import TRANSITIONS, RunStatus

APPLICATION_ID: Final = 0x61697663
"""``aivc`` in ASCII, in the file's header."""

_TABLES: Final = """
CREATE TABLE streams (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  family TEXT NOT NULL CHECK (family IN ('run', 'release')),
  name TEXT NOT NULL CHECK (length(name) > 0),
  size INTEGER NOT NULL DEFAULT 0 CHECK (size >= 0),
  status TEXT CHECK ((status IS NULL) = (family <> 'run')),
  UNIQUE (family, name)
) STRICT;
CREATE INDEX streams_by_status ON streams (status, id);

CREATE TABLE runs (
  stream INTEGER PRIMARY KEY REFERENCES streams (id),
  spec BLOB NOT NULL CHECK (length(spec) = 32),
  agent TEXT NOT NULL,
  tags TEXT NOT NULL,
  git_sha TEXT,
  environment TEXT,
  created_at INTEGER NOT NULL,
  source BLOB CHECK (source IS NULL OR length(source) = 32),
  source_index INTEGER,
  source_format TEXT,
  checksum BLOB NOT NULL CHECK (length(checksum) = 8)
) STRICT;
CREATE INDEX runs_by_agent ON runs (agent, stream);
CREATE INDEX runs_by_spec ON runs (spec, stream);
CREATE UNIQUE INDEX runs_by_source ON runs (source, source_index) WHERE source IS NOT NULL;

CREATE TABLE ends (
  stream INTEGER PRIMARY KEY REFERENCES runs (stream),
  success INTEGER NOT NULL CHECK (success IN (0, 1)),
  duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0),
  final_state BLOB CHECK (final_state IS NULL OR length(final_state) = 32),
  completed_at INTEGER NOT NULL,
  reason TEXT,
  checksum BLOB NOT NULL CHECK (length(checksum) = 8)
) STRICT;

CREATE TABLE entries (
  id INTEGER PRIMARY KEY,
  stream INTEGER NOT NULL REFERENCES streams (id),
  seq INTEGER NOT NULL CHECK (seq >= 1),
  kind TEXT NOT NULL CHECK (length(kind) > 0),
  timestamp INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  body TEXT,
  object BLOB CHECK (object IS NULL OR length(object) = 32),
  checksum BLOB NOT NULL CHECK (length(checksum) = 8),
  CHECK ((body IS NULL) <> (object IS NULL))
) STRICT;
CREATE UNIQUE INDEX entries_by_seq ON entries (stream, seq);
CREATE INDEX entries_by_object ON entries (object) WHERE object IS NOT NULL;

CREATE TABLE early (
  id INTEGER PRIMARY KEY,
  stream INTEGER NOT NULL REFERENCES streams (id),
  seq INTEGER NOT NULL CHECK (seq >= 2),
  kind TEXT NOT NULL CHECK (length(kind) > 0),
  timestamp INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  body TEXT,
  object BLOB CHECK (object IS NULL OR length(object) = 32),
  checksum BLOB NOT NULL CHECK (length(checksum) = 8),
  CHECK ((body IS NULL) <> (object IS NULL)),
  UNIQUE (stream, seq)
) STRICT;

CREATE TABLE specs (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  name TEXT NOT NULL,
  git_sha TEXT,
  dirty INTEGER CHECK (dirty IN (0, 1)),
  manifest BLOB CHECK (manifest IS NULL OR length(manifest) = 32),
  created_at INTEGER NOT NULL,
  checksum BLOB NOT NULL CHECK (length(checksum) = 8)
) STRICT;
CREATE INDEX specs_by_digest ON specs (digest, id);

CREATE TABLE hot (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  size INTEGER NOT NULL CHECK (size >= 0),
  codec INTEGER NOT NULL,
  data BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX hot_by_digest ON hot (digest);

CREATE TABLE large (
  digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
  size INTEGER NOT NULL CHECK (size >= 0),
  codec INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE refs (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  role TEXT NOT NULL,
  stream INTEGER REFERENCES streams (id)
) STRICT;
CREATE UNIQUE INDEX refs_by_digest ON refs (digest, role, ifnull(stream, 0));
"""


def _never(table: str, verb: str) -> str:
    """Return a trigger that refuses a verb on a table."""
    return (
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN "
        f"SELECT RAISE(ABORT, 'aivcs: {table} is append-only'); END;\n"
    )


def _moves() -> str:
    """Return the legal status moves as SQL rows, from TRANSITIONS."""
    pairs = sorted((old.value, new.value) for old, news in TRANSITIONS.items() for new in news)
    return ", ".join(f"('{old}', '{new}')" for old, new in pairs)


def _guards() -> str:
    """Return every trigger."""
    running = RunStatus.RUNNING.value
    fixed = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in ("id", "family", "name"))
    open_stream = f"(status IS NULL OR status = '{running}')"
    return (
        "".join(
            _never(table, "DELETE") for table in ("streams", "runs", "ends", "entries", "specs")
        )
        + "".join(
            _never(table, "UPDATE")
            for table in ("runs", "ends", "entries", "specs", "early", "hot", "large", "refs")
        )
        + f"""
CREATE TRIGGER streams_insert BEFORE INSERT ON streams BEGIN
  SELECT RAISE(ABORT, 'aivcs: a stream begins empty and only once') WHERE NEW.size <> 0
    OR (NEW.family = 'run' AND NEW.status IS NOT '{running}')
    OR EXISTS (SELECT 1 FROM streams
      WHERE id = NEW.id OR (family = NEW.family AND name = NEW.name));
END;
CREATE TRIGGER streams_update BEFORE UPDATE ON streams BEGIN
  SELECT RAISE(ABORT, 'aivcs: a stream keeps its name and only grows')
    WHERE {fixed} OR NEW.size < OLD.size;
  SELECT RAISE(ABORT, 'aivcs: illegal move of a run''s status') WHERE NEW.status IS NOT OLD.status
    AND (OLD.status, NEW.status) NOT IN (VALUES {_moves()});
  SELECT RAISE(ABORT, 'aivcs: the run has ended')
    WHERE OLD.status IS NOT NULL AND OLD.status <> '{running}';
  SELECT RAISE(ABORT, 'aivcs: a run ends with its row in ends') WHERE NEW.status <> '{running}'
    AND NOT EXISTS (SELECT 1 FROM ends WHERE stream = NEW.id);
END;
CREATE TRIGGER runs_insert BEFORE INSERT ON runs BEGIN
  SELECT RAISE(ABORT, 'aivcs: a run belongs to a new stream') WHERE
    EXISTS (SELECT 1 FROM runs WHERE stream = NEW.stream
      OR (source = NEW.source AND source_index = NEW.source_index))
    OR NOT EXISTS (SELECT 1 FROM streams WHERE id = NEW.stream AND family = 'run'
      AND size = 0 AND status = '{running}');
  SELECT RAISE(ABORT, 'aivcs: no such spec')
    WHERE NOT EXISTS (SELECT 1 FROM specs WHERE digest = NEW.spec);
END;
CREATE TRIGGER ends_insert BEFORE INSERT ON ends BEGIN
  SELECT RAISE(ABORT, 'aivcs: only a running run ends, once') WHERE
    EXISTS (SELECT 1 FROM ends WHERE stream = NEW.stream)
    OR NOT EXISTS (SELECT 1 FROM streams WHERE id = NEW.stream AND status = '{running}');
END;
CREATE TRIGGER entries_insert BEFORE INSERT ON entries BEGIN
  SELECT RAISE(ABORT, 'aivcs: entries are dense') WHERE
    NEW.seq <> 1 + (SELECT ifnull(max(seq), 0) FROM entries WHERE stream = NEW.stream)
    OR EXISTS (SELECT 1 FROM entries WHERE id = NEW.id);
  SELECT RAISE(ABORT, 'aivcs: the log takes no entry') WHERE NOT EXISTS
    (SELECT 1 FROM streams WHERE id = NEW.stream AND NEW.seq <= size AND {open_stream});
END;
CREATE TRIGGER early_insert BEFORE INSERT ON early BEGIN
  SELECT RAISE(ABORT, 'aivcs: the log takes no entry') WHERE
    EXISTS (SELECT 1 FROM early WHERE id = NEW.id OR (stream = NEW.stream AND seq = NEW.seq))
    OR NOT EXISTS (SELECT 1 FROM streams WHERE id = NEW.stream AND NEW.seq > size + 1
      AND status = '{running}');
END;
CREATE TRIGGER early_delete BEFORE DELETE ON early BEGIN
  SELECT RAISE(ABORT, 'aivcs: an early entry leaves only into the log') WHERE NOT EXISTS
    (SELECT 1 FROM entries WHERE stream = OLD.stream AND seq = OLD.seq);
END;
CREATE TRIGGER specs_insert BEFORE INSERT ON specs BEGIN
  SELECT RAISE(ABORT, 'aivcs: specs is append-only')
    WHERE EXISTS (SELECT 1 FROM specs WHERE id = NEW.id);
END;
CREATE TRIGGER hot_insert BEFORE INSERT ON hot BEGIN
  SELECT RAISE(ABORT, 'aivcs: hot is append-only')
    WHERE EXISTS (SELECT 1 FROM hot WHERE id = NEW.id);
  SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM hot WHERE digest = NEW.digest);
END;
CREATE TRIGGER large_insert BEFORE INSERT ON large BEGIN
  SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM large WHERE digest = NEW.digest);
END;
CREATE TRIGGER refs_insert BEFORE INSERT ON refs BEGIN
  SELECT RAISE(ABORT, 'aivcs: refs is append-only')
    WHERE EXISTS (SELECT 1 FROM refs WHERE id = NEW.id);
END;
CREATE TRIGGER refs_delete BEFORE DELETE ON refs WHEN OLD.stream IS NOT NULL BEGIN
  SELECT RAISE(ABORT, 'aivcs: what a run needs is kept');
END;
"""
    )


MIGRATIONS: Final[tuple[str, ...]] = (_TABLES + _guards(),)
"""Step n brings a file of schema version n to n + 1; ``user_version`` counts them."""
