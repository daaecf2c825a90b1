"""Agents' folders on this machine: read into a spec, written from one.

What does the work is imported when it is called: most commands touch no folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from aivcs.domain.folder import Folder


def read_folder(directory: str | PathLike[str]) -> Folder:
    """Return what an agent's folder holds; see ``aivcs.adapters.folder.read``."""
    from aivcs.adapters.folder.read import read

    return read(directory)


def write_folder(
    directory: str | PathLike[str], files: Iterable[tuple[str, bool, Iterable[bytes]]]
) -> None:
    """Write a new folder, whole or not at all; see ``aivcs.adapters.folder.write``."""
    from aivcs.adapters.folder.write import write

    write(directory, files)
