"""What git says about a folder, when there is a git to ask."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from os import PathLike

    from aivcs.domain.folder import GitState

_TIMEOUT: Final = 5.0
_COMMIT: Final = re.compile(r"# branch\.oid ([0-9a-f]{40}|[0-9a-f]{64})")
_NOT_OURS: Final = ":(exclude,glob)**/.aivcs/**"
_KEPT: Final = frozenset({"GIT_CEILING_DIRECTORIES"})


def git_state(directory: str | PathLike[str]) -> GitState | None:
    """Return the commit checked out around a folder, and whether the folder differs from it.

    A repository of aivcs in the folder does not count as a difference.
    None without git, without a repository or a commit, when git refuses the repository as
    somebody else's, and when it takes longer than 5 seconds. Never raises. Variables that
    point git elsewhere are not passed on, and no program that a repository names is run.
    """
    import subprocess

    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name in _KEPT
    }
    command = ["git", "-C", os.fspath(directory), "-c", "core.fsmonitor=false", "status"]
    try:
        answer = subprocess.run(  # noqa: S603 - no shell, and the arguments are fixed
            [*command, "--porcelain=v2", "--branch", "--", ".", _NOT_OURS],
            env={**environment, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            capture_output=True,
            timeout=_TIMEOUT,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    lines = answer.stdout.decode(errors="replace").splitlines()
    commits = [found[1] for line in lines if (found := _COMMIT.fullmatch(line))]
    if not commits:
        return None
    from aivcs.domain.folder import GitState

    return GitState(commits[0], dirty=any(not line.startswith("# ") for line in lines))
