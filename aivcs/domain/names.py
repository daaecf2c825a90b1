"""Rules for the names people give: agents, stores, labels, run ids."""

from __future__ import annotations

import re
from typing import Final

from aivcs.domain.shown import shown
from aivcs.errors import InvalidInputError, InvalidName

MAX_NAME: Final = 128
MAX_RUN_ID: Final = 256
MIN_PREFIX: Final = 4
"""The shortest abbreviation of an id."""

_NAME: Final = re.compile(r"(?!-)[^\s~@:\x00-\x1f\x7f-\x9f]{1,128}")
_UNFIT: Final = re.compile(r"[\s~@:\x00-\x1f\x7f-\x9f]+")


def check_name(name: object) -> str:
    """Return ``name`` if it may name an agent or a store.

    1-128 characters without white space, ``~``, ``@``, ``:``, control characters or a
    leading ``-``; otherwise InvalidName.
    """
    if isinstance(name, str) and _NAME.fullmatch(name) and _encodable(name):
        return name
    msg = f"not a valid name: {shown(name, MAX_RUN_ID)}"
    raise InvalidName(
        msg,
        hint="1-128 characters without white space, '~', '@', ':', control characters"
        " or a leading '-'",
    )


def name_from(text: str, default: str) -> str:
    """Make a valid name of any text (a folder's name); ``default`` if nothing is left."""
    fit = _UNFIT.sub("-", text).strip("-")[:MAX_NAME]
    return fit or default


def check_run_id(run_id: object) -> str:
    """Return the text of a run id: any non-empty text of up to 256 characters.

    Raises InvalidName for anything else.
    """
    text = str(run_id)
    if text and len(text) <= MAX_RUN_ID and "\0" not in text and _encodable(text):
        return text
    msg = f"not a run id: {text[:MAX_RUN_ID]!r}"
    raise InvalidName(msg, hint="a run id is a text of 1-256 characters")


def check_text(what: str, text: object) -> str | None:
    """Return a text that UTF-8 can carry, or None; InvalidInputError for anything else."""
    if text is None or (isinstance(text, str) and "\0" not in text and _encodable(text)):
        return text
    msg = f"{what} is not a text that can be stored: {shown(text, MAX_RUN_ID)}"
    raise InvalidInputError(msg[:MAX_RUN_ID], hint="it must be UTF-8 text")


def is_seen(text: str) -> bool:
    """Tell whether a text has a character that is seen when it is printed."""
    return any(char.isprintable() and not char.isspace() for char in text)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
