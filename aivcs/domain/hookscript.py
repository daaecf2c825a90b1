"""The scripts that git runs as hooks, and how they are recognised.

They are for any POSIX shell. The interpreter is named by its path: a hook may run where no
``aivcs`` is on PATH, as in an editor.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

MARK: Final = "# aivcs-hook 1"
"""How the second line of such a script begins, with the version of its form."""

BEFORE: Final = ".before-aivcs"
"""What is put behind the name of a hook that was there before; it goes first."""

_PROGRAM: Final = re.compile(r"^python=(.*)$", re.MULTILINE)

_COMMON: Final = """\
#!/bin/sh
{mark} {hook}: made by 'aivcs hook install', removed by 'aivcs hook remove {hook}'.
# What stood here before is {hook}{before}; it goes first. Changes to this file are lost.
python={python}
repository={repository}
before="$0{before}"
say() {{ printf 'aivcs: %s\\n' "$1" >&2; }}
aivcs() {{
  if [ -e "$repository" ]; then set -- -C "$repository" "$@"; fi
  "$python" -P -m aivcs "$@"
}}
"""

_POST_COMMIT: Final = """
if [ -x "$before" ]; then "$before" "$@"; fi
if [ -x "$python" ]; then
  aivcs hook run post-commit </dev/null || say 'the commit stands; nothing was linked to it'
else
  say "warning: $python is gone, nothing was linked; 'aivcs hook install' names another"
fi
exit 0
"""

_PRE_PUSH: Final = """
input=$(cat)
feed() {{ if [ -n "$input" ]; then printf '%s\\n' "$input"; fi; }}
if [ -x "$before" ]; then feed | "$before" "$@" || exit $?; fi
if [ -x "$python" ]; then
  feed | aivcs hook run pre-push{name} -- "$@"
  status=$?
  case $status in 0|{refused}) exit $status ;; esac
else
  say "$python is gone; 'aivcs hook install' names another"
  status=1
fi
{unchecked}
"""

_CLOSED: Final = """\
say "the gates could not be asked, so nothing is pushed; 'git push --no-verify' goes around"
exit $status"""

_OPEN: Final = """\
say 'warning: the gates were not asked; it is pushed, as --fail-open wants'
exit 0"""


class Hook(StrEnum):
    """The hooks that there are, by git's names."""

    POST_COMMIT = "post-commit"
    PRE_PUSH = "pre-push"


@dataclass(frozen=True, slots=True)
class Installation:
    """What a script is told: the interpreter, the repository of aivcs, and for a push what counts.

    ``name`` are the gates to ask, else those of the configuration. With ``fail_open`` a push
    goes on where nobody can be asked.
    """

    python: str
    repository: Path
    name: str | None = None
    fail_open: bool = False


def script(hook: Hook, chosen: Installation, *, refused: int) -> bytes:
    """Return a hook's script; ``refused`` is the exit status by which a push is refused."""
    text = _COMMON.format(
        mark=MARK,
        hook=hook.value,
        before=BEFORE,
        python=shlex.quote(chosen.python),
        repository=shlex.quote(str(chosen.repository)),
    )
    if hook is Hook.POST_COMMIT:
        return (text + _POST_COMMIT).encode(errors="surrogateescape")
    name = "" if chosen.name is None else f" --name {shlex.quote(chosen.name)}"
    unchecked = _OPEN if chosen.fail_open else _CLOSED
    text += _PRE_PUSH.format(name=name, refused=refused, unchecked=unchecked)
    return text.encode(errors="surrogateescape")


def is_ours(data: bytes) -> bool:
    """Tell whether a hook was made here."""
    return MARK.encode() in b"\n".join(data.split(b"\n", 3)[:3])


def program(data: bytes) -> str | None:
    """Return the interpreter that a script of ours names; None where it does not say."""
    found = _PROGRAM.search(data.decode(errors="surrogateescape"))
    try:
        words = shlex.split(found[1]) if found else []
    except ValueError:
        return None
    return words[0] if words else None
