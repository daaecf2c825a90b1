"""The commands of the family ``hook``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

from aivcs.cli import output
from aivcs.cli.command import command

if TYPE_CHECKING:
    from aivcs.cli.session import Session
    from aivcs.cli.views import View
    from aivcs.services.hooking import HookState

_HOOKS: Final = ("post-commit", "pre-push")
_NAMED: Final = 5
_GATES: Final = click.option(
    "--name", metavar="NAME", help="Ask the gates of this name; else [git] push_gate decides."
)
_WHICH: Final = click.argument(
    "hooks", nargs=-1, type=click.Choice(_HOOKS), metavar="[post-commit] [pre-push]"
)


@command("install")
@_WHICH
@click.option("--force", is_flag=True, help="Keep a hook that is there; it goes first.")
@_GATES
@click.option("--fail-open", is_flag=True, help="Push also where the gates cannot be asked.")
@click.pass_obj
def install(
    session: Session, *, hooks: tuple[str, ...], force: bool, name: str | None, fail_open: bool
) -> None:
    """Let git call aivcs after each commit and before each push.

    Both unless one is named. post-commit stores the agent's spec and notes it at the commit;
    it never makes a commit fail. pre-push refuses with status 1 of git what the gates refuse;
    'git push --no-verify' goes around it. The hooks are where git looks for them, and name
    this program and this repository by their paths. JSON: [{hook, state, path, runs, before,
    program}].
    """
    from aivcs.domain.hookscript import Hook
    from aivcs.repo.linking import hooks as hooks_at

    with session.open() as repo:
        chosen = repo.installation(name=name, fail_open=fail_open)
    wanted = [Hook(one) for one in hooks or _HOOKS]
    _answer(session, hooks_at().install(wanted, chosen, force=force))


@command("list")
@click.pass_obj
def list_hooks(session: Session) -> None:
    """List the hooks, and whether they work.

    JSON: [{hook, state, path, runs, before, program}]: state is absent, ours or foreign; runs
    tells whether git runs it and its program is there; before whether another hook that was
    there first is asked first.
    """
    from aivcs.repo.linking import hooks as hooks_at

    _answer(session, hooks_at().states())


@command("remove")
@_WHICH
@click.pass_obj
def remove(session: Session, *, hooks: tuple[str, ...]) -> None:
    """Take the hooks away that 'hook install' put there.

    Both unless one is named. A hook that was there before is put back. JSON: as 'hook list'.
    """
    from aivcs.domain.hookscript import Hook
    from aivcs.repo.linking import hooks as hooks_at

    _answer(session, hooks_at().remove([Hook(one) for one in hooks or _HOOKS]))


@command("run")
@click.argument("hook", type=click.Choice(_HOOKS))
@click.argument("arguments", nargs=-1, metavar="[REMOTE] [URL]")
@_GATES
@click.pass_obj
def run(session: Session, *, hook: str, arguments: tuple[str, ...], name: str | None) -> int:
    """Do what a hook does: git calls it.

    post-commit stores the specs of the agents' folders and notes them at the commit. pre-push
    reads on stdin what git says of a push to REMOTE, a line for each ref; exit status 5 lists
    every violation. JSON: of post-commit {notes, problems}, of pre-push {commits, specs,
    warnings}.
    """
    return _commit(session) if hook == _HOOKS[0] else _push(session, arguments, name)


def _commit(session: Session) -> int:
    from aivcs.cli.git import noted_view

    with session.open() as repo:
        noted, wrong = repo.push_gate(in_hook=True).committed()
    for one in wrong:
        output.note(f"aivcs: warning: {one}")
    value = {"notes": [noted_view(one) for one in noted], "problems": wrong}

    def write() -> None:
        for one in noted:
            for fact in one.facts:
                tree = " of changed files" if fact.dirty else ""
                where = output.short(one.commit)
                output.note(f"aivcs: spec {output.short(fact.id)} of {fact.name}{tree}, at {where}")

    output.answer(session, value, write)
    return 0


def _push(session: Session, arguments: tuple[str, ...], name: str | None) -> int:
    from aivcs.domain.pushing import read_pushes
    from aivcs.errors import GateFailed

    pushes = read_pushes(sys.stdin.buffer.read().decode(errors="replace"))
    if not pushes:
        output.answer(session, {"commits": 0, "specs": [], "warnings": []}, lambda: None)
        return 0
    with session.open() as repo:
        found = repo.push_gate(in_hook=True).judged(pushes, arguments[0] if arguments else "", name)
    for warning in found.warnings:
        output.note(f"aivcs: warning: {warning}")
    if found.violations:
        refs = ", ".join(push.short for push in pushes[:_NAMED])
        if len(pushes) > _NAMED:
            refs += f" and {len(pushes) - _NAMED} more"
        msg = f"the push of {refs} is refused: {'; '.join(found.violations)}"
        hint = "mend what was found, then push again; 'git push --no-verify' goes around"
        raise GateFailed(msg, hint=hint)
    specs = [str(digest) for digest in found.specs]
    value = {"commits": found.commits, "specs": specs, "warnings": list(found.warnings)}
    of = output.counted(found.commits, "commit")
    told = f"aivcs: {output.counted(len(specs), 'spec')} of {of} may be pushed"
    output.answer(session, value, lambda: output.note(told))
    return 0


def _answer(session: Session, states: list[HookState]) -> None:
    views: list[View] = [
        {
            "hook": one.hook.value,
            "state": one.state,
            "path": one.path,
            "runs": one.runs,
            "before": one.before,
            "program": one.program,
        }
        for one in states
    ]
    columns: list[output.Column] = [
        ("hook", lambda view: view["hook"]),
        ("state", lambda view: view["state"]),
        ("works", lambda view: view["runs"]),
        ("before it", lambda view: view["before"]),
        ("path", lambda view: view["path"]),
    ]
    output.answer(session, views, lambda: output.write_table(columns, views))
