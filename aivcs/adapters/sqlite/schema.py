"""How the ledger's file becomes one of this format, from none or from an older one."""

from __future__ import annotations

from typing import Final

from aivcs.adapters.sqlite import numbering, surroundings
from aivcs.adapters.sqlite.guards import guards, pack_guards
from aivcs.adapters.sqlite.tables import PACK_TABLES, TABLES

PACK_INDEX: Final = PACK_TABLES + pack_guards()
"""What can be made again from the packs themselves."""

MIGRATIONS: Final[tuple[str, ...]] = (
    TABLES + guards() + PACK_INDEX,
    numbering.MIGRATION,
    surroundings.MIGRATION,
)
"""Step n brings a file of schema version n to n + 1; ``user_version`` counts them."""
