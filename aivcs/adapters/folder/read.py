"""Read an agent's folder: its manifest, and the files the rules select."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aivcs.adapters.folder.failures import translated
from aivcs.adapters.folder.walk import Walk
from aivcs.domain.folder import MANIFEST, Folder
from aivcs.domain.manifest import read_manifest
from aivcs.domain.selection import Selection
from aivcs.domain.spec import check_paths
from aivcs.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from aivcs.domain.folder import LeftOut
    from aivcs.domain.manifest import Manifest

_MAX_MANIFEST: Final = 16 * 1024 * 1024


def read(directory: str | PathLike[str]) -> Folder:
    """Return what an agent's folder holds; ``files`` may be empty.

    Raises InvalidSpec for what is no folder, a manifest that cannot be used, a name that is
    not UTF-8, and patterns that clash or match nothing; StorageError for what cannot be
    read. Links that cannot be followed are listed. Pipes and devices are never opened.
    """
    with translated("read"):
        root = _root(Path(directory))
        manifest, raw = _manifest(root / MANIFEST)
        selection = Selection(manifest)
        walk = Walk(root, selection)
        walk.run()
    files = tuple(sorted(walk.files, key=lambda file: file.path.encode()))
    check_paths((file.component, file.path) for file in files)
    if not walk.refused:
        selection.check_used(((file.component, file.path) for file in files), walk.secrets)
    return Folder(
        root=root,
        files=files,
        name=manifest.name if manifest else None,
        manifest=raw,
        left_out=_sorted(walk.left_out),
        secrets=tuple(sorted(walk.secrets)),
        refused=_sorted(walk.refused),
    )


def _sorted(left: Iterable[LeftOut]) -> tuple[LeftOut, ...]:
    return tuple(sorted(left, key=lambda one: one.path.encode()))


def _root(directory: Path) -> Path:
    try:
        root = directory.resolve(strict=True)
        is_folder = root.is_dir()
    except (FileNotFoundError, NotADirectoryError, RuntimeError, ValueError) as error:
        msg = f"there is no folder {str(directory)!r}"
        raise InvalidSpec(msg, hint="give the folder that holds the agent's files") from error
    if not is_folder:
        msg = f"{str(directory)!r} is not a folder"
        raise InvalidSpec(msg, hint="give the folder that holds the agent's files")
    return root


def _manifest(path: Path) -> tuple[Manifest | None, bytes | None]:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None, None
    if not stat.S_ISREG(found.st_mode) or found.st_size > _MAX_MANIFEST:
        msg = f"{MANIFEST} is not a regular file of at most {_MAX_MANIFEST} bytes"
        raise InvalidSpec(msg, hint="a manifest is a short text in TOML")
    raw = path.read_bytes()
    return read_manifest(_decoded(raw)), raw


def _decoded(raw: bytes) -> dict[str, object]:
    from aivcs.domain.tomltext import read_toml

    try:
        return read_toml(raw.decode())
    except ValueError as error:
        msg = f"{MANIFEST} is not TOML: {error}"
        raise InvalidSpec(msg, hint="correct the file, or remove it to use the defaults") from error
