"""The documents of a run of the benchmark on disk: as files, as lines, as a git stream."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from benchmarks.documents import documents

if TYPE_CHECKING:
    from pathlib import Path

_IN_FOLDER: Final = 500


@dataclass(frozen=True, slots=True)
class Corpus:
    """``count`` documents: files in ``folder``, named by ``paths``, and one a line in ``lines``."""

    count: int
    size: int
    folder: Path
    paths: Path
    lines: Path
    digests: tuple[str, ...]


def corpus(scratch: Path, count: int, *, files: bool = True) -> Corpus:
    """Write ``count`` documents below ``scratch``; without ``files`` only the lines."""
    home = scratch / f"corpus-{count}"
    folder, paths, lines = home / "documents", home / "paths", home / "documents.jsonl"
    home.mkdir(parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True)
    size, digests = 0, []
    with paths.open("w") as listed, lines.open("wb") as joined:
        for number, document in enumerate(documents(count)):
            size += len(document)
            digests.append(sha256(document).hexdigest())
            joined.write(document + b"\n")
            if files:
                path = folder / f"{number // _IN_FOLDER:04d}" / f"{number:07d}.json"
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(document)
                listed.write(f"{path}\n")
    return Corpus(count, size, folder, paths, lines, tuple(digests))


def read_lines(path: Path) -> list[bytes]:
    """Return the documents of a file of lines."""
    return path.read_bytes().splitlines()
