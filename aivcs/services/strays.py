"""Files of the blob store that belong to no object: what interrupted work left."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from aivcs.domain.blobname import large_name, pack_name
from aivcs.domain.digest import Digest
from aivcs.domain.report import Problem, Severity
from aivcs.domain.usage import UseKind
from aivcs.errors import (
    CorruptionError,
    IntegrityError,
    InvalidDigest,
    MissingObject,
    NotFound,
    StorageError,
    Unreachable,
)
from aivcs.services.large import claimed
from aivcs.services.repacking import drop_pack_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aivcs.ports import BlobStore, Ledger
    from aivcs.services.pack_read import PackReader
    from aivcs.services.reachability import Closure

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Stray:
    """A file that no row is of: the digest in its name, and whether it is a pack."""

    name: str
    size: int
    digest: Digest
    pack: bool


class Strays:
    """Finds and removes them. Foreign files, those of any other name, are left alone.

    A file that would bring back what is missing or damaged is no stray: it is in
    ``problems``. ``check`` reads and hashes an object where its row says that it is.
    """

    def __init__(
        self,
        ledger: Ledger,
        blobs: BlobStore,
        reader: PackReader,
        closure: Closure,
        check: Callable[[Digest], None],
    ) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._reader = reader
        self._closure = closure
        self._check = check
        self.problems: list[Problem] = []

    def find(self) -> Iterator[Stray]:
        """Yield what nothing needs at this moment."""
        names = self._blobs.names()
        while some := list(islice(names, _PAGE)):
            for name, digest, pack in self._unlisted(some):
                if self._is_needed(name, digest, pack=pack):
                    continue
                try:
                    yield Stray(name, self._blobs.size(name), digest, pack)
                except MissingObject:
                    continue  # its owner removed it meanwhile
                except CorruptionError as error:
                    self._warn(name, error.message)  # no file has its place

    def remove(self, stray: Stray) -> int:
        """Remove a file unless it has become somebody's; return the bytes that are gone."""
        if stray.pack:
            return drop_pack_file(self._ledger, self._blobs, stray.digest)
        with self._ledger.exclusive():
            self._closure.refresh()
            stored = stray.digest in self._ledger.sizes([stray.digest])
            if stored or not self._is_unnamed([stray.digest]):
                return 0
            self._blobs.delete(stray.name)
            return stray.size

    def _unlisted(self, names: Sequence[str]) -> Iterator[tuple[str, Digest, bool]]:
        """Yield the files without a row: their names, digests, and whether they are packs."""
        large = {name: digest for name in names if (digest := _named(name, "large/", ".zst"))}
        packs = {name: digest for name in names if (digest := _named(name, "packs/", ".pack"))}
        rows = self._ledger.sizes(list(large.values()))
        for name, digest in large.items():
            if digest not in rows and name == large_name(digest):
                yield name, digest, False
        listed = {pack.digest for pack in self._ledger.packs()} if packs else set()
        for name, digest in packs.items():
            if digest not in listed and name == pack_name(digest):
                yield name, digest, True

    def _is_needed(self, name: str, digest: Digest, *, pack: bool) -> bool:
        try:
            held = self._missing_in(digest) if pack else self._large_in(name, digest)
        except MissingObject:
            return True  # gone already
        except Unreachable:
            raise
        except (IntegrityError, StorageError) as error:
            self._keep(name, f"nobody can tell what it holds: {error.message}")
            return True
        except CorruptionError as error:
            self._warn(name, error.message)  # no file has its place
            return True
        if self._is_unnamed(held):
            return False
        needed = [use for use in self._ledger.uses(held) if not use.expired]
        if any(use.kind is not UseKind.LEASE for use in needed) or not needed:
            self._keep(name, "it holds objects that are needed, and nothing else does")
        return True

    def _missing_in(self, pack: Digest) -> list[Digest]:
        """Return the objects of a pack that are stored nowhere, or damaged where they are."""
        listed = [packed.digest for packed in self._reader.footer(pack).objects()]
        stored = self._ledger.sizes(listed)
        return [one for one in listed if one not in stored or not self._is_whole(one)]

    def _large_in(self, name: str, digest: Digest) -> list[Digest]:
        """Return the objects that a large file may bring back: by its name, and by its end."""
        other = claimed(partial(self._blobs.read, name), self._blobs.size(name))
        if other is None or other == digest or self._is_whole(other):
            return [digest]
        return [digest, other]

    def _is_whole(self, digest: Digest) -> bool:
        try:
            self._check(digest)
        except Unreachable:
            raise
        except (CorruptionError, StorageError, NotFound):
            return False
        return True

    def _is_unnamed(self, digests: Sequence[Digest]) -> bool:
        unnamed = self._ledger.unnamed(digests)
        return all(digest in unnamed and digest not in self._closure for digest in digests)

    def _keep(self, name: str, why: str) -> None:
        self._warn(name, f"{why}; 'aivcs repair' mends that")

    def _warn(self, name: str, detail: str) -> None:
        self.problems.append(Problem("blob", name, detail, Severity.WARNING))


def _named(name: str, folder: str, suffix: str) -> Digest | None:
    if not (name.startswith(folder) and name.endswith(suffix)):
        return None
    try:
        return Digest.parse(name.rpartition("/")[2].removesuffix(suffix))
    except InvalidDigest:
        return None
