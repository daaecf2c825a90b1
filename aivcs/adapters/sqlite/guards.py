"""The triggers of the ledger: what no client may do by SQL.

They are generated from the same table of moves that the library uses. They stop bugs and
foreign clients; they stay cheap where rows come by the thousand. The inserts of hot objects
have none, because any would take a third of their time.
"""

from __future__ import annotations

from typing import Final

from aivcs.domain.execution import NEXT, ExecutionState

_KEPT: Final = ("streams", "runs", "ends", "seals", "keys", "expired", "entries", "specs")
_FIXED: Final = (
    "runs",
    "ends",
    "seals",
    "keys",
    "expired",
    "specs",
    "hot",
    "large",
    "refs",
    "leases",
    "holds",
)


def _never(table: str, verb: str) -> str:
    """Return a trigger that refuses a verb on a table."""
    return (
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN "
        f"SELECT RAISE(ABORT, 'aivcs: {table} is append-only'); END;\n"
    )


def _moves() -> str:
    """Return the legal moves of a run's state as SQL rows, from the table of moves."""
    pairs = sorted((old.value, new.value) for old, news in NEXT.items() for new in news)
    return ", ".join(f"('{old}', '{new}')" for old, new in pairs)


def _erasing(table: str) -> str:
    """Return the trigger that lets a body go from the log of an ended run, and nothing else."""
    columns = ("id", "stream", "seq", "kind", "timestamp", "recorded_at", "checksum")
    changed = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in columns)
    return f"""
CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} BEGIN
  SELECT RAISE(ABORT, 'aivcs: an entry never changes; only its body may be erased')
    WHERE {changed} OR OLD.commitment IS NOT NULL OR NEW.commitment IS NULL
    OR NEW.body IS NOT NULL OR NEW.object IS NOT NULL OR NEW.salt IS NOT NULL;
  SELECT RAISE(ABORT, 'aivcs: bodies are erased when the run has ended')
    WHERE NOT EXISTS (SELECT 1 FROM ends WHERE stream = OLD.stream);
END;
"""


def _elsewhere(*tables: str) -> str:
    """Return the condition that a table has the new row's digest already."""
    return " OR ".join(
        f"EXISTS (SELECT 1 FROM {table} WHERE digest = NEW.digest)" for table in tables
    )


def guards() -> str:
    """Return every trigger but those of the index of packs."""
    created, running = ExecutionState.CREATED.value, ExecutionState.RUNNING.value
    ended = ", ".join(f"'{state}'" for state in ExecutionState if state.terminal)
    # A chain: the engine makes a table of a longer list, and does so for each row.
    open_stream = " AND ".join(f"{{0}} IS NOT '{one}'" for one in ExecutionState if one.terminal)
    fixed = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in ("id", "family", "name"))
    return (
        "".join(_never(table, "DELETE") for table in _KEPT)
        + "".join(_never(table, "UPDATE") for table in _FIXED)
        + "".join(_erasing(table) for table in ("entries", "early"))
        + f"""
CREATE TRIGGER streams_insert BEFORE INSERT ON streams BEGIN
  SELECT RAISE(ABORT, 'aivcs: a stream begins empty and only once') WHERE NEW.size <> 0
    OR NEW.frontier <> x'' OR NEW.epoch <> 0 OR NEW.holder IS NOT NULL
    OR (NEW.family = 'run' AND ifnull(NEW.state, '') NOT IN ('{created}', '{running}'))
    OR EXISTS (SELECT 1 FROM streams
      WHERE id = NEW.id OR (family = NEW.family AND name = NEW.name));
END;
CREATE TRIGGER streams_update BEFORE UPDATE ON streams BEGIN
  SELECT RAISE(ABORT, 'aivcs: a stream keeps its name and only grows') WHERE {fixed}
    OR NEW.size < OLD.size OR (NEW.size = OLD.size) <> (NEW.frontier IS OLD.frontier);
  SELECT RAISE(ABORT, 'aivcs: the run has ended') WHERE NOT ({open_stream.format("OLD.state")});
END;
CREATE TRIGGER streams_move BEFORE UPDATE OF state, wait ON streams
WHEN NEW.state IS NOT OLD.state OR NEW.wait IS NOT OLD.wait BEGIN
  SELECT RAISE(ABORT, 'aivcs: a run waits for one thing') WHERE NEW.state IS OLD.state;
  SELECT RAISE(ABORT, 'aivcs: illegal move of a run''s state')
    WHERE NOT ifnull((OLD.state, NEW.state) IN (VALUES {_moves()}), 0);
  SELECT RAISE(ABORT, 'aivcs: a run ends with its row in ends') WHERE NEW.state IN ({ended})
    AND (NEW.holder IS NOT NULL OR NOT EXISTS (SELECT 1 FROM ends WHERE stream = NEW.id));
END;
CREATE TRIGGER streams_lease BEFORE UPDATE OF epoch, holder ON streams
WHEN NEW.epoch <> OLD.epoch OR NEW.holder IS NOT OLD.holder BEGIN
  SELECT RAISE(ABORT, 'aivcs: a lease has a new epoch for each holder')
    WHERE NEW.epoch < OLD.epoch OR (NEW.holder IS NOT NULL AND NEW.epoch = OLD.epoch);
END;
CREATE TRIGGER runs_insert BEFORE INSERT ON runs BEGIN
  SELECT RAISE(ABORT, 'aivcs: a run belongs to a new stream') WHERE
    EXISTS (SELECT 1 FROM runs WHERE stream = NEW.stream
      OR (source = NEW.source AND source_index = NEW.source_index))
    OR NOT EXISTS (SELECT 1 FROM streams WHERE id = NEW.stream AND family = 'run'
      AND size = 0 AND state IN ('{created}', '{running}'));
  SELECT RAISE(ABORT, 'aivcs: no such spec') WHERE NEW.spec IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM specs WHERE digest = NEW.spec);
END;
CREATE TRIGGER ends_insert BEFORE INSERT ON ends BEGIN
  SELECT RAISE(ABORT, 'aivcs: only a run that has not ended ends, once') WHERE
    EXISTS (SELECT 1 FROM ends WHERE stream = NEW.stream)
    OR NOT EXISTS (SELECT 1 FROM streams WHERE id = NEW.stream AND state NOT IN ({ended}));
END;
CREATE TRIGGER seals_insert BEFORE INSERT ON seals BEGIN
  SELECT RAISE(ABORT, 'aivcs: a run that has ended is sealed, once, by the next number') WHERE
    NEW.id <> 1 + (SELECT ifnull(max(id), 0) FROM seals)
    OR EXISTS (SELECT 1 FROM seals WHERE stream = NEW.stream)
    OR NOT EXISTS (SELECT 1 FROM streams WHERE id = NEW.stream AND state IN ({ended}));
END;
CREATE TRIGGER keys_insert BEFORE INSERT ON keys BEGIN
  SELECT RAISE(ABORT, 'aivcs: a key is used once, for entries of its log') WHERE
    EXISTS (SELECT 1 FROM keys WHERE stream = NEW.stream AND key = NEW.key)
    OR NOT EXISTS (SELECT 1 FROM streams WHERE id = NEW.stream
      AND NEW.seq + NEW.count - 1 <= size AND ifnull(state, '') NOT IN ({ended}));
END;
CREATE TRIGGER entries_insert BEFORE INSERT ON entries BEGIN
  SELECT RAISE(ABORT, 'aivcs: entries are dense') WHERE
    NEW.seq <> 1 + (SELECT ifnull(max(seq), 0) FROM entries WHERE stream = NEW.stream)
    OR (NEW.id > 0 AND EXISTS (SELECT 1 FROM entries WHERE id = NEW.id));
  SELECT RAISE(ABORT, 'aivcs: the log takes no entry') WHERE NEW.commitment IS NOT NULL
    OR NOT EXISTS (SELECT 1 FROM streams
      WHERE id = NEW.stream AND NEW.seq <= size AND {open_stream.format("state")});
END;
CREATE TRIGGER early_insert BEFORE INSERT ON early BEGIN
  SELECT RAISE(ABORT, 'aivcs: the log takes no entry') WHERE NEW.commitment IS NOT NULL
    OR EXISTS (SELECT 1 FROM early WHERE id = NEW.id OR (stream = NEW.stream AND seq = NEW.seq))
    OR NOT EXISTS (SELECT 1 FROM streams WHERE id = NEW.stream AND NEW.seq > size + 1
      AND state NOT IN ({ended}));
END;
CREATE TRIGGER early_delete BEFORE DELETE ON early BEGIN
  SELECT RAISE(ABORT, 'aivcs: an early entry leaves only into the log') WHERE NOT EXISTS
    (SELECT 1 FROM entries WHERE stream = OLD.stream AND seq = OLD.seq);
END;
CREATE TRIGGER specs_insert BEFORE INSERT ON specs BEGIN
  SELECT RAISE(ABORT, 'aivcs: specs is append-only')
    WHERE EXISTS (SELECT 1 FROM specs WHERE id = NEW.id);
END;
CREATE TRIGGER expired_insert BEFORE INSERT ON expired BEGIN
  SELECT RAISE(ABORT, 'aivcs: a run that has ended expires, once') WHERE
    EXISTS (SELECT 1 FROM expired WHERE stream = NEW.stream)
    OR NOT EXISTS (SELECT 1 FROM ends WHERE stream = NEW.stream);
END;
CREATE TRIGGER large_insert BEFORE INSERT ON large
WHEN {_elsewhere("large", "hot", "sealed")} BEGIN
  SELECT RAISE(IGNORE);
END;
CREATE TRIGGER leases_insert BEFORE INSERT ON leases
WHEN EXISTS (SELECT 1 FROM leases WHERE id = NEW.id OR token = NEW.token) BEGIN
  SELECT RAISE(ABORT, 'aivcs: leases is append-only');
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


def pack_guards() -> str:
    """Return the triggers of the index of packs."""
    return (
        "".join(_never(table, "UPDATE") for table in ("packs", "blocks", "sealed"))
        + f"""
CREATE TRIGGER packs_insert BEFORE INSERT ON packs
WHEN EXISTS (SELECT 1 FROM packs WHERE id = NEW.id OR digest = NEW.digest) BEGIN
  SELECT RAISE(ABORT, 'aivcs: packs is append-only');
END;
CREATE TRIGGER blocks_insert BEFORE INSERT ON blocks
WHEN EXISTS (SELECT 1 FROM blocks WHERE id = NEW.id) BEGIN
  SELECT RAISE(ABORT, 'aivcs: blocks is append-only');
END;
CREATE TRIGGER sealed_insert BEFORE INSERT ON sealed
WHEN {_elsewhere("sealed", "hot", "large")}
  OR NOT EXISTS (SELECT 1 FROM blocks WHERE id = NEW.block) BEGIN
  SELECT RAISE(ABORT, 'aivcs: no such block')
    WHERE NOT EXISTS (SELECT 1 FROM blocks WHERE id = NEW.block);
  SELECT RAISE(IGNORE);
END;
"""
    )
