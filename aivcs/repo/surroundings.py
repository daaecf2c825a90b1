"""What a repository takes from around it unless it is given: time, ids, actor, machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def now() -> datetime:
    """Return the present moment in UTC."""
    from datetime import UTC, datetime

    return datetime.now(UTC)


def new_id() -> str:
    """Return a fresh uuid4."""
    from uuid import uuid4

    return str(uuid4())


def default_actor() -> str:
    """Return who acts: AIVCS_ACTOR, else the user of the operating system."""
    from getpass import getuser

    try:
        return os.environ.get("AIVCS_ACTOR") or getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


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
