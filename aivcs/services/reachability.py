"""Which specs need an object: their documents lead to components, those to files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.spec import read_component_document, read_spec_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.domain.digest import Digest
    from aivcs.ports import Ledger


def spec_holders(
    ledger: Ledger, read: Callable[[Digest], bytes | None], digest: Digest
) -> list[str]:
    """Say which components and files of listed specs are the object ``digest``.

    ``read`` returns an object, or None when it is not stored: what is gone leads to
    nothing. Raises CorruptionError for a document that is damaged, because nobody can
    tell then what it needs.
    """
    holders: list[str] = []
    files: dict[Digest, list[str]] = {}
    for spec in dict.fromkeys(found.digest for found in ledger.specs()):
        document = read(spec)
        components = read_spec_document(document) if document is not None else {}
        for part, component in components.items():
            if component is None:
                continue
            if component == digest:
                holders.append(f"{part} of spec {spec.short()}")
            if component not in files:
                files[component] = _paths(read(component), digest)
            holders.extend(f"{path} in {part} of spec {spec.short()}" for path in files[component])
    return holders


def _paths(document: bytes | None, digest: Digest) -> list[str]:
    if document is None:
        return []
    return [file.path for file in read_component_document(document) if file.digest == digest]
