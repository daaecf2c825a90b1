"""What is needed of a git repository beside the agent: commits, their notes, and hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


class GitRepository(Protocol):
    """The git repository around a folder. History is read, and only notes are written.

    Raises NoGitRepository and GitFailed from every call.
    """

    def commit(self, revision: str) -> str:
        """Return the id of the commit that a revision names (hex).

        Raises CommitNotFound, InvalidInputError for a text that cannot be a revision.
        """
        ...

    def top(self) -> Path | None:
        """Return the root of the working tree; None where there is none."""
        ...

    def manifests(self) -> list[str]:
        """Return the folders below the root whose ``aivcs.toml`` git tracks and has checked out.

        They are sorted; the root itself is ``.``.
        """
        ...

    def trailers(self, commit: str) -> list[tuple[str, str]]:
        """Return keys and values of the trailers of a commit's message, in order."""
        ...

    def notes(self, commits: Sequence[str]) -> Mapping[str, bytes]:
        """Return the notes of those of the commits that have one."""
        ...

    def annotate(self, commit: str, change: Callable[[bytes], bytes | None]) -> bool:
        """Replace a commit's note by what ``change`` makes of it, and tell whether it did.

        None leaves it alone. Where another process writes notes at the same time it is asked
        again. Raises ConflictError where that never ends.
        """
        ...

    def peeled(self, objects: Sequence[str]) -> Mapping[str, str]:
        """Return the commits that objects (ids in hex) are or, as tags, lead to; not of others."""
        ...

    def unpushed(self, tips: Sequence[str], known: Sequence[str], remote: str) -> list[str]:
        """Return the commits that ``tips`` bring to a remote that has ``known``, tips first.

        All are commits that are here. Tips are among them also where the remote has them.
        """
        ...


class HookFolder(Protocol):
    """The folder of a git repository's hooks. Raises StorageError."""

    @property
    def path(self) -> Path:
        """Return where it is."""
        ...

    @property
    def shared(self) -> bool:
        """Tell whether it lies outside of the repository, and so belongs to others as well."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return what a hook says; None where there is none, empty where it is no file."""
        ...

    def runs(self, name: str) -> bool:
        """Tell whether git would run it: it is a file, and executable."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Write an executable hook in one step, whatever was there."""
        ...

    def move(self, name: str, to: str) -> None:
        """Give a hook another name, whose file it replaces."""
        ...

    def remove(self, name: str) -> None:
        """Remove a hook."""
        ...
