"""Executing the blocks of a page in order, and naming the line where it fails."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tomllib
import traceback
from typing import TYPE_CHECKING, Final

from tests.docs.comparison import difference
from tests.docs.markdown import SETUP
from tests.docs.shell import Command, Shell, commands

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.docs.markdown import Block

DATA: Final = frozenset({"", "text", "mermaid", "diff"})


class PageError(AssertionError):
    """A block of a page does not do what the page says."""


class Execution:
    """One page being executed in a folder of its own below ``place``."""

    def __init__(self, page: str, place: Path) -> None:
        self._page = page
        self._shell = Shell(place)
        self._names: dict[str, object] = {"__name__": "page"}
        self._printed: str | None = None

    def run(self, found: Iterable[Block]) -> None:
        """Execute blocks in order; PageError names the page and the line."""
        for block in found:
            if block.mark == "output":
                self._compare(block, block.text, self._taken(block))
                continue
            self._check_shown(block)
            if block.reason is None:
                self._block(block)
        self._check_shown(None)

    def _block(self, block: Block) -> None:
        if block.language == "console":
            for command in commands(block.text, block.line):
                self._console(command, exact=block.mark == "exact")
        elif block.language == SETUP:
            self._console(Command(block.line, block.text, None))
        elif block.language == "python":
            self._python(block)
        elif block.language in {"json", "toml"}:
            self._parse(block)
        elif block.language not in DATA:
            msg = f"nobody executes {block.language!r}; use console, python or text"
            raise self._error(block.line, msg)

    def _console(self, command: Command, *, exact: bool = False) -> None:
        status, printed = self._shell.run(command.text)
        if status:
            msg = f"exit status {status} of: {command.text}\n{printed}"
            raise self._error(command.line, msg)
        if command.shown is not None:
            changed = difference(command.shown, printed, str(self._shell.home), exact=exact)
            if changed is not None:
                raise self._error(command.line, f"other output of: {command.text}\n{changed}")

    def _python(self, block: Block) -> None:
        printed = io.StringIO()
        code = compile("\n" * (block.line - 1) + block.text, self._page, "exec")
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(self._shell.environment)
        try:
            with contextlib.chdir(self._shell.folder), contextlib.redirect_stdout(printed):
                exec(code, self._names)  # noqa: S102 - this is what a page is for
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)
            line = next((f.lineno for f in place if f.filename == self._page), None)
            msg = f"{type(error).__name__}: {error}"
            raise self._error(line or block.line, msg) from error
        finally:
            os.environ.clear()
            os.environ.update(before)
        self._printed = printed.getvalue() or None

    def _taken(self, block: Block) -> str:
        if self._printed is None:
            raise self._error(block.line, "the block before it prints nothing")
        printed, self._printed = self._printed, None
        return printed

    def _check_shown(self, block: Block | None) -> None:
        if self._printed is not None:
            line = block.line if block else 0
            raise self._error(line, f"the page does not show what is printed:\n{self._printed}")

    def _compare(self, block: Block, shown: str, printed: str) -> None:
        changed = difference(shown, printed, str(self._shell.home))
        if changed is not None:
            raise self._error(block.line, f"other output\n{changed}")

    def _parse(self, block: Block) -> None:
        try:
            if block.language == "toml":
                tomllib.loads(block.text)
            else:
                json.loads(block.text)
        except ValueError as error:
            raise self._error(block.line, f"not {block.language}: {error}") from error

    def _error(self, line: int, message: str) -> PageError:
        return PageError(f"{self._page}:{line}: {message}")
