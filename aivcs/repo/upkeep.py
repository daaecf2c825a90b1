"""The calls that keep a repository small and sound, and say what is in it and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.digest import Digest
from aivcs.errors import NoRepository

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from aivcs.domain.checkpoint import Checkpoint, SignedCheckpoint
    from aivcs.domain.collection import Collected
    from aivcs.domain.diskuse import By, DiskUse
    from aivcs.domain.repair import Repaired
    from aivcs.domain.report import Report
    from aivcs.domain.retention import Retention
    from aivcs.domain.saved import Saved
    from aivcs.domain.sealed import Sealed
    from aivcs.domain.usage import Explanation
    from aivcs.ports import BlobStore, Bookmarks, Clock, Ledger, Spread
    from aivcs.repo.repository import Repo
    from aivcs.services.auto_sealing import AutoSeal
    from aivcs.services.check_published import PublishedChecks
    from aivcs.services.objects import CasStore


class Upkeep:
    """Sealing, verifying, repairing and collecting, over the parts of a repository."""

    folder: Path | None
    clock: Clock
    objects: CasStore
    _ledger: Ledger
    _blobs: BlobStore
    _retention: Retention | None
    _sealing: AutoSeal | None

    if TYPE_CHECKING:

        def _published_checks(self, saved: Checkpoint | None) -> dict[str, PublishedChecks]:
            """Return what compares the published logs with the ledger."""

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
        incremental: bool = False,
        against: Saved | SignedCheckpoint | str | None = None,
        keep: bool = False,
        save: str | os.PathLike[str] | None = None,
        advance: Callable[[], None] = lambda: None,
    ) -> Report:
        """Read and check everything that is stored, or the parts that are asked for.

        ``structure`` reads no content; ``sample`` reads so many percent of it, ``within``
        as much as can be read in so many seconds, chosen by ``seed``. ``resume`` goes on
        where a verification of everything was interrupted. ``incremental`` reads only what
        the logs of runs and releases got since the last verification that found nothing wrong.
        ``against`` is what the logs must still hold, as ``Report.saved`` gave it or its text,
        or a checkpoint of a public log;
        ``keep`` makes that name every log; ``save`` is a file to write its text to, when
        nothing is wrong. Damage is in the report, not
        raised. ``advance`` is called for each object, run, event and release that was
        checked. Raises InvalidInputError for what contradicts itself, StorageError when
        the storage cannot be read at all.
        """
        from aivcs.domain.past import read_past
        from aivcs.domain.verification import scope
        from aivcs.services.verifying import Verifier

        saved, checkpoint = read_past(against)

        wanted = scope(
            objects=objects,
            runs=runs,
            releases=releases,
            structure=structure,
            sample=sample,
            within=within,
            seed=seed,
            resume=resume,
            incremental=incremental,
            against=saved,
            keep=keep or save is not None,
            checkpoint=checkpoint,
        )
        parts = self._ledger, self._blobs, self.objects
        verifier = Verifier(
            *parts,
            self._spread,
            self._bookmarks,
            trust=self._trust,
            published=self._published_checks(checkpoint),
            reader=self._reader,
        )
        report = verifier.verify(wanted, advance)
        if save is not None and report.ok and report.saved is not None:
            from pathlib import Path

            from aivcs.adapters.files import write_atomically

            write_atomically(Path(save), report.saved.text().encode())
        return report

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
        NoRepository for a source that is none, InvalidInputError for one path where many are
        asked for, StorageError.
        """
        from contextlib import ExitStack

        from aivcs.domain.several import several
        from aivcs.services.quarantine import Quarantine
        from aivcs.services.repairing import Repairer

        with ExitStack() as stack:
            places = several(sources, "folders")
            others = [stack.enter_context(_source(place)).objects for place in places]
            parts = self._ledger, self._blobs, self.objects
            aside = Quarantine(self._quarantine, self.clock, dry_run=dry_run)
            repairer = Repairer(
                *parts, self._spread, aside, advance, dry_run=dry_run, reader=self._reader
            )
            return repairer.repair(others)

    @property
    def _quarantine(self) -> BlobStore:
        from aivcs.adapters.files import FileBlobs
        from aivcs.adapters.memory_blobs import MemoryBlobs

        if self.folder is None:
            return MemoryBlobs()
        return FileBlobs(self.folder / "quarantine", self.folder / "tmp")

    @property
    def _reader(self) -> Callable[[], Ledger]:
        """Gives a ledger to a copy of the process; what is in memory was copied with it."""
        from aivcs.adapters.copies import LedgerOfProcess
        from aivcs.adapters.files.config import read_config
        from aivcs.repo.ledgers import open_ledger

        if (folder := self.folder) is None:
            return lambda: self._ledger
        return LedgerOfProcess(
            self._ledger, lambda: open_ledger(read_config(folder), folder, durable=True)
        )

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

    @property
    def _trust(self) -> Bookmarks | None:
        from aivcs.adapters.cache import CachedBookmarks

        path = None if self.folder is None else self.folder / "cache.db"
        return None if path is None else CachedBookmarks(path, "trusted")

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
        from aivcs.adapters.files.drafts import sweep_drafts
        from aivcs.domain.retention import Retention
        from aivcs.services.collecting import Collector

        if self.folder is not None and not dry_run:
            sweep_drafts(self.folder)
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


def _source(place: str | os.PathLike[str]) -> Repo:
    from aivcs.repo.opening import open_repo

    try:
        return open_repo(place, upward=False)
    except NoRepository as error:
        hint = "copies come from a repository's folder, or from a copy of its .aivcs"
        raise NoRepository(error.message, hint=hint) from error
