"""The calls that attest releases for tools of others, over the parts of a repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aivcs.errors import InvalidInputError, KeyNotFound

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence
    from functools import cached_property

    from aivcs.domain.attestation import Attestation
    from aivcs.domain.note import Signer
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore
    from aivcs.services.releases import ReleaseRegistry
    from aivcs.services.specs import SpecStore


class Attests:
    """Attesting, over the parts of a repository."""

    objects: CasStore
    _ledger: Ledger
    _origin: str | None

    if TYPE_CHECKING:

        @cached_property
        def specs(self) -> SpecStore:
            """What agents consist of."""

        @cached_property
        def releases(self) -> ReleaseRegistry:
            """The releases of agents."""

        def _signers(self) -> Sequence[Signer]:
            """Return the key that signs the logs; none where there is none."""

    def attest(
        self, name: str, wanted: int | str | None = None, kind: str = "release"
    ) -> Attestation:
        """Return a signed in-toto Statement about a release, in a DSSE envelope.

        ``wanted`` is a seq (of an entry of any kind), a label or a spec digest; None is the
        current one. ``kind`` is ``release``, ``test-result`` (the examples that its verdict
        rests on) or ``vsa`` (the verdict, as SLSA's verification summary). Raises
        KeyNotFound without a key that signs the public logs, NothingToAttest where nothing of
        this kind is recorded, ReleaseNotFound, UnsafeKey, CorruptionError.
        """
        from aivcs.domain.attestation import Kind
        from aivcs.services.attesting import Attestor

        if kind not in tuple(Kind):
            msg = f"unknown kind of attestation: {kind!r}"
            raise InvalidInputError(msg, hint=f"there are {', '.join(Kind)}")
        releases = self.releases
        if isinstance(wanted, int):
            record = releases.entry(name, wanted)
        else:
            record = releases.find(name, wanted)
        signers = self._signers()
        if not signers:
            whose = f" of {self._origin}" if self._origin else ""
            msg = f"there is no key{whose}, and an attestation that nobody signed says nothing"
            hint = f"'aivcs key create {self._origin or 'ORIGIN'}' makes one"
            raise KeyNotFound(msg, hint=hint)
        attestor = Attestor(self._ledger, self.objects, self.specs, signers[0])
        return attestor.attest(record, Kind(kind))


def save_attestations(
    attestations: Iterable[Attestation], target: str | os.PathLike[str]
) -> list[Path]:
    """Write attestations as files of a folder, each in one step; return where they are.

    The folder is made where there is none. Raises StorageError.
    """
    from aivcs.adapters.files import write_atomically
    from aivcs.adapters.files.failures import translated

    folder = Path(target)
    with translated(folder):
        folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for one in attestations:
        paths.append(folder / one.file_name)
        write_atomically(paths[-1], one.data())
    return paths


def save_attestation(attestation: Attestation, target: str | os.PathLike[str]) -> Path:
    """Write an attestation to a file, or into a folder that is there. Raises StorageError."""
    path = Path(target)
    if path.is_dir():
        return save_attestations([attestation], path)[0]
    from aivcs.adapters.files import write_atomically

    write_atomically(path, attestation.data())
    return path
