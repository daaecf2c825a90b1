"""What git is about to push, and which gates it is asked.

A pre-push hook reads a line for each ref: local ref, its object, remote ref, its object there;
zeros stand for none. Contract: https://git-scm.com/docs/githooks#_pre_push.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.domain.policy import Policy
    from aivcs.domain.spec import AgentSpec

NOTES: Final = "refs/notes/"
TAGS: Final = "refs/tags/"
_HEADS: Final = "refs/heads/"
_ID: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
_FIELDS: Final = 4
_OF_LABELS: Final = frozenset({"semver_format", "version_bump", "unique_version"})
_OF_NOTES: Final = frozenset({"require_notes"})


class GitSettings(NamedTuple):
    """The table ``git`` of a configuration.

    ``push_gate`` is the name whose gates a push must pass, None for none. ``agents`` are the
    agents' folders below the top of the working tree; without any they are looked for.
    """

    push_gate: str | None = None
    agents: tuple[str, ...] = ()


class Push(NamedTuple):
    """One ref that is pushed: the object it is to name, and what the remote has (None: nothing)."""

    ref: str
    new: str
    old: str | None

    @property
    def short(self) -> str:
        """Return the ref as people call it."""
        return self.ref.removeprefix(_HEADS).removeprefix(TAGS)

    @property
    def label(self) -> str | None:
        """Return the version label that the push brings: that of a tag."""
        return self.ref.removeprefix(TAGS) if self.ref.startswith(TAGS) else None


def read_pushes(text: str) -> list[Push]:
    """Return what is pushed, without what is removed there and without notes.

    Raises InvalidInputError for lines that git does not write.
    """
    found: list[Push] = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        fields = line.split(" ")
        if len(fields) != _FIELDS or not (_ID.fullmatch(fields[1]) and _ID.fullmatch(fields[3])):
            msg = f"not a line of git's pre-push: {line!r:.120}"
            raise InvalidInputError(msg, hint="git calls this; 'aivcs hook install' tells it to")
        _, new, ref, old = fields
        if _is_none(new) or ref.startswith(NOTES):
            continue
        found.append(Push(ref, new, None if _is_none(old) else old))
    return found


def asked(policy: Policy, label: str | None) -> Policy:
    """Return the gates that a push can be asked: a branch brings no label, no push brings notes."""
    left_out = _OF_NOTES if label is not None else _OF_NOTES | _OF_LABELS
    gates = {name: value for name, value in policy.gates.items() if name not in left_out}
    return replace(policy, gates=gates)


def candidates(name: str, specs: Sequence[AgentSpec]) -> list[AgentSpec]:
    """Return those of a commit's specs that the gates of ``name`` are about.

    Those that bear the name, with or without what follows its last ``/``; else all.
    """
    names = {name, name.rpartition("/")[0]}
    return [spec for spec in specs if spec.name in names] or list(specs)


def _is_none(name: str) -> bool:
    return not name.strip("0")
