"""Notes on commits in ``refs/notes/aivcs``, so that no writer of them undoes another's.

``git notes`` reads a ref, and writes it without asking whether it has moved. So the note is
written under a ref of its own, and the real one is moved only from where it was read.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from aivcs.errors import ConflictError, GitFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aivcs.adapters.git.program import Program

REF: Final = "refs/notes/aivcs"
_ATTEMPTS: Final = 20
# It is elsewhere than it was read, was not there then, or is being moved at this moment.
_MOVED: Final = ("but expected", "already exists", "File exists")
_PAUSE_SECONDS: Final = 0.02


def read(git: Program, commits: Sequence[str]) -> Mapping[str, bytes]:
    """Return the notes of those of the commits that have one."""
    if len(commits) == 1:
        one = git("notes", f"--ref={REF}", "list", commits[0], may_fail=1).text
        found = {commits[0]: one} if one else {}
    else:
        wanted = set(commits)
        listed = git("notes", f"--ref={REF}", "list").text.splitlines()
        pairs = (line.split(" ") for line in listed)
        found = {commit: blob for blob, commit in pairs if commit in wanted}
    blobs = list(found.values())
    contents = _contents(git, blobs) if blobs else []
    return dict(zip(found, contents, strict=True))


def change(git: Program, commit: str, make: Callable[[bytes], bytes | None]) -> bool:
    """Replace the note of a commit by what ``make`` makes of it; tell whether it did."""
    failure: GitFailed | None = None
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_SECONDS * attempt)
        base = git("rev-parse", "--verify", "--quiet", REF, may_fail=1).text
        new = make(read(git, [commit]).get(commit, b""))
        if new is None:
            return False
        draft = f"{REF}-drafts/{os.getpid()}-{os.urandom(8).hex()}"
        if base:
            git("update-ref", draft, base)
        try:
            git("notes", f"--ref={draft}", "add", "-f", "-F", "-", commit, stdin=new)
            made = git("rev-parse", "--verify", draft).text
            # A ref that is a name for a branch must not move the branch.
            git("update-ref", "--no-deref", "-m", "aivcs: note added", REF, made, base)
        except GitFailed as error:
            if not any(said in error.message for said in _MOVED):
                raise
            failure = error
        else:
            return True
        finally:
            git("update-ref", "-d", draft)
    msg = f"other processes write notes all the time: {failure.message if failure else ''}"
    raise ConflictError(msg, hint="try again")


def _contents(git: Program, blobs: Sequence[str]) -> list[bytes]:
    asked = "".join(f"{blob}\n" for blob in blobs).encode()
    rest = git("cat-file", "--batch", stdin=asked).out
    found: list[bytes] = []
    for _ in blobs:
        head, _, rest = rest.partition(b"\n")
        # '<id> blob <size>', or '<id> missing'.
        size = head.rpartition(b" ")[2]
        length = int(size) if size.isdigit() else 0
        found.append(rest[:length])
        rest = rest[length + 1 :] if size.isdigit() else rest
    return found
