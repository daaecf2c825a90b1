"""Make a spec of a folder or mapping: its objects, its documents, its row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from aivcs.domain.folder import MANIFEST
from aivcs.domain.log_writes import NewSpec
from aivcs.domain.names import check_name, name_from
from aivcs.domain.spec import AgentSpec, Component, SpecFile, component_document, spec_document
from aivcs.errors import InvalidInputError, InvalidSpec, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aivcs.domain.digest import Digest
    from aivcs.domain.folder import Folder, FoundFile, GitState
    from aivcs.domain.stored import StoredObject
    from aivcs.ports import Clock
    from aivcs.services.objects import CasStore

DEFAULT_NAME: Final = "agent"


@dataclass(frozen=True, slots=True)
class PreparedSpec:
    """A spec that only needs a commit: put ``objects`` and ``row`` into a batch.

    ``secrets`` are the files of the folder that were left out because they look like
    secrets; whoever stores the spec for a person says so.
    """

    spec: AgentSpec
    objects: tuple[StoredObject, ...]
    row: NewSpec
    secrets: tuple[str, ...] = ()

    def annotated(self, **notes: Any) -> PreparedSpec:  # noqa: ANN401 - what the two have
        """Return it with other annotations: ``git_sha``, ``dirty``, ``environment``."""
        spec, row = replace(self.spec, **notes), replace(self.row, **notes)
        return replace(self, spec=spec, row=row)


def prepare_mapping(
    objects: CasStore, clock: Clock, mapping: Mapping[str, object], name: str | None
) -> PreparedSpec:
    """Prepare the spec that a mapping describes. Raises InvalidSpec, InvalidName."""
    from aivcs.domain.mapping import read_mapping

    described = read_mapping(mapping)
    chosen = described.name if name is None else check_name(name)
    taken = [
        (component, path, False, objects.prepare(content))
        for component, path, content in described.files
    ]
    return _assemble(objects, clock, taken, _Notes(chosen or DEFAULT_NAME))


def prepare_folder(
    objects: CasStore, clock: Clock, folder: Folder, git: GitState | None, name: str | None
) -> PreparedSpec:
    """Prepare the spec of a folder that was read.

    Raises InvalidSpec for a folder without files of an agent or with a link that is
    refused, InvalidName, StorageError for a file that cannot be read.
    """
    folder.check_links()
    if not folder.files:
        msg = f"{str(folder.root)!r} holds no files of an agent"
        raise InvalidSpec(
            msg,
            hint=f"name them in {MANIFEST}; 'aivcs spec add --explain' says what was left out",
        )
    chosen = folder.name if name is None else check_name(name)
    taken = [
        (file.component, file.path, file.executable, _stored(objects, file))
        for file in folder.files
    ]
    notes = _Notes(
        name=chosen or name_from(folder.root.name, DEFAULT_NAME),
        git_sha=git.sha if git else None,
        dirty=bool(unheld(folder, git)) if git else None,
        manifest=None if folder.manifest is None else objects.prepare(folder.manifest),
        secrets=folder.secrets,
    )
    return _assemble(objects, clock, taken, notes)


def unheld(folder: Folder, git: GitState) -> tuple[str, ...]:
    """Return the paths for which the commit may not hold the spec of the folder."""
    own = [file.path for file in folder.files]
    return git.lacks([*own, MANIFEST] if folder.manifest is not None else own)


@dataclass(frozen=True, slots=True)
class _Notes:
    """What annotates a spec without being part of its identity."""

    name: str
    git_sha: str | None = None
    dirty: bool | None = None
    manifest: StoredObject | None = None
    secrets: tuple[str, ...] = ()


def _stored(objects: CasStore, file: FoundFile) -> StoredObject:
    try:
        return objects.prepare(file.source)
    except InvalidInputError as error:
        raise StorageError(error.message, hint="check its permissions, then try again") from (
            error.__cause__ or error
        )


def _assemble(
    objects: CasStore,
    clock: Clock,
    taken: Iterable[tuple[str, str, bool, StoredObject]],
    notes: _Notes,
) -> PreparedSpec:
    rows: dict[Digest, StoredObject] = {}
    files: dict[str, list[SpecFile]] = {}
    for component, path, executable, stored in taken:
        rows[stored.digest] = stored
        files.setdefault(component, []).append(SpecFile(path, executable, stored.digest))

    def keep(document: bytes) -> Digest:
        stored = objects.prepare(document)
        rows[stored.digest] = stored
        return stored.digest

    components = {
        part.value: keep(component_document(files[part.value])) if part.value in files else None
        for part in Component
    }
    if notes.manifest is not None:
        rows[notes.manifest.digest] = notes.manifest
    row = NewSpec(
        digest=keep(spec_document(components)),
        name=notes.name,
        git_sha=notes.git_sha,
        dirty=notes.dirty,
        manifest=notes.manifest.digest if notes.manifest else None,
        created_at=clock(),
    )
    spec = AgentSpec(
        digest=row.digest,
        components=components,
        name=row.name,
        git_sha=row.git_sha,
        dirty=row.dirty,
        manifest=row.manifest,
        created_at=row.created_at,
    )
    return PreparedSpec(spec, tuple(rows.values()), row, notes.secrets)
