"""Any value in the sentence of an error."""

from __future__ import annotations

_MOST = 80


def shown(value: object, most: int = _MOST) -> str:
    """Return the beginning of a value as Python writes it; of what it cannot write, the type."""
    try:
        return f"{value!r:.{most}}"
    except ValueError:
        # It does not write integers of thousands of digits.
        return f"{type(value).__name__} of thousands of digits"
