"""The command ``demo``."""

from __future__ import annotations

import os
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from aivcs.cli import output
from aivcs.cli.command import command
from aivcs.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aivcs.cli.views import View
    from aivcs.demo.story import Step

_FOLDER: Final = "aivcs-demo"
_WIDTH: Final = 88


@command("demo")
@click.argument("directory", required=False, metavar="[DIR]", type=click.Path())
@click.pass_obj
def demo(session: Session, directory: str | None) -> int:
    """Tell the whole story on bundled runs of real agents.

    In DIR, a new or empty folder (aivcs-demo unless given), each step is explained, its
    command is run and what it prints is shown. Nothing else is touched and nothing is
    fetched; the clock and the ids are fixed, so it prints the same each time. JSON: {steps:
    [{command, exit}], ok}.
    """
    from aivcs.demo import stage, story

    place = Path(directory or session.directory or _FOLDER)
    stage.lay_out(place)
    call = Session(clock=stage.clock(), ids=stage.ids())
    tell = not session.json
    done: list[View] = []
    status = 0
    with _surroundings(stage.environment(place)), chdir(place):
        if tell:
            output.write_lines([*_wrapped(story.PREFACE), ""])
        for step in story.steps(*stage.digests(Path())):
            status, printed = _run(step, call)
            done.append({"command": _shown(step), "exit": status})
            if tell:
                output.write_lines([*_wrapped(step.text), f"$ {_shown(step)}"])
                output.write_lines([*printed.splitlines(), ""])
            if status:
                break
        else:
            stage.check_identical(Path(stage.FIRST), Path(story.RESTORED))
            if tell:
                output.write_lines(_wrapped(story.EPILOGUE))
    if status:
        output.note(f"error: the demo stopped at '{done[-1]['command']}', exit status {status}")
    if session.json:
        output.write_json({"steps": list(done), "ok": status == 0})
    return status


def _run(step: Step, call: Session) -> tuple[int, str]:
    """Run one command as the program itself would, and return what a terminal would show."""
    from aivcs.cli.main import main

    caught = BytesIO()
    screen = TextIOWrapper(caught, encoding="utf-8", write_through=True)
    with redirect_stdout(screen), redirect_stderr(screen):
        status = main(step.args, Session(clock=call.clock, ids=call.ids))
    return status, caught.getvalue().decode()


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
