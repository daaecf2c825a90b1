"""A command that is run in a folder made for it, and only asked for its exit status."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aivcs.errors import InvalidInputError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_SIGNALLED: Final = 128


def found_here(argv: Sequence[str]) -> list[str]:
    """Return a command whose path, where it is of a file here, holds in every folder."""
    here = [*argv]
    if here and "/" in here[0] and Path(here[0]).exists():
        here[0] = str(Path(here[0]).absolute())
    return here


def exit_status(
    argv: Sequence[str],
    fill: Callable[[Path], None],
    environment: Mapping[str, str],
    output: int = 2,
) -> int:
    """Run a command in a new folder that ``fill`` makes, and return its exit status.

    128 and the number for one that a signal killed. All that it prints goes to the
    descriptor ``output``. The folder is removed afterwards. Raises InvalidInputError when the
    command cannot be started, StorageError, what ``fill`` raises.
    """
    try:
        home = tempfile.TemporaryDirectory(prefix="aivcs-bisect-", ignore_cleanup_errors=True)
    except OSError as error:
        msg = f"no folder to check a spec in: {error.strerror or error}"
        raise StorageError(msg) from error
    with home as name:
        folder = Path(name) / "spec"
        fill(folder)
        try:
            done = subprocess.run(  # noqa: S603 - the user's own command is what is wanted
                argv,
                cwd=folder,
                env={**os.environ, **environment},
                stdout=output,
                stderr=output,
                check=False,
            )
        except (OSError, ValueError) as error:
            msg = f"the check {argv[0]} cannot be started: {error}"
            raise InvalidInputError(
                msg, hint="give a program on PATH or the path of an executable"
            ) from error
    status = done.returncode
    return status if status >= 0 else _SIGNALLED - status
