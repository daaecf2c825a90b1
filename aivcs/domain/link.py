"""What ties a spec, a run or a release to a git commit, and the note of the commit that says so.

A note in ``refs/notes/aivcs`` has a line of canonical JSON for each fact. Lines are sorted and
stand there once, which is what git's merge strategy ``cat_sort_uniq`` makes of two notes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from aivcs.domain import canonical
from aivcs.domain.digest import Digest
from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aivcs.domain.canonical import Json

MOST_BYTES: Final = 2**20
"""How long a note may become: whoever can push can write more, and nobody adds to that."""

_KEYS: Final = frozenset({"spec", "run", "release", "checkpoint", "name", "dirty"})
_LONGEST: Final = 8192


class Linked(StrEnum):
    """What a fact is about; the value is its key in the note."""

    SPEC = "spec"
    RUN = "run"
    RELEASE = "release"
    CHECKPOINT = "checkpoint"


class Source(StrEnum):
    """Who says so: the ledger, a note of the commit, or a trailer of its message."""

    LEDGER = "ledger"
    NOTE = "note"
    TRAILER = "trailer"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that belongs to a commit.

    ``id`` is a spec's digest, a run's id, ``NAME@SEQ`` of a release, or the whole text of a
    checkpoint of the public log. ``spec`` is the digest that a run or release is of, and
    ``name`` the agent's. ``dirty`` tells whether files differed from the commit; None where
    nobody looked.
    """

    what: Linked
    id: str
    spec: Digest | None = None
    name: str | None = None
    dirty: bool | None = None

    def line(self) -> bytes:
        """Return the fact as a line of a note, without its end."""
        said: dict[str, Json] = {self.what.value: self.id}
        if self.what is not Linked.CHECKPOINT:
            said["dirty"] = self.dirty
        if self.what in {Linked.RUN, Linked.RELEASE} and self.spec is not None:
            said["spec"] = str(self.spec)
        if self.what in {Linked.RUN, Linked.SPEC} and self.name is not None:
            said["name"] = self.name
        return canonical.dumps(said)


def read_line(line: bytes) -> Fact | None:
    """Return what a line of a note says; None for one that aivcs did not write."""
    if len(line) > _LONGEST:
        return None
    try:
        fact = _fact(canonical.loads(line))
    except (InvalidInputError, ValueError, RecursionError):
        return None
    return fact if fact is not None and fact.line() == line else None


def _fact(said: Json) -> Fact | None:
    if not isinstance(said, dict) or not _KEYS.issuperset(said):
        return None
    # A run and a release name their spec too: the rarest key tells what the line is about.
    what = next((one for one in reversed(Linked) if one.value in said), Linked.SPEC)
    found, text = said.get(what.value), said.get("spec")
    dirty, name = said.get("dirty"), said.get("name")
    spec = Digest.parse(text) if isinstance(text, str) else None
    needed = what in {Linked.SPEC, Linked.RELEASE}
    if not isinstance(found, str) or (needed and spec is None):
        return None
    if not isinstance(dirty, bool | None) or not isinstance(name, str | None):
        return None
    return Fact(what, str(spec) if what is Linked.SPEC else found, spec, name, dirty)


def seen(looks: Iterable[bool | None]) -> bool | None:
    """Return whether a tree counts as dirty that was looked at several times.

    Clean once is enough: its files were those of the commit then.
    """
    found = set(looks)
    return False if False in found else (True if True in found else None)


def read_note(note: bytes) -> tuple[list[Fact], list[str]]:
    """Return the facts of a note, and the lines that are none, as text."""
    facts: list[Fact] = []
    others: list[str] = []
    for line in _lines(note):
        fact = read_line(line)
        if fact is None:
            others.append(line.decode(errors="backslashreplace"))
        else:
            facts.append(fact)
    return facts, others


def added(note: bytes, facts: Iterable[Fact]) -> bytes | None:
    """Return a note with more facts; None when all stand there.

    Lines that others wrote stay. Raises InvalidInputError when it would become too long.
    """
    before = _lines(note)
    lines = sorted({*before, *(fact.line() for fact in facts)})
    if set(lines) == set(before):
        return None
    new = b"".join(line + b"\n" for line in lines)
    if len(new) > MOST_BYTES:
        msg = f"the note would be {len(new)} bytes long"
        raise InvalidInputError(
            msg, hint="link one by one what matters; 'git notes --ref aivcs edit' mends a note"
        )
    return new


def _lines(note: bytes) -> list[bytes]:
    return [line for line in note.split(b"\n") if line.strip()]
