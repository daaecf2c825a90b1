"""What the ledger says that it cannot mean: other tables, rows that contradict each other."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, Final

from aivcs.adapters.postgres import numbering, surroundings
from aivcs.adapters.postgres.failures import translated
from aivcs.adapters.postgres.guards import guards
from aivcs.adapters.postgres.rules import RULES
from aivcs.adapters.postgres.session import SCHEMA
from aivcs.adapters.postgres.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.adapters.postgres.database import Database
    from aivcs.adapters.postgres.session import Session

_NAMED: Final = 20
_MAY_CREATE: Final = "SELECT has_database_privilege(current_database(), 'CREATE')"
_PARTS: Final = """
SELECT 'column ' || c.relname || '.' || a.attname, concat_ws(' ',
    format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated, a.attidentity,
    a.attcollation::regcollation, pg_get_expr(d.adbin, d.adrelid))
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind = 'r' AND a.attnum > 0
    AND NOT a.attisdropped
UNION ALL SELECT 'constraint ' || conrelid::regclass || '.' || conname,
    pg_get_constraintdef(oid) FROM pg_constraint
  WHERE connamespace = %(schema)s::regnamespace AND conrelid <> 0
UNION ALL SELECT 'index ' || indexname, indexdef FROM pg_indexes WHERE schemaname = %(schema)s::name
UNION ALL SELECT 'trigger ' || t.tgname, pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
  WHERE c.relnamespace = %(schema)s::regnamespace AND NOT t.tgisinternal
UNION ALL SELECT 'function ' || proname, prosrc || coalesce(proconfig::text, '') FROM pg_proc
  WHERE pronamespace = %(schema)s::regnamespace
"""
_TRIGGERS: Final = """
SELECT t.tgname, t.tgenabled = 'O' FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = %s::regnamespace AND NOT t.tgisinternal
"""


def inspect(database: Database) -> list[str]:
    """Return what is wrong with the tables, and with what their rows say together.

    Where a table is wrong, no more is asked.
    """
    with closing(database.connect().unhurried()) as session, translated(database.server):
        session.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
        try:
            ((complete,),) = session.rows(_MAY_CREATE)
            problems = list(_different(session) if complete else _disabled(session))
        finally:
            session.run("ROLLBACK")
        if not problems:
            for rule in RULES:
                found = session.rows(f"SELECT s FROM ({rule}) f (s) LIMIT {_NAMED}")
                problems += [text for (text,) in found]
    return problems


def _different(session: Session) -> Iterator[str]:
    """Compare the schema with one that is made beside it and taken back at once."""
    scratch = f"{SCHEMA}_check_{session.pid}"
    session.script(f"CREATE SCHEMA {scratch}; SET LOCAL search_path = {scratch}")
    session.script(TABLES + guards(scratch))
    session.script(numbering.TABLE + numbering.guards(scratch) + surroundings.MIGRATION)
    # Nothing is found without its schema's name, so that every name is written with it.
    session.run("SET LOCAL search_path = ''")
    expected, found = _parts(session, scratch), _parts(session, SCHEMA)
    for name, text in expected.items():
        if name not in found:
            yield f"the {name} is missing"
        elif found[name] != text:
            yield f"the {name} was changed"
    for name in found.keys() - expected.keys():
        yield f"the {name} is not of this format"


def _parts(session: Session, schema: str) -> dict[str, str]:
    found = session.rows(_PARTS, {"schema": schema})
    return {name.replace(f"{schema}.", ""): text.replace(f"{schema}.", "") for name, text in found}


def _disabled(session: Session) -> Iterator[str]:
    """Ask for the triggers alone: who may make no schema can compare no more."""
    found = dict(session.rows(_TRIGGERS, (SCHEMA,)))
    ours = guards(SCHEMA) + numbering.guards(SCHEMA) + surroundings.guards()
    for name in re.findall(r"CREATE TRIGGER (\w+)", ours):
        if name not in found:
            yield f"the trigger {name} is missing"
        elif not found[name]:
            yield f"the trigger {name} was changed"
