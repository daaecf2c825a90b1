"""The tables of the ledger and their indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.execution import ExecutionState, WaitReason, status_of

if TYPE_CHECKING:
    from collections.abc import Iterable


def _texts(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


_STATUS: Final = " ".join(
    f"WHEN state = '{state}' THEN '{status_of(state)}'" for state in ExecutionState
)
_WHOLE: Final = """
    CASE WHEN commitment IS NULL THEN (body IS NULL) <> (object IS NULL) AND salt IS NOT NULL
    ELSE body IS NULL AND object IS NULL AND salt IS NULL END
  """

TABLES: Final = f"""
CREATE TABLE streams (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  family TEXT NOT NULL CHECK (family IN ('run', 'release')),
  name TEXT NOT NULL CHECK (length(name) > 0),
  size INTEGER NOT NULL DEFAULT 0 CHECK (size >= 0),
  state TEXT CHECK (state IN ({_texts(ExecutionState)})),
  wait TEXT CHECK (wait IN ({_texts(WaitReason)})),
  status TEXT GENERATED ALWAYS AS (CASE {_STATUS} END) VIRTUAL,
  frontier BLOB NOT NULL DEFAULT x'' CHECK (length(frontier) % 32 = 0),
  epoch INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0),
  holder TEXT CHECK (length(holder) > 0),
  deadline INTEGER,
  UNIQUE (family, name),
  CHECK ((state IS NULL) = (family <> 'run')),
  CHECK ((state IS 'Waiting') = (wait IS NOT NULL)),
  CHECK ((holder IS NULL) = (deadline IS NULL))
) STRICT;
CREATE INDEX streams_by_status ON streams (status, id);
CREATE INDEX streams_by_lease ON streams (deadline, holder, epoch) WHERE epoch > 0;

CREATE TABLE runs (
  stream INTEGER PRIMARY KEY REFERENCES streams (id),
  spec BLOB CHECK (length(spec) = 32),
  agent TEXT NOT NULL,
  tenant TEXT CHECK (length(tenant) > 0),
  tags TEXT NOT NULL,
  git_sha TEXT,
  environment TEXT,
  created_at INTEGER NOT NULL,
  source BLOB CHECK (source IS NULL OR length(source) = 32),
  source_index INTEGER,
  source_format TEXT,
  checksum BLOB NOT NULL CHECK (length(checksum) = 8),
  CHECK (spec IS NOT NULL OR tenant IS NOT NULL)
) STRICT;
CREATE INDEX runs_by_agent ON runs (agent, stream);
CREATE INDEX runs_by_spec ON runs (spec, stream);
CREATE INDEX runs_by_tenant ON runs (tenant, stream) WHERE tenant IS NOT NULL;
CREATE UNIQUE INDEX runs_by_source ON runs (source, source_index) WHERE source IS NOT NULL;

CREATE TABLE ends (
  stream INTEGER PRIMARY KEY REFERENCES runs (stream),
  success INTEGER NOT NULL CHECK (success IN (0, 1)),
  duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0),
  final_state BLOB CHECK (final_state IS NULL OR length(final_state) = 32),
  completed_at INTEGER NOT NULL,
  reason TEXT,
  root BLOB NOT NULL CHECK (length(root) = 32),
  checksum BLOB NOT NULL CHECK (length(checksum) = 8)
) STRICT;
CREATE INDEX ends_by_state ON ends (final_state) WHERE final_state IS NOT NULL;

CREATE TABLE seals (
  id INTEGER PRIMARY KEY CHECK (id >= 1),
  stream INTEGER NOT NULL UNIQUE REFERENCES streams (id),
  hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TABLE keys (
  stream INTEGER NOT NULL REFERENCES streams (id),
  key TEXT NOT NULL CHECK (length(key) > 0),
  seq INTEGER NOT NULL CHECK (seq >= 1),
  count INTEGER NOT NULL CHECK (count >= 1),
  PRIMARY KEY (stream, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_by_seq ON keys (stream, seq, count);

CREATE TABLE expired (
  stream INTEGER PRIMARY KEY REFERENCES ends (stream),
  expired_at INTEGER NOT NULL,
  checksum BLOB NOT NULL CHECK (length(checksum) = 8)
) STRICT;

CREATE TABLE entries (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  stream INTEGER NOT NULL REFERENCES streams (id),
  seq INTEGER NOT NULL CHECK (seq >= 1),
  kind TEXT NOT NULL CHECK (length(kind) > 0),
  timestamp INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  body TEXT,
  object BLOB CHECK (length(object) = 32),
  salt BLOB CHECK (length(salt) = 16),
  commitment BLOB CHECK (length(commitment) = 32),
  checksum BLOB NOT NULL CHECK (length(checksum) = 8),
  CHECK ({_WHOLE})
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
  object BLOB CHECK (length(object) = 32),
  salt BLOB CHECK (length(salt) = 16),
  commitment BLOB CHECK (length(commitment) = 32),
  checksum BLOB NOT NULL CHECK (length(checksum) = 8),
  CHECK ({_WHOLE}),
  UNIQUE (stream, seq)
) STRICT;
CREATE INDEX early_by_object ON early (object) WHERE object IS NOT NULL;

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
CREATE INDEX specs_by_manifest ON specs (manifest) WHERE manifest IS NOT NULL;

CREATE TABLE hot (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  size INTEGER NOT NULL CHECK (size >= 0),
  codec INTEGER NOT NULL,
  lease INTEGER NOT NULL DEFAULT 0,
  data BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX hot_by_digest ON hot (digest);

CREATE TABLE large (
  digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
  size INTEGER NOT NULL CHECK (size >= 0),
  codec INTEGER NOT NULL,
  lease INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE refs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  role TEXT NOT NULL,
  stream INTEGER REFERENCES streams (id)
) STRICT;
CREATE UNIQUE INDEX refs_by_digest ON refs (digest, role, ifnull(stream, 0));

CREATE TABLE leases (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  token TEXT NOT NULL UNIQUE CHECK (length(token) > 0)
) STRICT;

CREATE TABLE holds (
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  lease INTEGER NOT NULL,
  PRIMARY KEY (digest, lease)
) STRICT, WITHOUT ROWID;
"""

PACK_TABLES: Final = """
CREATE TABLE packs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  size INTEGER NOT NULL CHECK (size > 0),
  objects INTEGER NOT NULL CHECK (objects >= 0),
  dictionary_offset INTEGER NOT NULL CHECK (dictionary_offset >= 0),
  dictionary_length INTEGER NOT NULL CHECK (dictionary_length >= 0)
) STRICT;

CREATE TABLE blocks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pack INTEGER NOT NULL REFERENCES packs (id),
  offset INTEGER NOT NULL CHECK (offset >= 0),
  length INTEGER NOT NULL CHECK (length > 0),
  size INTEGER NOT NULL CHECK (size >= 0)
) STRICT;
CREATE INDEX blocks_by_pack ON blocks (pack);

CREATE TABLE sealed (
  digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
  block INTEGER NOT NULL,
  start INTEGER NOT NULL CHECK (start >= 0),
  size INTEGER NOT NULL CHECK (size >= 0),
  lease INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
"""
"""The index of what lies in packs. ``sealed.block`` is a row of ``blocks``, without a foreign
key: to drop a block would then search all of ``sealed`` for each one.
"""
