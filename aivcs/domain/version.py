"""Version labels as Semantic Versioning 2.0 orders them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_NUMBER: Final = r"(?:0|[1-9][0-9]*)"
_PART: Final = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_FORM: Final = re.compile(rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_PART}(?:\.{_PART})*))?")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version that compares by precedence.

    Numbers are kept as (length, digits), which orders them at any size.
    """

    core: tuple[tuple[int, str], ...]
    final: bool
    pre_release: tuple[tuple[bool, int, str], ...]


def parse_version(text: str) -> Version | None:
    """Return the version, or None: no leading ``v``, no ``+build``, three numbers.

    An optional pre-release follows ``-``: dot-separated parts of letters, digits and
    hyphens, none of them empty, numbers without a leading zero.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    major, minor, patch, tail = found.groups()
    parts = tail.split(".") if tail else []
    return Version(
        core=tuple((len(number), number) for number in (major, minor, patch)),
        final=tail is None,
        # numbers stand before words and compare by size, words compare by their text
        pre_release=tuple(
            (False, len(part), part) if part.isdigit() else (True, 0, part) for part in parts
        ),
    )
