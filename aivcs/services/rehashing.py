"""Reading and hashing every object of a spec, with few questions to the ledger."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from aivcs.domain.receipt import Receipt
from aivcs.domain.spec import read_component_document, read_spec_document
from aivcs.errors import CorruptionError, MissingObject, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aivcs.domain.digest import Digest
    from aivcs.domain.stored import StoredObject
    from aivcs.services.objects import CasStore

T = TypeVar("T")

_SOME: Final = 300
"""Small objects come with their rows, so many files are asked for in parts."""


def rehash(objects: CasStore, spec: Digest) -> tuple[dict[str, Digest | None], Receipt]:
    """Return a spec's components, and how much was read and hashed to be sure of all of it.

    Files take constant memory. Raises MissingObject, or IntegrityError and what else is wrong
    with an object, which say what of the spec it is.
    """
    short = spec.short()
    sizes: dict[Digest, int] = {}

    def each(named: Mapping[Digest, str], use: Callable[[StoredObject], T]) -> Iterator[T]:
        wanted = (digest for digest in named if digest not in sizes)
        while some := list(islice(wanted, _SOME)):
            found = objects.stat_many(some)
            for digest in some:
                try:
                    stored = found.get(digest) or objects.stat(digest)
                    used = use(stored)
                except (NotFound, CorruptionError) as error:
                    raise named_error(error, named[digest]) from error
                sizes[digest] = stored.size
                yield used

    (document,) = each({spec: f"the document of spec {short}"}, objects.read)
    components = read_spec_document(document)
    parts: dict[Digest, str] = {}
    for part, component in components.items():
        if component is not None:
            parts.setdefault(component, f"the {part} component of spec {short}")
    files: dict[Digest, str] = {}
    for document in each(parts, objects.read):
        for file in read_component_document(document):
            files.setdefault(file.digest, f"{file.path} of spec {short}")
    for _ in each(files, objects.check_row):
        pass
    return components, Receipt(len(sizes), sum(sizes.values()))


def named_error(error: NotFound | CorruptionError, what: str) -> CorruptionError:
    """Say of which spec's file an object is missing or damaged."""
    kind = MissingObject if isinstance(error, NotFound) else type(error)
    return kind(f"{what}: {error.message}", hint=error.hint)
