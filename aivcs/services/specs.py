"""SpecStore: what agents consist of, stored so that every version can be had back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from aivcs.domain.batch import Batch
from aivcs.domain.digest import Digest
from aivcs.domain.spec import AgentSpec, Component, read_component_document, read_spec_document
from aivcs.errors import CorruptionError, NotFound, NotFoundError, SpecNotFound
from aivcs.services.rehashing import named_error, rehash
from aivcs.services.storing import heal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from os import PathLike

    from aivcs.domain.diff import FileChange, SpecDiff
    from aivcs.domain.filediff import FileDiff
    from aivcs.domain.folder import Folder, GitState
    from aivcs.domain.log_writes import NewSpec
    from aivcs.domain.receipt import Rehashed
    from aivcs.domain.spec import SpecFile
    from aivcs.ports import Clock, Ledger
    from aivcs.services.objects import CasStore
    from aivcs.services.speccing import PreparedSpec

    Directory: TypeAlias = str | PathLike[str]
    ReadFolder: TypeAlias = Callable[[Directory], Folder]
    WriteFolder: TypeAlias = Callable[
        [Directory, Iterable[tuple[str, bool, Iterable[bytes]]]], None
    ]
    AskGit: TypeAlias = Callable[[Directory], GitState | None]
    Observe: TypeAlias = Callable[[], Mapping[str, str]]
    Specs: TypeAlias = list[AgentSpec]
    Files: TypeAlias = dict[str, tuple[SpecFile, ...]]

_PIECE: Final = 2**20


class SpecStore:
    """Specs over a ledger and its objects.

    A digest is given as Digest or as its text; InvalidDigest for anything else,
    SpecNotFound for one that names no spec. What is read is verified: IntegrityError or
    MissingObject name the object and what it is. StorageError when the disk fails.
    """

    def __init__(
        self,
        ledger: Ledger,
        objects: CasStore,
        clock: Clock,
        *,
        read_folder: ReadFolder,
        write_folder: WriteFolder,
        git_state: AskGit,
    ) -> None:
        self._ledger = ledger
        self._objects = objects
        self._clock = clock
        self._read_folder = read_folder
        self._write_folder = write_folder
        self._git_state = git_state
        self._observed: Observe | None = None

    def observing(self, observed: Observe) -> SpecStore:
        """Return this store; beside every spec that ``add`` stores it notes what is observed."""
        self._observed = observed
        return self

    def add(
        self, source: Directory | Folder | Mapping[str, object], *, name: str | None = None
    ) -> AgentSpec:
        """Store the spec of a folder or mapping, in one commit, and return it.

        A ``Folder`` is what ``explain`` returned. ``name`` goes before the manifest's or the
        mapping's name, that before the folder's name. The interpreter and platform are noted
        beside it. Raises InvalidSpec for what describes no agent, InvalidName.
        """
        prepared = self.prepare(source, name=name)
        if self._observed is not None:
            prepared = prepared.annotated(environment=self._observed())
        return self.store(prepared)

    def prepare(
        self, source: Directory | Folder | Mapping[str, object], *, name: str | None = None
    ) -> PreparedSpec:
        """Return everything a batch needs to store the spec; raises like ``add``.

        Only the files of large objects are written.
        """
        from aivcs.domain.folder import Folder
        from aivcs.services.speccing import prepare_folder, prepare_mapping

        if isinstance(source, Mapping):
            return self._with_notes(prepare_mapping(self._objects, self._clock, source, name))
        folder = source if isinstance(source, Folder) else self._read_folder(source)
        git = self._git_state(folder.root)
        return self._with_notes(prepare_folder(self._objects, self._clock, folder, git, name))

    def _with_notes(self, prepared: PreparedSpec) -> PreparedSpec:
        """Keep what is known of the same content where nothing is known of it now.

        That is the environment, and the commit where git says nothing.
        """
        known = self._ledger.specs(prepared.spec.digest)
        if not known:
            return prepared
        kept = prepared.annotated(environment=known[0].environment)
        if kept.spec.git_sha is not None:
            return kept
        return kept.annotated(git_sha=known[0].git_sha, dirty=known[0].dirty)

    def store(self, prepared: PreparedSpec) -> AgentSpec:
        """Commit what ``prepare`` returned; objects that were damaged are whole again."""
        done = self._ledger.commit(Batch(objects=prepared.objects, specs=(prepared.row,)))
        if done.known:
            heal(self._ledger, self._objects.read, prepared.objects)
        return prepared.spec

    def explain(self, directory: Directory) -> Folder:
        """Return what of a folder would be taken, and what left out and why.

        Raises like ``add``, but not for a folder without files of an agent, nor for links
        that cannot be followed: those are listed.
        """
        return self._read_folder(directory)

    def unheld(self, directory: Directory) -> tuple[str, ...]:
        """Return the paths for which the commit of a folder may not hold the folder's spec.

        None where git says nothing of the folder. Raises like ``explain``.
        """
        from aivcs.services.speccing import unheld

        folder = self._read_folder(directory)
        git = self._git_state(folder.root)
        return unheld(folder, git) if git else ()

    def get(self, digest: Digest | str) -> AgentSpec:
        """Return a spec with its newest annotations."""
        row = self._row(Digest.parse(digest))
        return _spec(row, self._document(row.digest))

    def list(self) -> Specs:
        """Return every spec with its newest annotations, the newest first."""
        rows: dict[Digest, NewSpec] = {}
        for row in self._ledger.specs():
            rows.setdefault(row.digest, row)
        return [_spec(row, self._document(row.digest)) for row in rows.values()]

    def files(self, digest: Digest | str) -> Files:
        """Return the files of each of the six components, sorted by path."""
        return self._files_of(self.get(digest))

    def _files_of(self, spec: AgentSpec) -> Files:
        found: Files = {}
        for part in Component:
            component = spec.components[part.value]
            found[part.value] = (
                () if component is None else self._files(spec, part.value, component)
            )
        return found

    def read(self, digest: Digest | str, component: str, path: str) -> bytes:
        """Return the content of one file; NotFoundError when the spec has no such file."""
        spec = self.get(digest)
        for file in self.files(spec.digest).get(component, ()):
            if file.path == path:
                return self._get(file.digest, f"{path} of spec {spec.digest.short()}")
        msg = f"spec {spec.digest.short()} has no file {path!r} in {component!r}"
        raise NotFoundError(msg, hint=f"'aivcs spec show {spec.digest.short()}' lists its files")

    def diff(self, a: Digest | str, b: Digest | str) -> SpecDiff:
        """Return what changed from spec ``a`` to spec ``b``, file by file."""
        from aivcs.domain.diff import SpecDiff, compare

        old, new = Digest.parse(a), Digest.parse(b)
        return SpecDiff(old, new, compare(self.files(old), self.files(new)))

    def diff_file(self, found: SpecDiff, change: FileChange) -> FileDiff:
        """Return what differs in the content of one of a diff's changes.

        JSON and TOML of tools, model, config and env by value, other text by line, the rest
        by size. A file that is too long for that is not read.
        """
        from aivcs.domain.filediff import file_diff, size_diff, worth_reading

        sides = (change.old, found.old), (change.new, found.new)
        sizes = self._objects.sizes([file.digest for file, _ in sides if file])
        both = [sizes.get(file.digest) if file else None for file, _ in sides]
        if not worth_reading(change, *both):
            return size_diff(change, *both)
        old, new = (
            self._get(file.digest, f"{file.path} of spec {spec.short()}") if file else None
            for file, spec in sides
        )
        return file_diff(change, old, new)

    def require(self, digest: Digest | str) -> AgentSpec:
        """Return a spec after reading and hashing every object it consists of."""
        return self.rehash(digest).spec

    def rehash(self, digest: Digest | str) -> Rehashed:
        """Read and hash every object of a spec; return it, with how much that was."""
        from aivcs.domain.receipt import Rehashed

        row = self._row(Digest.parse(digest))
        components, receipt = rehash(self._objects, row.digest)
        return Rehashed(_spec(row, components), receipt)

    def checkout(self, digest: Digest | str, directory: Directory) -> None:
        """Write a spec's files into a folder that is absent or empty, all or nothing.

        ``aivcs.toml`` is written as it was stored; one is made where the default patterns
        would not read the folder back as the same spec. Raises InvalidInputError for a
        folder that holds something.
        """
        spec = self.get(digest)
        self._write_folder(directory, self._contents(spec))

    def _contents(self, spec: AgentSpec) -> Iterator[tuple[str, bool, Iterable[bytes]]]:
        from aivcs.domain.folder import MANIFEST
        from aivcs.domain.selection import check_storable

        short = spec.digest.short()
        files = self.files(spec.digest)
        manifest = self._manifest(spec, files)
        if manifest is not None:
            yield MANIFEST, False, (manifest,)
        for found in files.values():
            for file in found:
                check_storable(file.path)
                what = f"{file.path} of spec {short}"
                yield file.path, file.executable, self._pieces(file.digest, what)

    def _manifest(self, spec: AgentSpec, files: Files) -> bytes | None:
        if spec.manifest is not None:
            return self._get(spec.manifest, f"the manifest of spec {spec.digest.short()}")
        from aivcs.domain.manifest import write_manifest
        from aivcs.domain.secrets import looks_secret
        from aivcs.domain.selection import stands_by_default

        short = spec.digest.short()
        secrets = [
            file.path
            for found in files.values()
            for file in found
            if looks_secret(file.path) or self._holds_key(file, short)
        ]
        paths = {part: [file.path for file in found] for part, found in files.items()}
        if not secrets and stands_by_default(paths):
            return None
        return write_manifest(spec.name, files, secrets).encode()

    def _holds_key(self, file: SpecFile, short: str) -> bool:
        from aivcs.domain.secrets import holds_key

        return holds_key(next(self._pieces(file.digest, f"{file.path} of spec {short}"), b""))

    def _row(self, digest: Digest) -> NewSpec:
        rows = self._ledger.specs(digest)
        if not rows:
            msg = f"no spec {digest} is stored here"
            raise SpecNotFound(msg, hint="'aivcs spec list' shows the specs; 'spec add' stores one")
        return rows[0]

    def _document(self, digest: Digest) -> Mapping[str, Digest | None]:
        what = f"the document of spec {digest.short()}"
        return read_spec_document(self._get(digest, what))

    def _files(self, spec: AgentSpec, part: str, component: Digest) -> tuple[SpecFile, ...]:
        what = f"the {part} component of spec {spec.digest.short()}"
        return read_component_document(self._get(component, what))

    def _get(self, digest: Digest, what: str) -> bytes:
        try:
            return self._objects.get(digest)
        except (NotFound, CorruptionError) as error:
            raise named_error(error, what) from error

    def _pieces(self, digest: Digest, what: str) -> Iterator[bytes]:
        try:
            with self._objects.open(digest) as file:
                while piece := file.read(_PIECE):
                    yield piece
        except (NotFound, CorruptionError) as error:
            raise named_error(error, what) from error


def _spec(row: NewSpec, components: Mapping[str, Digest | None]) -> AgentSpec:
    return AgentSpec(
        digest=row.digest,
        components=components,
        name=row.name,
        git_sha=row.git_sha,
        dirty=row.dirty,
        manifest=row.manifest,
        created_at=row.created_at,
        environment=row.environment,
    )
