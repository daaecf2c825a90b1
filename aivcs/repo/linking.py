"""The calls that tie a repository to the git repository of the code around it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from aivcs.domain.published import RELEASES
from aivcs.errors import InvalidInputError
from aivcs.repo.surroundings import default_actor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from functools import cached_property
    from pathlib import Path

    from aivcs.domain.hookscript import Installation
    from aivcs.domain.pushing import GitSettings
    from aivcs.ports import Ledger
    from aivcs.services.finding import Finder
    from aivcs.services.hooking import Hooks
    from aivcs.services.judging import Judge
    from aivcs.services.linking import Linker
    from aivcs.services.publishing import Publisher
    from aivcs.services.push_gate import PushGate
    from aivcs.services.releases import ReleaseRegistry
    from aivcs.services.specs import SpecStore


class Linking:
    """Links to git commits, and what git's hooks ask, over the parts of a repository."""

    folder: Path | None
    _ledger: Ledger
    _git: GitSettings | None

    if TYPE_CHECKING:

        @cached_property
        def specs(self) -> SpecStore:
            """What agents consist of."""

        @cached_property
        def releases(self) -> ReleaseRegistry:
            """The releases of agents."""

        @cached_property
        def find(self) -> Finder:
            """What resolves abbreviations and names."""

        @cached_property
        def _publishers(self) -> Mapping[str, Publisher]:
            """What publishes each log."""

        def _judge(self) -> Judge:
            """Return what evaluates gates."""

    def links(self, place: str | os.PathLike[str] = ".", *, in_hook: bool = False) -> Linker:
        """Return what links specs, runs and releases to commits of the git repository at ``place``.

        ``in_hook`` believes what git says in a hook about where its repository is.
        """
        from aivcs.adapters.git.repository import GitProgram
        from aivcs.services.linking import Linker

        git = GitProgram(place, in_hook=in_hook)
        return Linker(
            git,
            self._ledger,
            self.specs,
            lambda: self.releases,
            lambda: self.find,
            self._released_checkpoint,
        )

    def push_gate(self, place: str | os.PathLike[str] = ".", *, in_hook: bool = False) -> PushGate:
        """Return what git's hooks ask about the git repository at ``place``."""
        from aivcs.domain.pushing import GitSettings
        from aivcs.services.push_gate import PushGate

        links, chosen = self.links(place, in_hook=in_hook), self._git or GitSettings()
        return PushGate(
            links, self.specs, lambda: self.releases, self._judge, default_actor, chosen
        )

    def installation(self, *, name: str | None = None, fail_open: bool = False) -> Installation:
        """Return what a hook needs to know to come back to this repository."""
        import sys
        from pathlib import Path

        from aivcs.domain.hookscript import Installation
        from aivcs.domain.names import check_name

        if self.folder is None:
            msg = "a repository in memory has no place that a hook could find"
            raise InvalidInputError(msg, hint="'aivcs init' makes one on disk")
        # A hook is called anywhere in the working tree, and by other users' shells.
        place = Path(os.path.abspath(self.folder))  # noqa: PTH100 - links in it are meant
        if name is not None:
            check_name(name)
        return Installation(sys.executable, place, name, fail_open)

    def _released_checkpoint(self) -> str | None:
        found = self._publishers[RELEASES].checkpoint()
        return None if found is None else found.data().decode()


def hooks(place: str | os.PathLike[str] = ".") -> Hooks:
    """Return what installs hooks into the git repository at ``place``.

    Raises NoGitRepository, GitFailed, InvalidInputError where there is no working tree.
    """
    from aivcs.adapters.git.hooks import GitHookFolder
    from aivcs.services.hooking import Hooks

    return Hooks(GitHookFolder(place), lambda program: os.access(program, os.X_OK))
