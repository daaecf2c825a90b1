"""The repository as a user holds it: its stores, and recording runs."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from aivcs.domain.digest import Digest
from aivcs.errors import InvalidInputError, StorageError
from aivcs.repo.attests import Attests
from aivcs.repo.bisection import Bisecting
from aivcs.repo.linking import Linking
from aivcs.repo.publics import Publics
from aivcs.repo.review import Review
from aivcs.repo.surroundings import (
    LEASE,
    default_actor,
    inherited_lease,
    new_id,
    now,
    observed,
    pause,
    working_folder,
)
from aivcs.repo.upkeep import Upkeep
from aivcs.services.alone import alone
from aivcs.services.committing import grouped
from aivcs.services.objects import CasStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from aivcs.domain.canonical import Json
    from aivcs.domain.checkup import Check
    from aivcs.domain.policy import Policies
    from aivcs.domain.pushing import GitSettings
    from aivcs.domain.retention import Retention
    from aivcs.domain.run import RunStatus
    from aivcs.domain.spec import AgentSpec
    from aivcs.ports import BlobStore, Clock, Ids, Ledger, Salts, StateCache
    from aivcs.services.approving import Approvals
    from aivcs.services.auto_sealing import AutoSeal
    from aivcs.services.event_store import EventStore
    from aivcs.services.evidence import EvidenceStore
    from aivcs.services.finding import Finder
    from aivcs.services.importing import Importer
    from aivcs.services.judging import Judge
    from aivcs.services.live import LiveRun
    from aivcs.services.releases import ReleaseRegistry
    from aivcs.services.runs import RunLedger
    from aivcs.services.specs import SpecStore
    from aivcs.services.state_store import StateStore
    from aivcs.services.wrapping import Outcome
    from aivcs.services.writing import Writer

_HOW_TO_START = (
    "name a spec with --spec (spec=), or an agent that has a release with --agent (agent=)"
)


class Repo(Upkeep, Review, Bisecting, Publics, Attests, Linking):
    """A repository: objects, specs, runs and releases of agents.

    A context manager. ``close()`` is idempotent; afterwards every call raises
    RepositoryClosed. Safe to use from several threads, not across a fork.
    """

    def __init__(  # noqa: PLR0913 - one argument a part
        self,
        ledger: Ledger,
        blobs: BlobStore,
        *,
        folder: Path | None = None,
        created: bool = False,
        durability: str = "group",
        clock: Clock = now,
        ids: Ids = new_id,
        salts: Salts = os.urandom,
        retention: Retention | None = None,
        sealing: AutoSeal | None = None,
        policies: Policies | None = None,
        origin: str | None = None,
        git: GitSettings | None = None,
    ) -> None:
        self.folder = folder
        self.created = created
        self.clock = clock
        self._ledger = ledger = grouped(ledger) if durability == "group" else alone(ledger)
        self._blobs = blobs
        self._ids = ids
        self._salts = salts
        self._retention = retention
        self._sealing = sealing
        self._policies = policies
        self._origin = origin
        self._git = git
        self._closed = False
        self._buffered = durability == "group"
        self.objects = CasStore(ledger, blobs)

    def put_files(
        self,
        names: Sequence[str],
        *,
        pin: bool = False,
        advance: Callable[[], None] = lambda: None,
    ) -> list[Digest]:
        """Store many files like ``objects.put_many``, which takes their paths as well.

        Thousands of them are read and packed by forked copies of this process, where it has
        no threads: for programs that know that they may be forked. ``advance`` is called for
        each file. Raises InvalidInputError for one that cannot be read, StorageError.
        """
        from aivcs.domain.several import several
        from aivcs.services import storing_files

        names = several(names, "names of files")
        if len(names) >= storing_files.MANY:
            from aivcs.adapters import relay

            if relay.is_possible():
                return storing_files.store_files(
                    self.objects, names, relay.ahead, pin=pin, advance=advance
                )
        return self.objects.put_many(storing_files.paths(names, advance), pin=pin)

    @cached_property
    def specs(self) -> SpecStore:
        """What agents consist of."""
        from aivcs.adapters import folder as agent_folder
        from aivcs.adapters.git import git_state
        from aivcs.services.specs import SpecStore

        return SpecStore(
            self._ledger,
            self.objects,
            self.clock,
            read_folder=agent_folder.read_folder,
            write_folder=agent_folder.write_folder,
            git_state=git_state,
        ).observing(observed)

    @cached_property
    def releases(self) -> ReleaseRegistry:
        """The releases of agents."""
        from aivcs.services.releases import ReleaseRegistry

        return ReleaseRegistry(
            self._ledger,
            self.objects,
            self.specs,
            self.clock,
            default_actor,
            self._salts,
            judge=self._judge,
            policies=self._policies,
            committed=self._publish_releases,
        )

    def _judge(self) -> Judge:
        from aivcs.services.judging import Judge

        return Judge(self._policies, self.objects, self.specs, self.evidence, self.approvals)

    @cached_property
    def approvals(self) -> Approvals:
        """What people say of specs before they are released."""
        from aivcs.services.approving import Approvals

        return Approvals(self._ledger, self.runs, self.specs, default_actor)

    @cached_property
    def runs(self) -> RunLedger:
        """The runs and their events."""
        from aivcs.services.runs import RunLedger

        lease = inherited_lease()
        parts = self._ledger, self.objects, self.clock, self._ids, self._salts, lease
        return RunLedger(*parts).forgetting(self._forget)

    def _forget(self, run_id: str, *, files: bool) -> None:
        if files:
            self.state.delete_execution_state(run_id)
        else:
            self.state.delete_snapshot(run_id)

    @cached_property
    def evidence(self) -> EvidenceStore:
        """The results of evaluations, by the spec that they are of."""
        from aivcs.services.evidence import EvidenceStore

        return EvidenceStore(self._ledger, self.objects, self.specs, self.runs, self.importer)

    @cached_property
    def events(self) -> EventStore:
        """The executions and their typed events: the runs, seen another way."""
        from aivcs.services.event_store import EventStore

        return EventStore(self._ledger, self.objects, self.runs, self.clock, pause)

    @cached_property
    def state(self) -> StateStore:
        """Snapshots and working values, best-effort: all of it may be lost at any time."""
        from aivcs.services.state_store import StateStore

        store = StateStore(self._states(), self._ledger, self.objects, self.clock)
        if self._closed:
            store.close()
        return store

    def _states(self) -> StateCache:
        if self.folder is None:
            from aivcs.adapters.memory_states import MemoryStates

            return MemoryStates()
        from aivcs.adapters.cache import CachedStates

        return CachedStates(self.folder / "cache.db")

    @cached_property
    def find(self) -> Finder:
        """What resolves abbreviations and names."""
        from aivcs.services.finding import Finder

        return Finder(self._ledger, lambda: self.releases)

    @property
    def format(self) -> int:
        """Return the number of the format that this repository has on disk."""
        from aivcs.adapters.files.directory import FORMAT

        return FORMAT

    @property
    def importer(self) -> Importer:
        """Return what records finished runs from files."""
        from aivcs.services.importing import Importer

        return Importer(self._ledger, self.objects, self.specs, self.runs)

    def run(
        self,
        *,
        spec: Digest | str | AgentSpec | None = None,
        agent: str | None = None,
        tags: Mapping[str, Json] | None = None,
        git_sha: str | None = None,
    ) -> LiveRun:
        """Begin a run and return it as a context manager.

        ``spec`` is a digest or a spec; without one the current release of ``agent`` counts.
        ``agent`` defaults to the spec's name. Raises SpecNotFound, ReleaseNotFound,
        InvalidInputError when both are missing.
        """
        return self._begin(spec, agent, tags, git_sha, observed())

    def _begin(
        self,
        spec: Digest | str | AgentSpec | None,
        agent: str | None,
        tags: Mapping[str, Json] | None,
        git_sha: str | None,
        environment: Mapping[str, str],
    ) -> LiveRun:
        from aivcs.domain.run import RunMetadata
        from aivcs.domain.spec import AgentSpec
        from aivcs.services.live import LiveRun

        if spec is None and agent is None:
            msg = "a run needs a spec, or an agent that has a release"
            raise InvalidInputError(msg, hint=_HOW_TO_START)
        if spec is None:
            digest = self.releases.find(str(agent), None).spec_digest
        else:
            digest = spec.digest if isinstance(spec, AgentSpec) else Digest.parse(spec)
        name = agent or self.specs.get(digest).name
        metadata = RunMetadata(name, git_sha, dict(tags or {}), environment)
        run_id = self.runs.create_run(digest, metadata)
        return LiveRun(
            run_id,
            self.runs,
            self.objects,
            self._ledger,
            self.clock,
            writer=self._writer if self._buffered else None,
        )

    @cached_property
    def _writer(self) -> Writer:
        from aivcs.services.writing import Writer

        return Writer(self._ledger)

    def command(  # noqa: PLR0913 - what there is to say about a command
        self,
        argv: Sequence[str],
        *,
        spec: Digest | str | AgentSpec,
        agent: str,
        tags: Mapping[str, Json],
        warn: Callable[[str], None],
        status: RunStatus | None = None,
        state: Path | None = None,
        lease: float | None = None,
        stdout: int = 1,
        stderr: int = 2,
    ) -> Outcome:
        """Run a command, record it as it goes, and return its run and its exit status.

        Its output is passed on to the descriptors ``stdout`` and ``stderr``. ``state`` is a
        file to read at the end; ``status`` overrides what the exit status says; ``warn``
        is told what went wrong without ending the recording. With ``lease``, so many seconds,
        nobody writes to the run but this process and the command's. Raises InvalidInputError,
        SpecNotFound, InvalidRunState (somebody else ended the run) and StorageError; the
        command has ended by then, and the run stays as it was recorded.
        """
        from contextlib import ExitStack, closing

        from aivcs.adapters.command import Command, EventsFile, Signals, observe
        from aivcs.adapters.git import git_state
        from aivcs.domain.run import RunStatus
        from aivcs.services.linking import TREE
        from aivcs.services.wrapping import Wrapped, check_command, record_command

        if self.folder is None:
            msg = "a repository in memory cannot record a command"
            raise InvalidInputError(msg, hint="'aivcs init' makes one on disk")
        wrapped = Wrapped(tuple(argv), working_folder(), state, status)
        check_command(wrapped)
        git, seen = git_state("."), observed()
        if git is not None:
            seen[TREE] = "dirty" if git.dirty else "clean"
        # A signal from here on cancels the run, also before there is a command to tell.
        with Signals() as signals:
            live = self._begin(spec, agent, tags, git.sha if git else None, seen)
            try:
                events = EventsFile(self.folder / "tmp" / f"events-{live.run_id}.jsonl")
            except StorageError as error:
                live.end(RunStatus.FAILED, reason=error.message)
                raise
            environment = {
                "AIVCS_DIR": str(self.folder),
                "AIVCS_EVENTS": str(events.path),
                "AIVCS_RUN_ID": live.run_id,
            }
            with ExitStack() as owned:
                if lease is not None:
                    held = owned.enter_context(live.lease(seconds=lease))
                    environment[LEASE] = held.token
                command = Command(wrapped.argv, environment, stdout, stderr)
                with events, closing(observe(command, events, signals)) as observations:
                    outcome = record_command(wrapped, observations, live, warn)
        events.remove()
        return outcome

    def examined(self) -> list[Check]:
        """Return whether each backend is healthy, what dead processes left, and the clock.

        What is wrong is in the answer, not raised. ``aivcs.repo.examine`` looks around the
        repository, too.
        """
        from aivcs.services.checking_up import check_up

        return check_up(self._ledger, self._blobs, self.state, self.clock)

    def close(self) -> None:
        """Release the repository; sealing may begin in the background, when it pays."""
        self._closed = True
        if "_writer" in self.__dict__:
            self._writer.close()
        if "state" in self.__dict__:
            self.state.close()
        if self._sealing is not None:
            self._sealing.leave()
        self._ledger.close()
        self._blobs.close()

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()
