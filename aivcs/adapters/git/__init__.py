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
_OURS: Final = ".aivcs"
_NOT_OURS: Final = f":(exclude,glob)**/{_OURS}/**"
_STATUS: Final = (
    "--porcelain=v2",
    "-z",
    "--branch",
    # Whatever is configured.
    "--untracked-files=normal",
    "--ignored=matching",
)
_CHANGED: Final = "1"
_RENAMED: Final = "2"
_MARKS: Final = (_CHANGED, "?", "!")
_FIELDS: Final = {_CHANGED: 8, _RENAMED: 9, "u": 10}
"""How many fields stand before the path in a line about a tracked file."""
_KEPT: Final = frozenset({"GIT_CEILING_DIRECTORIES"})


def git_state(directory: str | PathLike[str]) -> GitState | None:
    """Return the commit checked out around a folder, and what in the folder differs from it.

    A repository of aivcs in the folder does not count as a difference.
    None without git, without a repository or a commit, when git refuses the repository as
    somebody else's, and when it takes longer than 5 seconds. Never raises. Variables that
    point git elsewhere are not passed on, and no program that a repository names is run.
    """
    answer = _ask(directory, "status", *_STATUS, "--", ".", _NOT_OURS)
    if answer is None:
        return None
    from aivcs.domain.folder import GitState

    commit, found = _read(answer)
    if commit is None:
        return None
    prefix = ""
    if any(found.values()):
        # Paths are told from the top of the working tree.
        told = _ask(directory, "rev-parse", "--show-prefix")
        if told is None:
            return None
        prefix = os.fsdecode(told.removesuffix(b"\n"))
    changed, untracked, ignored = (
        tuple(path.removeprefix(prefix) for path in found[mark]) for mark in _MARKS
    )
    return GitState(commit, changed, untracked, ignored)


def _ask(directory: str | PathLike[str], *arguments: str) -> bytes | None:
    import subprocess

    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name in _KEPT
    }
    command = ["git", "-C", os.fspath(directory), "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the arguments are fixed
            command,
            env={**environment, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            capture_output=True,
            timeout=_TIMEOUT,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout


def _read(answer: bytes) -> tuple[str | None, dict[str, list[str]]]:
    """Read the porcelain format v2 of ``git status -z``: the commit, and the paths by mark."""
    commit: str | None = None
    found: dict[str, list[str]] = {mark: [] for mark in _MARKS}
    lines = iter(os.fsdecode(answer).split("\0"))
    for line in lines:
        mark, _, rest = line.partition(" ")
        if mark == "#":
            oid = _COMMIT.fullmatch(line)
            commit = oid[1] if oid else commit
        elif mark in _FIELDS:
            path = line.split(" ", _FIELDS[mark])[-1]
            found[_CHANGED].append(path)
            if mark == _RENAMED:
                next(lines, None)  # where it was before
        elif mark in found and _OURS not in rest.split("/"):
            found[mark].append(rest)
    return commit, found
