"""An agent spec: the exact content an agent version consists of, and its identity."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aivcs.domain import canonical
from aivcs.domain.digest import Digest
from aivcs.errors import CorruptionError, InvalidInputError, InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

SPEC_VERSION: Final = 1
_KEPT: Final = 16 * 2**10
"""The longest component document, in bytes, whose files are kept: the same bytes say the same."""


class Component(StrEnum):
    """The six parts of a spec, in the order they are shown."""

    PROMPTS = "prompts"
    TOOLS = "tools"
    MODEL = "model"
    GRAPH = "graph"
    CONFIG = "config"
    ENV = "env"


@dataclass(frozen=True, slots=True)
class SpecFile:
    """One file of a component: path relative to the spec's root, mode, content."""

    path: str
    executable: bool
    digest: Digest


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """A stored spec: its digest, its components' digests, and annotations.

    ``components`` has all six keys; a component without files is None. Name, git commit,
    dirtiness and environment (what was observed of the interpreter and platform that stored
    it) annotate the newest ``add``; they are no part of the identity.
    """

    digest: Digest
    components: Mapping[str, Digest | None]
    name: str
    git_sha: str | None = None
    dirty: bool | None = None
    manifest: Digest | None = None
    created_at: datetime | None = None
    environment: Mapping[str, str] | None = None


def spec_document(components: Mapping[str, Digest | None]) -> bytes:
    """Return the canonical JSON whose digest is the spec's digest.

    ``{"components": {<each of the six>: hex or null}, "version": 1}`` and nothing else.
    """
    parts = {
        part.value: str(found) if (found := components.get(part.value)) else None
        for part in Component
    }
    return canonical.dumps({"version": SPEC_VERSION, "components": parts})


def read_spec_document(data: bytes) -> dict[str, Digest | None]:
    """Return the components of a stored spec document; CorruptionError if it is not one."""
    return dict(_spec_parts(data))


@lru_cache(maxsize=64)
def _spec_parts(data: bytes) -> dict[str, Digest | None]:
    try:
        value = canonical.loads(data)
        components = value["components"] if isinstance(value, dict) else None
        if not isinstance(components, dict) or set(components) != set(Component):
            raise _malformed(value)
        found: dict[str, Digest | None] = {
            part.value: None if (text := components[part.value]) is None else Digest.parse(text)
            for part in Component
        }
        if spec_document(found) != data:
            raise _malformed(value)
    except (InvalidInputError, KeyError, TypeError) as error:
        msg = f"not a spec document: {error}"
        raise CorruptionError(msg) from error
    return found


def component_document(files: Iterable[SpecFile]) -> bytes:
    """Return the canonical JSON of a component: ``[[path, executable, hex], ...]`` by path.

    Sorting is by the paths' UTF-8 bytes.
    """
    rows = sorted(files, key=lambda file: file.path.encode())
    return canonical.dumps([[file.path, file.executable, str(file.digest)] for file in rows])


def read_component_document(data: bytes) -> tuple[SpecFile, ...]:
    """Return the files of a stored component; CorruptionError if it is not one."""
    return _some_files(data) if len(data) <= _KEPT else _component_files(data)


def _component_files(data: bytes) -> tuple[SpecFile, ...]:
    try:
        rows = canonical.loads(data)
        if not isinstance(rows, list):
            raise _malformed(rows)
        files = tuple(
            SpecFile(check_path(path), bool(executable), Digest.parse(digest))
            for path, executable, digest in rows
        )
        if component_document(files) != data:
            raise _malformed(rows)
    except (InvalidInputError, ValueError, TypeError) as error:
        msg = f"not a component document: {error}"
        raise CorruptionError(msg) from error
    return files


_some_files: Final = lru_cache(maxsize=64)(_component_files)


def check_path(path: object) -> str:
    """Return a path that stays inside the spec: relative, ``/``-separated, UTF-8.

    Raises InvalidSpec for absolute paths, ``..``, empty parts, NUL and unencodable names.
    """
    good = isinstance(path, str) and bool(path) and "\0" not in path
    if good:
        try:
            str(path).encode()
        except UnicodeEncodeError:
            good = False
    if not good or any(part in {"", ".", ".."} for part in str(path).split("/")):
        msg = f"not a path inside the spec: {path!r}"
        raise InvalidSpec(msg, hint="paths are relative to the spec's root and stay inside it")
    return str(path)


def check_paths(paths: Iterable[tuple[str, str]]) -> None:
    """Refuse (component, path) pairs that could not stand side by side in one folder.

    Raises InvalidSpec for one path in two components, for two spellings of one name that
    differ only in Unicode normalisation, and for a file that is another's folder.
    """
    seen: dict[str, tuple[str, str]] = {}
    for component, path in paths:
        key = unicodedata.normalize("NFC", path)
        if key in seen:
            other, spelling = seen[key]
            msg = f"{path!r} of {component} stands already in {other} as {spelling!r}"
            raise InvalidSpec(msg, hint="a file belongs to one component; narrow a pattern")
        seen[key] = (component, path)
    for key in seen:
        parent = key.rpartition("/")[0]
        while parent:
            if parent in seen:
                msg = f"{parent!r} is a file and also the folder of {key!r}"
                raise InvalidSpec(msg)
            parent = parent.rpartition("/")[0]


def _malformed(value: object) -> InvalidInputError:
    return InvalidInputError(repr(value)[:80])


def source_spec_digest(git_sha: str, graph: str, prompts: str, tools: str, config: str) -> Digest:
    """Return the five-field digest of the source system, kept for compatibility.

    SHA-256 of the canonical JSON of git_sha, graph_digest, prompts_digest, tools_digest
    and config_digest. Raises InvalidSpec for an empty git_sha.
    """
    if not git_sha:
        msg = "git_sha is empty"
        raise InvalidSpec(msg)
    fields = {
        "git_sha": git_sha,
        "graph_digest": graph,
        "prompts_digest": prompts,
        "tools_digest": tools,
        "config_digest": config,
    }
    return Digest.of(canonical.dumps(fields))
