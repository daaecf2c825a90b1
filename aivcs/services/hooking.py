"""Installing hooks of git, beside what others put there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aivcs.domain.hookscript import BEFORE, Hook, is_ours, program, script
from aivcs.errors import ForeignHook, GateFailed, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aivcs.domain.hookscript import Installation
    from aivcs.ports import HookFolder


class HookState(NamedTuple):
    """One hook: ``state`` is ``absent``, ``ours`` or ``foreign``.

    ``runs`` tells whether git runs the file and what it starts is there, ``before`` whether
    another hook is asked first, ``program`` what a hook of ours starts.
    """

    hook: Hook
    state: str
    path: str
    runs: bool
    before: bool
    program: str | None


class Hooks:
    """The hooks of a git repository; ``runnable`` tells whether a program can be started."""

    def __init__(self, folder: HookFolder, runnable: Callable[[str], bool]) -> None:
        self._folder = folder
        self._runnable = runnable

    def states(self) -> list[HookState]:
        """Return every hook that aivcs has, as it is now. Raises StorageError."""
        return [self._state(hook) for hook in Hook]

    def install(
        self, hooks: Iterable[Hook], chosen: Installation, *, force: bool = False
    ) -> list[HookState]:
        """Install hooks, or renew them; return their states.

        With ``force`` a hook that somebody else made is kept and goes first. Raises
        ForeignHook without, and where one is kept already; InvalidInputError where the folder
        of hooks is that of other repositories too. Nothing is installed then.
        """
        wanted = list(dict.fromkeys(hooks))
        if self._folder.shared:
            msg = f"{self._folder.path} holds the hooks of other repositories too"
            raise InvalidInputError(
                msg, hint="'git config core.hooksPath .git/hooks' gives this one its own"
            )
        foreign = [hook for hook in wanted if self._is_foreign(hook)]
        for hook in foreign:
            self._check_free(hook, force=force)
        for hook in wanted:
            if hook in foreign:
                self._folder.move(hook, hook + BEFORE)
            self._folder.write(hook, script(hook, chosen, refused=GateFailed.exit_code))
        return [self._state(hook) for hook in wanted]

    def remove(self, hooks: Iterable[Hook]) -> list[HookState]:
        """Remove hooks, and put back what they were put before; return their states.

        One that is not there is no error. Raises ForeignHook for one that others made.
        """
        wanted = list(dict.fromkeys(hooks))
        for hook in wanted:
            if self._is_foreign(hook):
                msg = f"{self._folder.path / hook} was not made by aivcs"
                raise ForeignHook(msg, hint="whoever made it removes it")
        for hook in wanted:
            if self._folder.read(hook) is None:
                continue
            if self._folder.read(hook + BEFORE) is None:
                self._folder.remove(hook)
            else:
                # In one step: a hook is there all the time.
                self._folder.move(hook + BEFORE, hook)
        return [self._state(hook) for hook in wanted]

    def _is_foreign(self, hook: Hook) -> bool:
        data = self._folder.read(hook)
        return data is not None and not is_ours(data)

    def _check_free(self, hook: Hook, *, force: bool) -> None:
        path = self._folder.path / hook
        if not force:
            msg = f"{path} was made by somebody else"
            raise ForeignHook(msg, hint=f"--force keeps it as {hook}{BEFORE}, where it goes first")
        if self._folder.read(hook + BEFORE) is not None:
            msg = f"{path} and {path}{BEFORE} are there, and aivcs made neither"
            raise ForeignHook(msg, hint="make one of the two, then try again")

    def _state(self, hook: Hook) -> HookState:
        data = self._folder.read(hook)
        before = self._folder.runs(hook + BEFORE)
        path, runs = str(self._folder.path / hook), self._folder.runs(hook)
        if data is None:
            return HookState(hook, "absent", path, runs=False, before=False, program=None)
        if not is_ours(data):
            return HookState(hook, "foreign", path, runs, before=False, program=None)
        started = program(data)
        runs = runs and started is not None and self._runnable(started)
        return HookState(hook, "ours", path, runs, before, started)
