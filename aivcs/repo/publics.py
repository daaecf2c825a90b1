"""The calls that show a repository to outsiders: its public logs, their keys, and proofs."""

from __future__ import annotations

import warnings
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from aivcs.domain.published import LOGS, RELEASES, RUNS
from aivcs.errors import AivcsError, ConflictError, InvalidInputError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from aivcs.domain.checkpoint import Checkpoint
    from aivcs.domain.log_proof import Proof
    from aivcs.domain.note import Signer
    from aivcs.domain.published import Published
    from aivcs.domain.run import RunId
    from aivcs.ports import Ledger, LogFolder, Salts
    from aivcs.services.check_published import PublishedChecks
    from aivcs.services.objects import CasStore
    from aivcs.services.publishing import Publisher
    from aivcs.services.releases import ReleaseRegistry
    from aivcs.services.rotating import Rotated
    from aivcs.services.runs import RunLedger


class Publics:
    """Publishing and proving, over the parts of a repository."""

    folder: Path | None
    objects: CasStore
    _ledger: Ledger
    _salts: Salts
    _origin: str | None
    warn: Callable[[str], None] = staticmethod(warnings.warn)
    """Is told what went wrong without undoing what was asked for."""

    if TYPE_CHECKING:

        @cached_property
        def releases(self) -> ReleaseRegistry:
            """The releases of agents."""

        @cached_property
        def runs(self) -> RunLedger:
            """The runs and their events."""

    @cached_property
    def _publishers(self) -> Mapping[str, Publisher]:
        from aivcs.services.public_leaves import ReleaseLeaves, RunLeaves
        from aivcs.services.publishing import Publisher

        leaves = ReleaseLeaves(self._ledger, self.objects), RunLeaves(self._ledger)
        return {
            one.name: Publisher(one, self._log_folder(one.name), self._origin, self._signers)
            for one in leaves
        }

    def _log_folder(self, name: str) -> LogFolder:
        if self.folder is None:
            from aivcs.adapters.memory_log import MemoryLogFolder

            return MemoryLogFolder()
        from aivcs.adapters.files.log_folder import FileLogFolder

        return FileLogFolder(self.folder / "log" / name)

    def _signers(self) -> Sequence[Signer]:
        """Return the key that signs the logs; none where there is none."""
        from aivcs.repo import keys

        signer = keys.signer(self._origin)
        return () if signer is None else (signer,)

    @property
    def origin(self) -> str | None:
        """Return the name of the public logs as config.toml has it, or None."""
        return self._origin

    def name_logs(self, origin: str | None = None) -> str:
        """Give the public logs a name in config.toml, or return the one they have.

        Raises ConflictError where they have another, InvalidInputError without any.
        """
        if origin is None or origin == self._origin:
            if self._origin is not None:
                return self._origin
            msg = "the public logs of this repository have no name yet"
            raise InvalidInputError(msg, hint="give one, best like a URL: example.com/agents")
        if self._origin is not None:
            msg = f"the public logs of this repository are called {self._origin}"
            raise ConflictError(msg, hint="[log] origin in config.toml says so")
        if self.folder is not None:
            from aivcs.adapters.files.config import name_log

            name_log(self.folder, origin)
        self._origin = origin
        self.__dict__.pop("_publishers", None)
        return origin

    def publish(self, *, rebuild: bool = False) -> list[Published]:
        """Bring the published logs up to what the ledger holds, and return those that have any.

        They are static files below ``log`` in the repository's folder. ``rebuild`` writes all
        of them anew. Raises KeyNotFound where a log was signed before and there is no key now,
        UnsafeKey, StorageError, CorruptionError where the ledger no longer holds what was
        published.
        """
        found = [self._publishers[name].publish(rebuild=rebuild) for name in LOGS]
        return [one for one in found if one is not None]

    def _publish_releases(self) -> None:
        """Publish after a release was committed, which stands whether this works or not."""
        try:
            for name in LOGS:
                self._publishers[name].catch_up()
        except AivcsError as error:
            self.warn(f"the release is recorded, but not published: {error.message}")

    def prove(self, name: str, wanted: int | str | None = None) -> Proof:
        """Return the proof that a release is in the log; it needs no repository to be verified.

        ``wanted`` is a seq, a label or a spec digest; None is the current one. What is not
        published yet is published first. Raises ReleaseNotFound, and as ``publish``.
        """
        from aivcs.services.proving import prove_release

        releases = self.releases
        if isinstance(wanted, int):
            record = releases.entry(name, wanted)
        else:
            record = releases.find(name, wanted)
        return prove_release(self._ledger, self.objects, self._publishers[RELEASES], record)

    def prove_run(self, run_id: RunId | str) -> Proof:
        """Return the proof that a run ended as its seal says.

        Raises RunNotFound, InvalidRunState, and as ``publish``.
        """
        from aivcs.services.proving import prove_run

        return prove_run(self._ledger, self._publishers[RUNS], self.runs.get_run(run_id))

    def prove_key(self, *verifier_keys: str) -> Proof:
        """Return the proof of which key came after one of these, of the log of releases.

        Raises KeyNotFound where none did, InvalidInputError for what is no key, and as
        ``publish``.
        """
        from aivcs.domain.note import Verifier
        from aivcs.services.proving import prove_key

        old = [Verifier.parse(key) for key in verifier_keys]
        return prove_key(self._ledger, self._publishers[RELEASES], old)

    def rotate_key(self) -> Rotated:
        """Sign with a new key from now on; the old one announces it in the log of releases.

        Raises KeyNotFound without a key, ConflictError for one that AIVCS_KEY names, StorageError.
        """
        from aivcs.repo import keys
        from aivcs.services.rotating import rotate

        old = keys.own(self._origin)
        return rotate(self._ledger, self._publishers, keys.keyring(), old, self._salts)

    def _published_checks(self, saved: Checkpoint | None) -> dict[str, PublishedChecks]:
        """Return what compares the published logs with the ledger, and that with ``saved``.

        Raises InvalidInputError for a checkpoint of another log.
        """
        from aivcs.services.check_published import checks

        signers: Sequence[Signer] = ()
        # Who may not read the key can check all the rest.
        with suppress(AivcsError):
            signers = self._signers()
        return checks(self._publishers, signers, saved)


def save_proof(proof: Proof, path: str | os.PathLike[str]) -> int:
    """Write a proof's file in one step; return how many bytes it has. Raises StorageError."""
    from pathlib import Path

    from aivcs.adapters.files import write_atomically

    data = proof.data()
    write_atomically(Path(path), data)
    return len(data)
