"""What verification asks of the names in specs and references: that they lead somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.batch import Role
from aivcs.domain.report import UNREADABLE, Problem
from aivcs.domain.spec import read_component_document, read_spec_document
from aivcs.errors import CorruptionError, NotFound, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.batch import Reference
    from aivcs.domain.digest import Digest
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore


class NameChecks:
    """Follows names to the objects they name; those are read elsewhere."""

    def __init__(self, ledger: Ledger, objects: CasStore) -> None:
        self._ledger = ledger
        self._objects = objects

    def specs(self) -> Iterator[Problem]:
        """Follow every spec to its components, their files and its manifest."""
        annotations = self._ledger.specs()
        for digest in dict.fromkeys(spec.digest for spec in annotations):
            try:
                yield from self._check_spec(digest)
            except (CorruptionError, NotFound) as error:
                yield Problem("spec", str(digest), error.message)
            except Unreadable as error:
                detail = f"what spec {digest} names could not be read: {error.message}"
                yield Problem(UNREADABLE, str(digest), detail)
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
        """Look for references that keep an object which is not stored."""
        for reference in self._ledger.dangling():
            if self._is_broken(reference):
                role = "pinned object" if reference.role is Role.PIN else reference.role.value
                owner = reference.run_id or str(reference.digest)
                detail = f"its {role} {reference.digest} is not stored"
                yield Problem("reference", owner, detail)

    def _is_broken(self, reference: Reference) -> bool:
        digest = reference.digest
        return (
            not self._is_stored(digest)
            # A pin goes with its object, and may come again with it.
            and reference in self._ledger.references(digest)
            and not self._is_stored(digest)
        )

    def _is_stored(self, digest: Digest) -> bool:
        return bool(self._ledger.sizes([digest]))
