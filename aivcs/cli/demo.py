"""The command ``demo``."""

from __future__ import annotations

import os
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from aivcs.cli import output
from aivcs.cli.command import PATH, command
from aivcs.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aivcs.cli.views import View
    from aivcs.demo.story import Step

_FOLDER: Final = "aivcs-demo"
_WIDTH: Final = 88


@command("demo")
@click.argument("directory", required=False, metavar="[DIR]", type=PATH)
@click.pass_obj
def demo(session: Session, directory: str | None) -> int:
    """Tell the whole story on bundled runs of real agents.

    In DIR, a new or empty folder (aivcs-demo unless given), each step is explained, its
    command is run and what it prints is shown. Nothing else is touched and nothing is
    fetched; clock, ids and salts are fixed, so it prints the same each time. A command that
    fails ends the demo with its exit status. JSON: {steps: [{command, exit}], ok}.
    """
    if directory is not None and session.directory is not None:
        msg = "the folder is given twice, as DIR and with -C"
        raise click.UsageError(msg, click.get_current_context())
    from aivcs.demo import stage, story

    place = Path(directory or session.directory or _FOLDER)
    stage.lay_out(place)
    done: list[View] = []
    status = 0
    surroundings = Session(clock=stage.clock(), ids=stage.ids(), salts=stage.salts())
    with _surroundings(stage.environment(place)), chdir(place):
        _tell(session, [*_wrapped(story.PREFACE), ""])
        for step in story.steps(*stage.digests(Path())):
            status, printed = _run(step, replace(surroundings))
            shown = _shown(step)
            done.append({"command": shown, "exit": status})
            _tell(session, [*_wrapped(step.text), f"$ {shown}", *printed.splitlines()])
            if status:
                output.note(f"error: the demo stopped here, with exit status {status}")
                break
            if step.identical is not None:
                one, other = step.identical
                stage.check_identical(Path(one), Path(other))
                _tell(session, [f"({one}/ and {other}/ are identical, byte for byte)"])
            _tell(session, [""])
        else:
            _tell(session, _wrapped(story.EPILOGUE))
    if session.json:
        output.write_json({"steps": list(done), "ok": status == 0})
    return status


def _run(step: Step, session: Session) -> tuple[int, str]:
    """Run one command as the program itself would; return its status and all it printed."""
    from aivcs.cli.main import main

    caught = BytesIO()
    screen = TextIOWrapper(caught, encoding="utf-8", write_through=True)
    with redirect_stdout(screen), redirect_stderr(screen):
        status = main(step.args, session)
    return status, caught.getvalue().decode()


def _tell(session: Session, lines: Iterable[str]) -> None:
    if not session.json:
        output.write_lines(lines)


def _shown(step: Step) -> str:
    from shlex import join

    return join(("aivcs", *step.args))


def _wrapped(text: str) -> list[str]:
    from textwrap import wrap

    return wrap(text, _WIDTH)


@contextmanager
def _surroundings(environment: Mapping[str, str]) -> Iterator[None]:
    """Let the steps see this environment, and restore the one before."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
