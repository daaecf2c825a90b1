"""Linking specs, runs and releases to git commits, in both directions.

The ledger knows at which commit a spec was stored and a run began: that leads from here to git.
A note of the commit leads from git to here. History is never rewritten.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from aivcs.domain.digest import Digest
from aivcs.domain.link import Fact, Linked, Source, added, read_note, seen
from aivcs.errors import AmbiguousId, InvalidInputError, NotFoundError, ProofInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from aivcs.domain.log_writes import NewSpec
    from aivcs.domain.release import ReleaseRecord
    from aivcs.domain.run import RunRecord
    from aivcs.domain.spec import AgentSpec
    from aivcs.ports import GitRepository, Ledger
    from aivcs.services.finding import Finder
    from aivcs.services.releases import ReleaseRegistry
    from aivcs.services.specs import SpecStore

TREE: Final = "git_tree"
"""What a run's environment says of the tree that it began in: ``clean`` or ``dirty``."""

TRAILERS: Final = {
    "aivcs-spec": (Linked.SPEC, re.compile(r"(?:sha256:)?[0-9a-f]{4,64}", re.ASCII)),
    "aivcs-run": (Linked.RUN, re.compile(r"(?!latest$).+")),
    "aivcs-release": (Linked.RELEASE, re.compile(r"[^@~]+@[0-9]+", re.ASCII)),
}
"""The trailers of a commit message that are read, in lower case, and the form of their values.

A commit says the same for ever: what names another thing tomorrow, as an agent's name does, is
none.
"""

_ADD: Final = "'aivcs spec add' in the agent's folder stores its spec with the commit"


class Link(NamedTuple):
    """A fact about a commit, who says it, and whether this repository has what it is about."""

    fact: Fact
    sources: tuple[Source, ...]
    here: bool


@dataclass(frozen=True, slots=True)
class CommitLinks:
    """What belongs to a commit (hex).

    ``unread`` are lines of its note that aivcs did not write, and trailers that name nothing here.
    """

    commit: str
    links: tuple[Link, ...]
    unread: tuple[str, ...]


class Noted(NamedTuple):
    """The facts that the note of a commit has now, and whether any is new."""

    commit: str
    facts: tuple[Fact, ...]
    changed: bool


class Linker:
    """Links over a git repository and a repository of aivcs.

    ``checkpoint`` gives the newest checkpoint of the public log of releases, if there is one.
    What few calls need is made when it is needed: a hook is to be quick.
    """

    def __init__(
        self,
        git: GitRepository,
        ledger: Ledger,
        specs: SpecStore,
        releases: Callable[[], ReleaseRegistry],
        find: Callable[[], Finder],
        checkpoint: Callable[[], str | None],
    ) -> None:
        self.git = git
        self._ledger = ledger
        self._specs = specs
        self._releases = releases
        self._find = find
        self._checkpoint = checkpoint

    def of(self, revision: str = "HEAD") -> CommitLinks:
        """Return what belongs to a commit: as recorded, as its note says, and its trailers.

        Raises CommitNotFound, NoGitRepository, GitFailed, InvalidInputError.
        """
        commit = self.git.commit(revision)
        found: dict[tuple[Linked, str], Link] = {}
        noted, unread = read_note(self.git.notes([commit]).get(commit, b""))
        told, unknown = self._trailers(commit)
        for source, facts in (
            (Source.LEDGER, self.recorded(commit)),
            (Source.NOTE, noted),
            (Source.TRAILER, told),
        ):
            for fact in facts:
                key = fact.what, fact.id
                # Of several who speak the ledger is right, a note before a trailer.
                known = found.get(key) or Link(fact, (), self._has(fact))
                found[key] = known._replace(sources=(*known.sources, source))
        return CommitLinks(commit, tuple(found.values()), (*unread, *unknown))

    def recorded(self, commit: str) -> list[Fact]:
        """Return what the ledger has of a commit (its whole id): specs, runs, then releases."""
        from aivcs.domain.release import ReleaseKind
        from aivcs.domain.stream import Family, RunQuery

        specs = self.specs_at([commit]).get(commit, [])
        runs = map(_of_run, self._ledger.runs(RunQuery(git_sha=commit)))
        dirty = {fact.spec: fact.dirty for fact in specs}
        releases: list[Fact] = []
        for stream in self._ledger.streams(Family.RELEASE) if specs else ():
            releases += [
                replace(_of_release(record), dirty=dirty[record.spec_digest])
                for record in self._releases().iter_history(stream.name)
                if record.kind is not ReleaseKind.DEPRECATE and record.spec_digest in dirty
            ]
        return [*specs, *runs, *releases]

    def specs_at(self, commits: Iterable[str]) -> dict[str, list[Fact]]:
        """Return the specs that were stored at each of the commits, the newest first.

        Dirty is one that was never stored there of a tree without changes.
        """
        wanted = set(commits)
        rows: dict[str, dict[Digest, list[NewSpec]]] = {}
        for row in self._ledger.specs():
            if row.git_sha in wanted:
                rows.setdefault(str(row.git_sha), {}).setdefault(row.digest, []).append(row)
        return {
            commit: [
                Fact(Linked.SPEC, str(spec), spec, each[0].name, seen(row.dirty for row in each))
                for spec, each in found.items()
            ]
            for commit, found in rows.items()
        }

    def link(self, item: str | None = None, commit: str | None = None) -> Noted:
        """Add a fact to the note of a commit: a spec, a run, or a release ``NAME@SEQ``.

        Without ``commit`` that which was recorded with it, one without changes before others.
        Without ``item`` all that is recorded for the commit, by default the one checked out.
        Raises NotFoundError for what is not here or has no commit, CommitNotFound, AmbiguousId,
        InvalidInputError, ConflictError.
        """
        if item is None:
            where = self.git.commit("HEAD" if commit is None else commit)
            facts = self.recorded(where)
            if not facts:
                msg = f"nothing is recorded for commit {where}"
                raise NotFoundError(msg, hint=_ADD)
            return self.note(where, facts)
        fact, places = self._item(item)
        if commit is not None:
            where = self.git.commit(commit)
        else:
            if not places:
                msg = f"no commit is recorded with {item}"
                raise NotFoundError(msg, hint="name one with --commit")
            clean = [place for place, dirty in places.items() if dirty is False]
            where = self.git.commit([*clean, *places][0])
        return self.note(where, [replace(fact, dirty=places.get(where))])

    def note(self, commit: str, facts: Sequence[Fact]) -> Noted:
        """Add facts to the note of a commit; to releases the checkpoint of the public log."""
        told = list(facts)
        if any(fact.what is Linked.RELEASE for fact in told):
            checkpoint = self._checkpoint()
            if checkpoint is not None:
                told.append(Fact(Linked.CHECKPOINT, checkpoint))
        changed = self.git.annotate(commit, lambda note: added(note, told))
        return Noted(commit, tuple(told), changed)

    def _item(self, item: str) -> tuple[Fact, Mapping[str, bool | None]]:
        """Return what a text names, and at which commits it was recorded."""
        if "@" in item or "~" in item:
            record = self._find().release(item)
            return _of_release(record), self._places(record.spec_digest)
        run: RunRecord | None = None
        spec: AgentSpec | None = None
        with suppress(NotFoundError):
            run = self._ledger.run(self._find().run(item))
        try:
            spec = self._specs.get(self._find().spec(item))
        except NotFoundError:
            if run is None:
                raise
        if run is None and spec is not None:
            return _of_spec(spec), self._places(spec.digest)
        if run is None or spec is not None:
            msg = f"{item} is the beginning of a run and of a spec"
            raise AmbiguousId(msg, hint="give more characters")
        fact, commit = _of_run(run), run.metadata.git_sha
        return fact, {commit: fact.dirty} if commit else {}

    def _places(self, digest: Digest) -> Mapping[str, bool | None]:
        places: dict[str, list[bool | None]] = {}
        for row in self._ledger.specs(digest):
            if row.git_sha is not None:
                places.setdefault(row.git_sha, []).append(row.dirty)
        return {place: seen(looks) for place, looks in places.items()}

    def _trailers(self, commit: str) -> tuple[list[Fact], list[str]]:
        facts: list[Fact] = []
        unknown: list[str] = []
        for key, value in self.git.trailers(commit):
            if key.lower() not in TRAILERS:
                continue
            what, form = TRAILERS[key.lower()]
            fact = self._told(what, value.strip()) if form.fullmatch(value.strip()) else None
            if fact is None:
                unknown.append(f"{key}: {value}")
            else:
                facts.append(fact)
        return facts, unknown

    def _told(self, what: Linked, value: str) -> Fact | None:
        try:
            if what is Linked.RUN:
                run = self._ledger.run(self._find().run(value))
                return None if run is None else _of_run(run)
            if what is Linked.RELEASE:
                return _of_release(self._find().release(value))
            spec = self._specs.get(self._find().spec(value))
        except NotFoundError:
            return None
        begun = str(spec.digest).startswith(value.removeprefix("sha256:"))
        return _of_spec(spec) if begun else None

    def _has(self, fact: Fact) -> bool:
        try:
            if fact.what is Linked.CHECKPOINT:
                # Of the same log, which its first line names.
                return _first_line(self._checkpoint()) == _first_line(fact.id)
            if fact.what is Linked.SPEC:
                return bool(self._ledger.specs(Digest.parse(fact.id)))
            if fact.what is Linked.RUN:
                return self._ledger.run(fact.id) is not None
            if fact.what is Linked.RELEASE:
                return self._find().release(fact.id).spec_digest == fact.spec
        except (NotFoundError, InvalidInputError, ProofInvalid):
            pass
        return False


def _first_line(text: str | None) -> str | None:
    return None if text is None else text.split("\n", 1)[0]


def _of_spec(spec: AgentSpec) -> Fact:
    return Fact(Linked.SPEC, str(spec.digest), spec.digest, spec.name)


def _of_run(run: RunRecord) -> Fact:
    seen = (run.metadata.environment or {}).get(TREE)
    dirty = {"clean": False, "dirty": True}.get(seen or "")
    return Fact(Linked.RUN, str(run.run_id), run.spec_digest, run.metadata.agent_name, dirty)


def _of_release(record: ReleaseRecord) -> Fact:
    return Fact(Linked.RELEASE, f"{record.name}@{record.seq}", record.spec_digest, record.name)
