"""Reading TOML that people write: whatever is wrong with it is bad input."""

from __future__ import annotations

from typing import Any

from aivcs.errors import InvalidInputError


def read_toml(text: str) -> dict[str, Any]:
    """Return the tables of a text in TOML 1.0. Raises InvalidInputError."""
    import tomllib

    try:
        tables = tomllib.loads(text)
        # A number that is too long to be shown could not be refused by name later.
        repr(tables)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(str(error)) from error
    return tables
