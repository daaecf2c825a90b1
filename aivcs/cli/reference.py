"""Prints docs/cli.md: every command with its help, the exit statuses, the codes of errors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from aivcs import errors
from aivcs.cli import failures
from aivcs.cli.main import PROGRAM, root

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTRODUCTION = """# The command line

This page is made by `make docs` from the program itself.

Every command takes `--json`, `-C DIR` (or `--repo DIR`) and `-h`, before or after its name.
`aivcs help COMMAND` is `aivcs COMMAND --help`.
The answer is on stdout, everything else on stderr. With `--json` stdout carries exactly one
JSON value: times are RFC 3339 in UTC, digests 64 lower-case hexadecimal characters. Off a
terminal there is no colour, and a listing without `--limit` shows 50 rows and says on stderr
how many more there are; JSON is cut only by `--limit`.

Ids may be abbreviated to 4 or more characters where that is unique. `latest` is the newest
run, `NAME` the current release of an agent, `NAME@SEQ` and `NAME@LABEL` an entry of its log,
`NAME~1` the one before it in the lineage.

The repository is the one at `-C`, else at `AIVCS_DIR`, else the first `.aivcs/` found from
the current folder upward. `AIVCS_ACTOR` says who promotes and rolls back.
"""

_WIDTH = 92
_STATUSES = {
    0: "done",
    1: "internal or unexpected failure",
    2: "wrong arguments or invalid input",
    3: "not found, or ambiguous",
    4: "conflict: somebody else moved first; read again and retry",
    5: "refused by a rule: illegal move, run that has ended, failed gate, nothing to go back to",
    6: "integrity: bytes that are damaged or missing",
    7: "storage: disk full, no permission, database unreachable",
    10: "no repository here, or one of a newer format",
    failures.INTERRUPTED: "interrupted by Ctrl-C",
    failures.CLOSED_PIPE: "the reader of stdout went away",
}


def reference() -> str:
    """Return the page as Markdown."""
    parts = [_INTRODUCTION, "## Commands\n", *_sections(root(), PROGRAM, None)]
    parts.append("## Exit statuses\n\n| status | meaning |\n|---|---|")
    parts += [f"| {status} | {meaning} |" for status, meaning in _STATUSES.items()]
    parts.append(
        "\n`run record -- COMMAND` ends with the command's own status (128+N when signal N"
        " killed it, 127 when\nit is not found, 126 when it cannot be executed).\n\n"
        "## Codes of errors\n\n"
        'With `--json` a failure is the last line of stderr: `{"error": {"code", "message",'
        ' "hint"}}`. A code\nnever changes its meaning.\n\n'
        "| code | status | meaning |\n|---|---|---|"
    )
    rows = [(code, status, meaning) for code, (status, meaning) in failures.OWN_CODES.items()]
    rows += [(kind.code, kind.exit_code, _first_line(kind)) for kind in _kinds(errors.AivcsError)]
    parts += [f"| `{code}` | {status} | {meaning} |" for code, status, meaning in rows]
    return "\n".join(parts) + "\n"


def _sections(group: click.Group, path: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(group, parent=parent, info_name=path if parent is None else group.name)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from _sections(found, f"{path} {name}", context)
        elif found is not None:
            yield _section(found, name, context)


def _section(found: click.Command, name: str, parent: click.Context) -> str:
    context = click.Context(found, parent=parent, info_name=name, **found.context_settings)
    formatter = click.HelpFormatter(width=_WIDTH)
    found.format_help(context, formatter)
    return f"### {context.command_path}\n\n```\n{formatter.getvalue().rstrip()}\n```\n"


def _kinds(kind: type[errors.AivcsError]) -> Iterator[type[errors.AivcsError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from _kinds(child)


def _first_line(kind: type[errors.AivcsError]) -> str:
    return (kind.__doc__ or "").splitlines()[0]


if __name__ == "__main__":
    sys.stdout.write(reference())
