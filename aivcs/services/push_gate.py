"""What git asks in its hooks: storing what was committed, and judging what is pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aivcs.domain.digest import Digest
from aivcs.domain.link import Fact, Linked, read_note
from aivcs.errors import AivcsError, CorruptionError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from aivcs.domain.pushing import GitSettings, Push
    from aivcs.domain.spec import AgentSpec
    from aivcs.services.judging import Judge
    from aivcs.services.linking import Linker, Noted
    from aivcs.services.releases import ReleaseRegistry
    from aivcs.services.specs import SpecStore

_SHORT = 12
_NAMED = 20


class Judged(NamedTuple):
    """What a push may be refused for, and what was looked at.

    ``violations`` are all that was found, each with its commit; ``warnings`` refuse nothing.
    """

    commits: int
    specs: tuple[Digest, ...]
    violations: tuple[str, ...]
    warnings: tuple[str, ...]


class PushGate:
    """The rules of the hooks, over a git repository and a repository of aivcs."""

    def __init__(
        self,
        links: Linker,
        specs: SpecStore,
        releases: Callable[[], ReleaseRegistry],
        judge: Callable[[], Judge],
        actor: Callable[[], str],
        settings: GitSettings,
    ) -> None:
        self._links = links
        self._specs = specs
        self._releases = releases
        self._judge = judge
        self._actor = actor
        self._settings = settings

    def committed(self) -> tuple[list[Noted], list[str]]:
        """Store the specs of the agents' folders, and note them at the commit checked out.

        The folders are those of the configuration, else those of the manifests that git
        tracks, else the root where the default patterns find an agent. Returns also what
        went wrong with a folder; the others are stored. Raises NoGitRepository, GitFailed.
        """
        noted, wrong, _ = self._stored()
        return noted, wrong

    def _stored(self) -> tuple[list[Noted], list[str], list[str]]:
        """Do what ``committed`` does; return also the paths that keep specs from being exact."""
        git = self._links.git
        commit, top = git.commit("HEAD"), git.top()
        facts: list[Fact] = []
        wrong: list[str] = []
        differing: list[str] = []
        for folder in self._folders(top) if top is not None else ():
            try:
                spec = self._specs.add(folder)
                if spec.dirty:
                    inside = folder.relative_to(top or folder)
                    differing += (str(inside / path) for path in self._specs.unheld(folder))
            except AivcsError as error:
                wrong.append(f"{folder}: {error.message}")
                continue
            known = spec.dirty if spec.git_sha == commit else None
            facts.append(Fact(Linked.SPEC, str(spec.digest), spec.digest, spec.name, known))
        return ([self._links.note(commit, facts)] if facts else []), wrong, differing

    def _folders(self, top: Path) -> list[Path]:
        named = self._settings.agents or self._links.git.manifests()
        if named:
            return [top / folder for folder in named]
        return [top] if self._specs.explain(top).files else []

    def judged(self, pushes: Sequence[Push], remote: str, name: str | None = None) -> Judged:
        """Return what speaks against a push.

        At each commit that a ref is to name, the specs that were stored there must pass the
        gates of ``name`` (by default the configuration's; None: no gates), on the evidence of
        this repository. Every object of every spec that is linked to a commit that is pushed
        must be sound. Raises NoGitRepository, GitFailed, StorageError.
        """
        name = self._settings.push_gate if name is None else name
        git = self._links.git
        # What the remote has need not be here: somebody else may have pushed it.
        olds = [push.old for push in pushes if push.old is not None]
        commits = git.peeled([*(push.new for push in pushes), *olds])
        tips = {push: commits[push.new] for push in pushes if push.new in commits}
        known = [commits[old] for old in olds if old in commits]
        new = git.unpushed(list(dict.fromkeys(tips.values())), known, remote)
        violations = [] if name is None else list(self._gates(name, tips))
        checked, damaged, unknown = self._check(new)
        found = dict.fromkeys([*violations, *damaged])
        return Judged(len(new), tuple(checked), tuple(found), tuple(unknown[:_NAMED]))

    def _gates(self, name: str, tips: Mapping[Push, str]) -> Iterable[str]:
        stored = self._links.specs_at(tips.values())
        here = self._checked_out()
        for push, commit in tips.items():
            place, facts = f"{push.short} ({commit[:_SHORT]})", stored.get(commit, [])
            differing = ""
            if commit == here and not _clean(facts):
                here = None
                # A merge, for one, makes a commit without asking the hook of commits.
                _, wrong, named = self._stored()
                differing = _listed(named)
                yield from (f"{place}: {one}" for one in wrong)
                facts = stored[commit] = self._links.specs_at([commit]).get(commit, [])
            yield from (f"{place}: {one}" for one in self._of_commit(name, push, facts, differing))

    def _of_commit(
        self, name: str, push: Push, facts: Sequence[Fact], differing: str
    ) -> Iterable[str]:
        from aivcs.domain.pushing import candidates

        clean = _clean(facts)
        if not clean:
            if facts:
                yield f"its spec was stored of files that differ from the commit{differing}"
            else:
                yield "no spec was stored at this commit"
            return
        try:
            specs = [self._specs.get(fact.id) for fact in clean]
        except CorruptionError as error:
            yield error.message
            return
        for spec in candidates(name, specs):
            yield from self._refusals(name, spec, push.label)

    def _checked_out(self) -> str | None:
        try:
            return self._links.git.commit("HEAD")
        except NotFoundError:
            return None

    def _refusals(self, name: str, spec: AgentSpec, label: str | None) -> Iterable[str]:
        from aivcs.domain.pushing import asked
        from aivcs.domain.release import ReleaseMetadata

        judge = self._judge()
        declared = judge.policy(name, spec, ())
        policy = None if declared is None else asked(declared, label)
        if policy is None or not policy.gates:
            return

        releases = self._releases()

        def bears(wanted: str) -> bool:
            return any(found == wanted for _, found in releases.iter_labels(name, after=0))

        metadata = ReleaseMetadata(label, self._actor())
        current = releases.current(name)
        verdict = judge.verdict(name, policy, spec, metadata, current, bears)
        for one in verdict.gates:
            if not one.passed:
                yield f"spec {spec.digest.short()} for {name}: {one.gate}: {one.detail}"

    def _check(self, commits: Sequence[str]) -> tuple[list[Digest], list[str], list[str]]:
        """Read and hash every object of the specs of commits: return them, and what is wrong."""
        linked: dict[Digest, str] = {}
        for commit, facts in self._links.specs_at(commits).items():
            linked.update((Digest.parse(fact.id), commit) for fact in facts)
        for commit, note in self._links.git.notes(commits).items() if commits else ():
            for fact in read_note(note)[0]:
                if fact.spec is not None:
                    linked.setdefault(fact.spec, commit)
        damaged: list[str] = []
        unknown: list[str] = []
        for digest, commit in linked.items():
            try:
                self._specs.require(digest)
            except NotFoundError:
                told = f"{commit[:_SHORT]}: the spec {digest.short()} of its note is not here"
                unknown.append(told)
            except CorruptionError as error:
                damaged.append(f"{commit[:_SHORT]}: {error.message}")
        return list(linked), damaged, unknown


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return f": {', '.join(paths[:_NAMED])}{more}" if paths else ""


def _clean(facts: Sequence[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.dirty is False]
