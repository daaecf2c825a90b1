"""What verification asks of objects, specs and references."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.batch import Role
from aivcs.domain.blobname import large_name
from aivcs.domain.digest import Digest
from aivcs.domain.report import Problem, Severity
from aivcs.domain.spec import read_component_document, read_spec_document
from aivcs.errors import CorruptionError, InvalidDigest, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aivcs.domain.batch import Reference, StoredObject
    from aivcs.ports import BlobStore, Ledger
    from aivcs.services.objects import CasStore

_PAGE: Final = 500


class ObjectChecks:
    """Reads all content; ``count`` is told of each object."""

    def __init__(
        self, ledger: Ledger, blobs: BlobStore, objects: CasStore, count: Callable[[str], None]
    ) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._objects = objects
        self._count = count

    def objects(self) -> Iterator[Problem]:
        """Hash every object, then look for files that no object has."""
        large: set[str] = set()
        after: Digest | None = None
        while page := self._ledger.digests(after=after, limit=_PAGE):
            for digest, stored in self._rows(page):
                self._count("objects")
                if isinstance(stored, CorruptionError):
                    yield self._damage(digest, stored)
                    continue
                if stored.data is None:
                    large.add(large_name(digest))
                try:
                    self._check(stored)
                except NotFound:
                    continue  # somebody deleted it meanwhile
                except CorruptionError as error:
                    if self._is_stored(digest):
                        yield self._damage(digest, error)
            after = page[-1]
        for name in self._blobs.names():
            if name not in large and not self._is_new(name):
                detail = "no object of the ledger is stored in this file"
                yield Problem("blob", name, detail, Severity.WARNING)

    def _rows(self, page: list[Digest]) -> Iterator[tuple[Digest, StoredObject | CorruptionError]]:
        try:
            yield from self._ledger.objects(page).items()
        except CorruptionError:
            for digest in page:
                try:
                    yield from self._ledger.objects([digest]).items()
                except CorruptionError as error:
                    yield digest, error

    def _check(self, stored: StoredObject) -> None:
        if stored.data is None:
            self._objects.check(stored.digest)
        else:
            self._objects.read(stored)

    def _damage(self, digest: Digest, error: CorruptionError) -> Problem:
        needed = self._ledger.holders(digest)
        breaks = f"; this breaks {', '.join(needed)}" if needed else ""
        return Problem("object", str(digest), error.message + breaks)

    def _is_new(self, name: str) -> bool:
        """Tell whether a file's object was stored after its place in the order was passed."""
        try:
            digest = Digest.parse(name.rpartition("/")[2].removesuffix(".zst"))
        except InvalidDigest:
            return False
        return name == large_name(digest) and self._is_stored(digest)

    def _is_stored(self, digest: Digest) -> bool:
        try:
            return digest in self._ledger.objects([digest])
        except CorruptionError:
            return True  # its row is there, though nobody can read it

    def specs(self) -> Iterator[Problem]:
        """Follow every spec to its components, their files and its manifest."""
        annotations = self._ledger.specs()
        for digest in dict.fromkeys(spec.digest for spec in annotations):
            try:
                yield from self._check_spec(digest)
            except (CorruptionError, NotFound) as error:
                yield Problem("spec", str(digest), error.message)
        for spec in annotations:
            if spec.manifest is not None and not self._is_stored(spec.manifest):
                detail = f"its manifest {spec.manifest} is not stored"
                yield Problem("spec", str(spec.digest), detail)

    def _check_spec(self, digest: Digest) -> Iterator[Problem]:
        components = read_spec_document(self._objects.get(digest))
        for component, document in components.items():
            if document is None:
                continue
            files = read_component_document(self._objects.get(document))
            for file in files:
                if not self._is_stored(file.digest):
                    detail = f"{component} file {file.path} ({file.digest}) is not stored"
                    yield Problem("spec", str(digest), detail)

    def references(self) -> Iterator[Problem]:
        """Look up the object of every reference."""
        for reference in self._ledger.references():
            if self._is_broken(reference):
                role = "pinned object" if reference.role is Role.PIN else reference.role.value
                owner = reference.run_id or str(reference.digest)
                yield Problem("reference", owner, f"its {role} {reference.digest} is not stored")

    def _is_broken(self, reference: Reference) -> bool:
        digest = reference.digest
        return (
            not self._is_stored(digest)
            # A pin goes with its object, and may come again with it.
            and reference in self._ledger.references(digest)
            and not self._is_stored(digest)
        )
