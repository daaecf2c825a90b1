"""How a person and a program name a place in a JSON value."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_PLAIN_NAME: Final = re.compile(r"[\w./:+-]+")


@dataclass(frozen=True, slots=True)
class Place:
    """One place in two values that are compared.

    ``path`` is for people: ``parameters.properties.city``, ``tools[2]``,
    ``tools[name=search]``; empty for the whole. ``old`` and ``new`` are its JSON pointers
    (RFC 6901) in the two values; where a list grew, they differ.
    """

    path: str = ""
    old: str = ""
    new: str = ""

    def key(self, name: str) -> Place:
        """Return the place of a member of an object."""
        shown = name if _PLAIN_KEY.fullmatch(name) else json.dumps(name, ensure_ascii=False)
        token = "/" + name.replace("~", "~0").replace("/", "~1")
        path = f"{self.path}.{shown}" if self.path else shown
        return Place(path, self.old + token, self.new + token)

    def item(self, old: int, new: int, name: str | None = None) -> Place:
        """Return the place of an item of a list, called by its index or by ``name``."""
        path = f"{self.path}[{new if name is None else name}]"
        return Place(path, f"{self.old}/{old}", f"{self.new}/{new}")


def called(key: str, name: str) -> str:
    """Return how an item of a list is called by the member that tells it from the others."""
    return f"{key}={name if _PLAIN_NAME.fullmatch(name) else json.dumps(name, ensure_ascii=False)}"
