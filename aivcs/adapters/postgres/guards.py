"""The triggers of the ledger: what no client may do by SQL.

They are generated from the table of moves that the library uses. They stop bugs and
foreign clients; who owns the tables can take them away.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from aivcs.adapters.postgres.tables import LOGS, MOVING
from aivcs.domain.execution import NEXT, ExecutionState

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEPT: Final = ("streams", *LOGS)
_ERASABLE: Final = ("entries", "early")
_FIXED: Final = tuple(table for table in (*LOGS, *MOVING) if table not in _ERASABLE)
_HEAD: Final = """
CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'aivcs: % is append-only', TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""


def _states(states: Iterable[ExecutionState]) -> str:
    return ", ".join(f"'{state.value}'" for state in states)


_OPEN: Final = _states(state for state in ExecutionState if not state.terminal)
_ENDED: Final = _states(state for state in ExecutionState if state.terminal)
_FIRST: Final = _states([ExecutionState.CREATED, ExecutionState.RUNNING])
_MOVES: Final = ", ".join(
    f"('{old.value}', '{new.value}')"
    for old in ExecutionState
    for new in ExecutionState
    if new in NEXT[old]
)
_LOG: Final = "EXISTS (SELECT FROM @streams WHERE id = NEW.stream AND {})"
_TAKES: Final = f"coalesce(state, 'Running') IN ({_OPEN})"
_ERASED: Final = "sha256(OLD.salt || coalesce(OLD.object, sha256(convert_to(OLD.body, 'UTF8'))))"


def _never(table: str, verb: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION never();\n"
    )


def _refuse(condition: str, message: str) -> str:
    """Return the statement that refuses a row where a condition holds."""
    return f"""
  IF {condition} THEN
    RAISE EXCEPTION 'aivcs: {message}' USING ERRCODE = 'integrity_constraint_violation';
  END IF;"""


def _known(*tables: str) -> str:
    """Return the statement that passes over a row whose digest a table has."""
    there = (f"EXISTS (SELECT FROM @{table} WHERE digest = NEW.digest)" for table in tables)
    return f"\n  IF {' OR '.join(there)} THEN RETURN NULL; END IF;"


def _changed(*columns: str) -> str:
    return " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns)


_ERASING: Final = _refuse(
    _changed("id", "stream", "seq", "kind", "timestamp", "recorded_at", "checksum")
    + " OR OLD.commitment IS NOT NULL OR NEW.commitment IS NULL"
    + f" OR NEW.commitment <> {_ERASED}",
    "an entry never changes; only its body may be erased",
) + _refuse(
    f"NOT {_LOG.format(f'state IN ({_ENDED})')}", "bodies are erased when the run has ended"
)

_RULES: Final = {
    "streams INSERT": _refuse(
        "NEW.size <> 0 OR NEW.epoch <> 0 OR NEW.holder IS NOT NULL"
        f" OR (NEW.family = 'run' AND NEW.state NOT IN ({_FIRST}))",
        "a stream begins empty",
    ),
    "streams UPDATE": _refuse(
        f"{_changed('id', 'family', 'name')} OR NEW.size < OLD.size"
        " OR (NEW.size = OLD.size) <> (NEW.frontier = OLD.frontier)",
        "a stream keeps its name and only grows",
    )
    + _refuse(f"OLD.state IN ({_ENDED})", "the run has ended")
    + _refuse(
        f"({_changed('state')}) AND (OLD.state, NEW.state) NOT IN ({_MOVES})",
        "illegal move of a run''s state",
    )
    + _refuse(f"({_changed('wait')}) AND NOT ({_changed('state')})", "a run waits for one thing")
    + _refuse(
        f"NEW.state IN ({_ENDED}) AND (NEW.holder IS NOT NULL"
        " OR NOT EXISTS (SELECT FROM @ends WHERE stream = NEW.id))",
        "a run ends with its row in ends",
    )
    + _refuse(
        "NEW.epoch < OLD.epoch OR (NEW.holder IS NOT NULL AND NEW.epoch = OLD.epoch"
        f" AND ({_changed('holder')}))",
        "a lease has a new epoch for each holder",
    ),
    "runs INSERT": _refuse(
        f"NOT {_LOG.format(f'state IN ({_FIRST}) AND size = 0')}", "a run belongs to a new stream"
    )
    + _refuse(
        "NEW.spec IS NOT NULL AND NOT EXISTS (SELECT FROM @specs WHERE digest = NEW.spec)",
        "no such spec",
    ),
    "ends INSERT": _refuse(
        f"NOT {_LOG.format(f'state IN ({_OPEN})')}", "only a run that has not ended ends, once"
    ),
    "seals INSERT": _refuse(
        "NEW.id <> 1 + (SELECT coalesce(max(id), 0) FROM @seals)"
        f" OR NOT {_LOG.format(f'state IN ({_ENDED})')}",
        "a run that has ended is sealed, once, by the next number",
    ),
    "keys INSERT": _refuse(
        f"NOT {_LOG.format(f'NEW.seq + NEW.count - 1 <= size AND {_TAKES}')}",
        "a key is used once, for entries of its log",
    ),
    "entries INSERT": _refuse(
        "NEW.seq <> 1 + (SELECT coalesce(max(seq), 0) FROM @entries WHERE stream = NEW.stream)",
        "entries are dense",
    )
    + _refuse(
        f"NEW.commitment IS NOT NULL OR NOT {_LOG.format(f'NEW.seq <= size AND {_TAKES}')}",
        "the log takes no entry",
    ),
    "entries UPDATE": _ERASING,
    "early INSERT": _refuse(
        "NEW.commitment IS NOT NULL"
        f" OR NOT {_LOG.format(f'NEW.seq > size + 1 AND state IN ({_OPEN})')}",
        "the log takes no entry",
    ),
    "early UPDATE": _ERASING,
    "early DELETE": _refuse(
        "NOT EXISTS (SELECT FROM @entries WHERE stream = OLD.stream AND seq = OLD.seq)",
        "an early entry leaves only into the log",
    ),
    "refs DELETE": _refuse("OLD.stream IS NOT NULL", "what a run needs is kept"),
    "hot INSERT": _known("hot", "sealed", "large"),
    "large INSERT": _known("large", "hot", "sealed"),
    "sealed INSERT": _refuse(
        "NOT EXISTS (SELECT FROM @blocks WHERE id = NEW.block)", "no such block"
    )
    + _known("sealed", "hot", "large"),
}
"""What is checked for each row; ``@`` stands for the schema."""


def guards(schema: str) -> str:
    """Return every function and trigger of the ledger in a schema."""
    steps = [_HEAD]
    steps += [_never(table, "DELETE") for table in _KEPT]
    steps += [_never(table, "UPDATE") for table in _FIXED]
    steps += [_never(table, "TRUNCATE") for table in (*_KEPT, *MOVING)]
    for place, rule in _RULES.items():
        table, verb = place.split()
        name = f"{table}_{verb.lower()}"
        body = re.sub(r"@(\w+)", rf"{schema}.\1", rule)
        answer = "OLD" if verb == "DELETE" else "NEW"
        steps.append(f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN{body}
  RETURN {answer};
END $$;
CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}();
""")
    return "".join(steps)
