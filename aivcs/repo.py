"""Opening a repository: the only module that joins services to adapters."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from aivcs.domain.digest import Digest
from aivcs.domain.spec import AgentSpec
from aivcs.errors import InvalidConfig, InvalidInputError, StorageError
from aivcs.services.objects import CasStore
from aivcs.services.releases import ReleaseRegistry
from aivcs.services.specs import SpecStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Self

    from aivcs.adapters.files.config import Objects, Seal
    from aivcs.adapters.s3 import Bucket
    from aivcs.adapters.sqlite import SqliteLedger
    from aivcs.domain.canonical import Json
    from aivcs.domain.collection import Collected
    from aivcs.domain.diskuse import By, DiskUse
    from aivcs.domain.repair import Repaired
    from aivcs.domain.report import Report
    from aivcs.domain.retention import Retention
    from aivcs.domain.run import RunStatus
    from aivcs.domain.sealed import Sealed
    from aivcs.domain.usage import Explanation
    from aivcs.ports import BlobStore, Bookmarks, Clock, Ids, Ledger, Spread
    from aivcs.services.auto_sealing import AutoSeal
    from aivcs.services.finding import Finder
    from aivcs.services.importing import Importer
    from aivcs.services.live import LiveRun
    from aivcs.services.runs import RunLedger
    from aivcs.services.wrapping import Outcome

MEMORY = "memory:"
_HOW_TO_START = (
    "name a spec with --spec (spec=), or an agent that has a release with --agent (agent=)"
)


def now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a fresh uuid4."""
    from uuid import uuid4

    return str(uuid4())


def default_actor() -> str:
    """Return who acts: AIVCS_ACTOR, else the user of the operating system."""
    from getpass import getuser

    try:
        return os.environ.get("AIVCS_ACTOR") or getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


class Repo:
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
        retention: Retention | None = None,
        sealing: AutoSeal | None = None,
    ) -> None:
        from aivcs.adapters import folder as agent_folder
        from aivcs.adapters.git import git_state

        self.folder = folder
        self.created = created
        self.clock = clock
        self._ledger = ledger
        self._blobs = blobs
        self._ids = ids
        self._retention = retention
        self._sealing = sealing
        self._buffered = durability == "group"
        self.objects = CasStore(ledger, blobs)
        self.specs = SpecStore(
            ledger,
            self.objects,
            clock,
            read_folder=agent_folder.read_folder,
            write_folder=agent_folder.write_folder,
            git_state=git_state,
        )
        self.releases = ReleaseRegistry(ledger, self.objects, self.specs, clock, default_actor)

    @cached_property
    def runs(self) -> RunLedger:
        """The runs and their events."""
        from aivcs.services.runs import RunLedger

        return RunLedger(self._ledger, self.objects, self.clock, self._ids)

    @cached_property
    def find(self) -> Finder:
        """What resolves abbreviations and names."""
        from aivcs.services.finding import Finder

        return Finder(self._ledger, self.releases)

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
        from aivcs.domain.run import RunMetadata
        from aivcs.services.live import LiveRun

        if spec is None and agent is None:
            msg = "a run needs a spec, or an agent that has a release"
            raise InvalidInputError(msg, hint=_HOW_TO_START)
        if spec is None:
            digest = self.releases.find(str(agent), None).spec_digest
        else:
            digest = spec.digest if isinstance(spec, AgentSpec) else Digest.parse(spec)
        name = agent or self.specs.get(digest).name
        metadata = RunMetadata(name, git_sha=git_sha, tags=dict(tags or {}), environment=observed())
        run_id = self.runs.create_run(digest, metadata)
        return LiveRun(
            run_id, self.runs, self.objects, self._ledger, self.clock, buffered=self._buffered
        )

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
        stdout: int = 1,
        stderr: int = 2,
    ) -> Outcome:
        """Run a command, record it as it goes, and return its run and its exit status.

        Its output is passed on to the descriptors ``stdout`` and ``stderr``. ``state`` is a
        file to read at the end; ``status`` overrides what the exit status says; ``warn``
        is told what went wrong without ending the recording. Raises InvalidInputError,
        SpecNotFound, InvalidRunState (somebody else ended the run) and StorageError; the
        command has ended by then, and the run stays as it was recorded.
        """
        from contextlib import closing

        from aivcs.adapters.command import Command, EventsFile, Signals, observe
        from aivcs.adapters.git import git_state
        from aivcs.domain.run import RunStatus
        from aivcs.services.wrapping import Wrapped, check_command, record_command

        if self.folder is None:
            msg = "a repository in memory cannot record a command"
            raise InvalidInputError(msg, hint="'aivcs init' makes one on disk")
        wrapped = Wrapped(tuple(argv), working_folder(), state, status)
        check_command(wrapped)
        git = git_state(".")
        # A signal from here on cancels the run, also before there is a command to tell.
        with Signals() as signals:
            live = self.run(spec=spec, agent=agent, tags=tags, git_sha=git.sha if git else None)
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
            command = Command(wrapped.argv, environment, stdout, stderr)
            with events, closing(observe(command, events, signals)) as observations:
                outcome = record_command(wrapped, observations, live, warn)
        events.remove()
        return outcome

    def seal(self, *, auto: bool = False, advance: Callable[[], None] = lambda: None) -> Sealed:
        """Move the small objects from the ledger into packs, where they take less room.

        May be interrupted at any time and run beside everything else; it waits for another
        process that seals, collects or repairs. With ``auto`` it does not wait, and does
        nothing unless as many objects wait as config.toml says. ``advance`` is called for
        each object that has moved. Raises StorageError, IntegrityError.
        """
        from aivcs.domain.sealed import Sealed
        from aivcs.services.sealing import Sealer

        if self._sealing is not None:
            self._sealing.settle()
        if auto and not (self._sealing is not None and self._sealing.is_due()):
            return Sealed()
        sealer = Sealer(self._ledger, self._blobs, self.objects)
        return sealer.seal(advance, wait=not auto)

    def verify(  # noqa: PLR0913 - what there is to ask for
        self,
        *,
        objects: bool = True,
        runs: bool = True,
        releases: bool = True,
        structure: bool = False,
        sample: float | None = None,
        within: float | None = None,
        seed: int = 0,
        resume: bool = False,
        advance: Callable[[], None] = lambda: None,
    ) -> Report:
        """Read and check everything that is stored, or the parts that are asked for.

        ``structure`` reads no content; ``sample`` reads so many percent of it, ``within``
        as much as can be read in so many seconds, chosen by ``seed``. ``resume`` goes on
        where a verification of everything was interrupted. Damage is in the report, not
        raised. ``advance`` is called for each object, run, event and release that was
        checked. Raises InvalidInputError for what contradicts itself, StorageError when
        the storage cannot be read at all.
        """
        from aivcs.domain.verification import scope
        from aivcs.services.verifying import Verifier

        wanted = scope(
            objects=objects,
            runs=runs,
            releases=releases,
            structure=structure,
            sample=sample,
            within=within,
            seed=seed,
            resume=resume,
        )
        parts = self._ledger, self._blobs, self.objects
        return Verifier(*parts, self._spread, self._bookmarks).verify(wanted, advance)

    def repair(
        self,
        sources: Iterable[str | os.PathLike[str]] = (),
        *,
        dry_run: bool = False,
        advance: Callable[[], None] = lambda: None,
    ) -> Repaired:
        """Mend what is damaged: the index from the packs, objects from second copies.

        ``sources`` are folders of other repositories that may have copies. What is damaged
        is kept in the folder ``quarantine``; what has no copy stays as it is. Raises
        NoRepository for a source that is none, StorageError.
        """
        from contextlib import ExitStack

        from aivcs.services.quarantine import Quarantine
        from aivcs.services.repairing import Repairer

        with ExitStack() as stack:
            others = [
                stack.enter_context(open_repo(source, upward=False)).objects for source in sources
            ]
            parts = self._ledger, self._blobs, self.objects
            aside = Quarantine(self._quarantine, self.clock)
            repairer = Repairer(*parts, self._spread, aside, advance, dry_run=dry_run)
            return repairer.repair(others)

    @property
    def _quarantine(self) -> BlobStore:
        from aivcs.adapters.files import FileBlobs
        from aivcs.adapters.memory_blobs import MemoryBlobs

        if self.folder is None:
            return MemoryBlobs()
        return FileBlobs(self.folder / "quarantine", self.folder / "tmp")

    @property
    def _spread(self) -> Spread:
        """Copies of the process read files; what is in memory or far away is read here."""
        from aivcs.adapters.files import FileBlobs
        from aivcs.services.check_content import in_turn

        if not isinstance(self._blobs, FileBlobs):
            return in_turn
        from aivcs.adapters.forks import spread

        return spread

    @property
    def _bookmarks(self) -> Bookmarks | None:
        from aivcs.adapters.cache import CachedBookmarks

        return None if self.folder is None else CachedBookmarks(self.folder / "cache.db")

    def gc(
        self,
        *,
        dry_run: bool = False,
        full: bool = False,
        advance: Callable[[], None] = lambda: None,
    ) -> Collected:
        """Remove what nothing needs, or with ``dry_run`` say what would go.

        What this and other live processes stored is kept until they close. Packs are
        rewritten when a fifth of them is dead, with ``full`` for one dead byte. Waits while
        others seal, collect or repair; ``advance`` is called for each object. Raises
        CorruptionError, before anything is removed, when nobody can tell what a spec or a
        release needs, and StorageError.
        """
        from aivcs.domain.retention import Retention
        from aivcs.services.collecting import Collector

        rules = self._retention or Retention()
        collector = Collector(self._ledger, self._blobs, self.objects, self.clock, rules)
        return collector.collect(dry_run=dry_run, full=full, advance=advance)

    def why(self, digest: Digest | str) -> Explanation:
        """Return everything that keeps an object: runs, specs, releases, pins, processes.

        Raises NotFound for one that is neither stored nor named, CorruptionError where the
        document of a spec is damaged.
        """
        from aivcs.services.explaining import explain

        return explain(self._ledger, self.objects, Digest.parse(digest))

    def du(
        self, by: By | str | None = None, *, advance: Callable[[], None] = lambda: None
    ) -> DiskUse:
        """Return how much of the disk what takes, also ``by`` run, agent or kind.

        ``advance`` is called for each object. Raises InvalidInputError for another word,
        CorruptionError where the document of a spec is damaged.
        """
        from aivcs.domain.diskuse import read_by
        from aivcs.services.measuring import measure

        wanted = None if by is None else read_by(by)
        return measure(self._ledger, self._blobs, self.objects, wanted, advance)

    def close(self) -> None:
        """Release the repository; sealing may begin in the background, when it pays."""
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


def working_folder() -> str | None:
    """Return the current folder, or None when it was removed."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return None


def observed() -> dict[str, str]:
    """Return what can be observed of this interpreter and platform."""
    import platform

    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
    }


def init(
    path: str | os.PathLike[str] = ".",
    *,
    objects: str | None = None,
    endpoint: str | None = None,
    region: str | None = None,
    clock: Clock = now,
    ids: Ids = new_id,
) -> Repo:
    """Make a repository in ``path`` (and missing parents), or open the one that is there.

    ``objects`` may be ``s3://bucket/prefix``, with the URL of the server as ``endpoint``;
    what is missing comes from the environment. The server is tested before anything is
    made. Raises StorageError, RepositoryTooNew, InvalidConfig, and ConflictError where
    another repository has the bucket's prefix.
    """
    from aivcs.adapters.files import config, directory
    from aivcs.adapters.sqlite import SqliteLedger

    wanted = config.Objects(objects or config.OBJECTS_URL, endpoint, region)
    bucket = _bucket(wanted) if wanted != config.Objects() else None
    if bucket is not None:
        # What the environment said today is kept: tomorrow's may name another server.
        place = bucket.address
        wanted = config.Objects(place.url, place.endpoint or None, place.region)

    def fill(folder: Path) -> None:
        if bucket is not None:
            from aivcs.adapters.s3 import claimed

            undo.enter_context(claimed(bucket))
        SqliteLedger(folder / "aivcs.db", create=True).close()

    with ExitStack() as undo:
        folder, created = directory.create(Path(path), fill, config.config_text(wanted))
    if not created and objects and config.read_config(folder).objects.url != wanted.url:
        msg = f"{folder} keeps its objects elsewhere than in {wanted.url}"
        raise InvalidConfig(msg, hint="make a repository in another folder")
    return _open(folder, None, created=created, clock=clock, ids=ids)


def open_repo(
    path: str | os.PathLike[str] | None = None,
    durability: str | None = None,
    *,
    upward: bool = True,
    clock: Clock = now,
    ids: Ids = new_id,
) -> Repo:
    """Open the repository at ``path`` or, going ``upward``, above it.

    Without a path AIVCS_DIR chooses (no search), else the current folder is where the
    search begins; ``memory:`` is a new repository in memory at each call. ``durability``
    is ``sync``, ``group`` or ``os``. Raises NoRepository, RepositoryTooNew, InvalidConfig,
    StorageError, CorruptionError.
    """
    from aivcs.adapters.files import config, directory

    if durability is not None and durability not in config.DURABILITIES:
        msg = f"not a durability: {durability!r}"
        raise InvalidConfig(msg, hint=f"one of {', '.join(config.DURABILITIES)}")
    if path == MEMORY:
        from aivcs.adapters.memory_blobs import MemoryBlobs
        from aivcs.adapters.memory_ledger import MemoryLedger

        return Repo(
            MemoryLedger(), MemoryBlobs(), durability=durability or "group", clock=clock, ids=ids
        )
    if path is None and (chosen := os.environ.get("AIVCS_DIR")):
        path, upward = chosen, False
    folder = directory.locate(Path(path or "."), upward=upward)
    return _open(folder, durability, created=False, clock=clock, ids=ids)


def _open(folder: Path, durability: str | None, *, created: bool, clock: Clock, ids: Ids) -> Repo:
    from aivcs.adapters.files import config
    from aivcs.adapters.sqlite import SqliteLedger

    chosen = config.read_config(folder)
    durable = durability or chosen.durability
    blobs = _blobs(folder, chosen.objects)
    ledger = SqliteLedger(folder / "aivcs.db", durable=durable != "os")
    return Repo(
        ledger,
        blobs,
        folder=folder,
        created=created,
        durability=durable,
        clock=clock,
        ids=ids,
        retention=chosen.retention,
        sealing=_sealing(folder, ledger, chosen.seal),
    )


def _sealing(folder: Path, ledger: SqliteLedger, seal: Seal) -> AutoSeal:
    def start() -> None:
        from aivcs.adapters.background import start

        start(["-C", str(folder), "seal", "--auto"])

    from aivcs.services.auto_sealing import AutoSeal

    return AutoSeal(ledger, seal.threshold, lambda: ledger.wrote, start if seal.auto else None)


def _blobs(folder: Path, objects: Objects) -> BlobStore:
    from aivcs.adapters.files.config import OBJECTS_URL

    if objects.url == OBJECTS_URL:
        from aivcs.adapters.files import FileBlobs

        return FileBlobs(folder / "objects", folder / "tmp")
    from aivcs.adapters.s3 import S3Blobs

    return S3Blobs(_bucket(objects), folder / "tmp")


def _bucket(objects: Objects) -> Bucket:
    from aivcs.adapters.s3 import Bucket

    return Bucket.find(environment=os.environ, **asdict(objects))
