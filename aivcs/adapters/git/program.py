"""Calling the program git, and what its failures mean."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from aivcs.errors import GitFailed, NoGitRepository

if TYPE_CHECKING:
    from os import PathLike

_TIMEOUT: Final = 60.0
_WHERE: Final = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"})
# Those of 'git rev-parse --local-env-vars' that lead to another repository or view of it.
_ELSEWHERE: Final = _WHERE | {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NOTES_DISPLAY_REF",
    "GIT_NOTES_REF",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
}
# No program that a repository's configuration names is run to read it.
_PLAIN: Final = ("-c", "core.fsmonitor=false", "-c", "log.showSignature=false")
_LONGEST: Final = 300


class Done(NamedTuple):
    """How a call of git ended: its exit status, and what it wrote."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """What it wrote as text, without the last line's end."""
        return self.out.decode(errors="surrogateescape").removesuffix("\n")


class Program:
    """Calls git in a folder.

    Variables that point git elsewhere are not passed on. In a hook, to which git itself says
    where its repository is, that much is (``in_hook``).
    """

    def __init__(self, place: str | PathLike[str], *, in_hook: bool = False) -> None:
        self.place = os.fspath(place)
        dropped = _ELSEWHERE - _WHERE if in_hook else _ELSEWHERE
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        self._environment = {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}

    def __call__(self, *arguments: str, stdin: bytes = b"", may_fail: int = 0) -> Done:
        """Call it; an exit status over ``may_fail`` is raised as GitFailed or NoGitRepository."""
        import subprocess

        command = ["git", "-C", self.place, *_PLAIN, *arguments]
        try:
            ended = subprocess.run(  # noqa: S603 - no shell, and no argument is an option by chance
                command,
                env=self._environment,
                input=stdin,
                capture_output=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except FileNotFoundError as error:
            msg = "the program git is not here"
            raise GitFailed(msg, hint="install git, or put it where PATH looks") from error
        except subprocess.TimeoutExpired as error:
            msg = f"git {arguments[0]} took longer than {_TIMEOUT:g} seconds"
            raise GitFailed(msg, hint="try again; 'git fsck' examines the repository") from error
        except (OSError, ValueError) as error:
            msg = f"git cannot be called: {error}"
            raise GitFailed(msg) from error
        done = Done(ended.returncode, ended.stdout, ended.stderr.decode(errors="replace"))
        # A negative status is a signal.
        if not 0 <= done.status <= may_fail:
            raise self._failure(arguments[0], done)
        return done

    def _failure(self, what: str, done: Done) -> GitFailed | NoGitRepository:
        said = [line.strip() for line in done.err.splitlines() if line.strip()]
        if "not a git repository" in done.err:
            msg = f"there is no git repository in {os.path.realpath(self.place)} or above it"
            return NoGitRepository(msg, hint="change into the git repository of the agent")
        if "dubious ownership" in done.err:
            msg = f"git refuses {os.path.realpath(self.place)} as somebody else's"
            hint = "'git config --global --add safe.directory FOLDER' says that you trust it"
            return GitFailed(msg, hint=hint)
        if "tell me who you are" in done.err or "ident name" in done.err:
            msg = "git does not know who you are, and a note needs an author"
            return GitFailed(msg, hint="'git config user.name' and 'user.email' set it")
        told = next((line for line in said if line.startswith(("fatal:", "error:"))), None)
        told = told or (said[0] if said else f"exit status {done.status}")
        return GitFailed(f"git {what} failed: {told[:_LONGEST]}")
