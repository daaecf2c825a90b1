"""The git repository around a folder: commits, trailers, and notes on commits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aivcs.adapters.git import noting
from aivcs.adapters.git.program import Program
from aivcs.errors import CommitNotFound, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike

_ID: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST: Final = 1000
_MANIFEST: Final = "aivcs.toml"
_TRAILERS: Final = "--format=%(trailers:only,unfold)"


class GitProgram:
    """A git repository, asked by the program git; see ports.GitRepository."""

    def __init__(self, place: str | PathLike[str] = ".", *, in_hook: bool = False) -> None:
        self._git = Program(place, in_hook=in_hook)

    def commit(self, revision: str) -> str:
        """Return the id of a commit."""
        if not revision or revision.startswith("-") or len(revision) > _LONGEST:
            raise _unfit(revision)
        if _UNFIT.search(revision) or not revision.isprintable():
            raise _unfit(revision)
        done = self._git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", may_fail=1)
        if _ID.fullmatch(done.text):
            return done.text
        msg = f"the git repository has no commit {revision}"
        shallow = self._git("rev-parse", "--is-shallow-repository").text == "true"
        hint = "'git log' lists the commits"
        if shallow:
            hint = "it is a shallow clone; 'git fetch --unshallow' brings the rest"
        elif revision == "HEAD":
            hint = "commit something first"
        raise CommitNotFound(msg, hint=hint)

    def top(self) -> Path | None:
        """Return the root of the working tree."""
        if self._git("rev-parse", "--is-inside-work-tree").text != "true":
            return None
        return Path(self._git("rev-parse", "--show-toplevel").text)

    def manifests(self) -> list[str]:
        """Return the folders of tracked manifests; one that is not checked out is none."""
        top = self.top()
        listed = self._git("ls-files", "-z", "--full-name", "--", f":(top,glob)**/{_MANIFEST}")
        found = {path for path in listed.text.split("\0") if top and (top / path).is_file()}
        return sorted(path.removesuffix(_MANIFEST).rstrip("/") or "." for path in found)

    def trailers(self, commit: str) -> list[tuple[str, str]]:
        """Return the trailers of a message."""
        done = self._git("show", "-s", "--encoding=UTF-8", _TRAILERS, commit)
        lines = done.out.decode(errors="replace").splitlines()
        pairs = (line.partition(": ") for line in lines)
        return [(key, value) for key, found, value in pairs if found]

    def notes(self, commits: Sequence[str]) -> Mapping[str, bytes]:
        """Return the notes of commits."""
        return noting.read(self._git, commits)

    def annotate(self, commit: str, change: Callable[[bytes], bytes | None]) -> bool:
        """Replace the note of a commit."""
        return noting.change(self._git, commit, change)

    def peeled(self, objects: Sequence[str]) -> Mapping[str, str]:
        """Return the commits that objects lead to."""
        asked = "".join(f"{one}^{{commit}}\n" for one in objects).encode()
        told = self._git("cat-file", "--batch-check=%(objectname)", stdin=asked).text.split("\n")
        # What leads nowhere is answered by the question, and a word.
        pairs = zip(objects, told, strict=False)
        return {one: commit for one, commit in pairs if _ID.fullmatch(commit)}

    def unpushed(self, tips: Sequence[str], known: Sequence[str], remote: str) -> list[str]:
        """Return the commits that are new to a remote."""
        if not tips:
            return []
        asked = "".join([f"{one}\n" for one in tips] + [f"^{one}\n" for one in known]).encode()
        named = remote and not _UNFIT.search(remote)
        there = ["--not", f"--remotes={remote}"] if named else []
        listed = self._git("rev-list", "--stdin", *there, stdin=asked).text.split()
        return list(dict.fromkeys([*tips, *listed]))


def _unfit(revision: str) -> InvalidInputError:
    msg = f"not a revision: {revision!r:.120}"
    return InvalidInputError(msg, hint="give a commit's id, a branch or a tag")
