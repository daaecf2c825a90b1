"""Where a link of an agent's folder leads."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_BROKEN: Final = frozenset({errno.ENOENT, errno.ENOTDIR})


@dataclass(frozen=True, slots=True)
class Link:
    """A link, followed to its end.

    ``real`` is the path it leads to and ``inside`` the same below the agent's folder; both
    are empty where it leads nowhere. ``trouble`` says why it cannot be taken, or is None.
    """

    real: str
    inside: str
    folder: bool
    trouble: str | None


def follow(link: str, root: str) -> Link:
    """Follow the link at the path ``link`` in the folder ``root``, a real path."""
    try:
        real = os.path.realpath(link, strict=True)
    except OSError as error:
        return Link("", "", folder=False, trouble=_trouble(link, error))
    folder = Path(real).is_dir()
    if not f"{real}/".startswith(f"{root.rstrip('/')}/"):
        return Link(real, "", folder, f"a link that leads out of the folder, to {real!r}")
    return Link(real, real.removeprefix(root).removeprefix("/"), folder, None)


def _trouble(link: str, error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "part of a loop of links"
    if error.errno in _BROKEN:
        return f"a broken link: there is no {str(Path(link).readlink())!r}"
    return f"a link that cannot be followed: {error.strerror}"
