"""What a repository takes from around it unless it is given: time, ids, actor, machine."""

from __future__ import annotations

import os
import time
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aivcs.domain.lease import LeaseToken

LEASE: Final = "AIVCS_RUN_LEASE"
"""The variable that holds the token of the lease under which a process was started."""

_PAUSE_SECONDS: Final = 0.05


def now() -> datetime:
    """Return the present moment in UTC."""
    return _clock()()


@cache
def _clock() -> Callable[[], datetime]:
    from datetime import UTC, datetime

    return partial(datetime.now, UTC)


def new_id() -> str:
    """Return a fresh uuid4."""
    from uuid import uuid4

    return str(uuid4())


def pause() -> None:
    """Wait so long that looking again and again costs little."""
    time.sleep(_PAUSE_SECONDS)


def default_actor() -> str:
    """Return who acts: AIVCS_ACTOR, else the user of the operating system."""
    from getpass import getuser

    try:
        return os.environ.get("AIVCS_ACTOR") or getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def inherited_lease() -> LeaseToken | None:
    """Return the lease under which this process was started; InvalidInputError for no token."""
    if not (text := os.environ.get(LEASE)):
        return None
    from aivcs.domain.lease import LeaseToken

    return LeaseToken.parse(text)


def chosen_place(path: str | os.PathLike[str] | None, *, upward: bool) -> tuple[Path, bool]:
    """Return where to look for a repository, and whether above it too.

    Without a path AIVCS_DIR chooses, and nothing above it; else it is the current folder.
    """
    if path is None and (chosen := os.environ.get("AIVCS_DIR")):
        return Path(chosen), False
    return Path(path or "."), upward


def working_folder() -> str | None:
    """Return the current folder, or None when it was removed."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return None


def observed() -> dict[str, str]:
    """Return what can be observed of this interpreter and platform."""
    import platform

    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
    }
