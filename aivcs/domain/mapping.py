"""An agent written down as a mapping instead of a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aivcs.domain import canonical
from aivcs.domain.manifest import check_component
from aivcs.domain.names import check_name
from aivcs.domain.selection import check_storable
from aivcs.domain.spec import Component, check_path, check_paths
from aivcs.errors import InvalidInputError, InvalidSpec

_VALUES: Final = frozenset({Component.MODEL, Component.CONFIG, Component.ENV})
_FORM: Final = '{"name": ..., "components": {"prompts": {"system.md": "text"}, "model": {...}}}'


@dataclass(frozen=True, slots=True)
class Described:
    """A mapping as read: its name, and (component, path, content) of every file."""

    name: str | None
    files: tuple[tuple[str, str, bytes], ...]


def read_mapping(mapping: Mapping[str, object]) -> Described:
    """Return the files a mapping describes.

    Prompts, tools and graph are ``{path: text or bytes}``. Model, config and env may be one
    JSON value instead, which becomes ``<component>.json`` in canonical JSON. Raises
    InvalidSpec naming what is unknown, of the wrong type, or absent altogether.
    """
    for key in mapping:
        if key not in {"name", "components"}:
            msg = f"unknown key {key!r} in the mapping of a spec"
            raise InvalidSpec(msg, hint=f"a spec is written as {_FORM}")
    name = mapping.get("name")
    components = mapping.get("components")
    if not isinstance(components, Mapping):
        msg = "the mapping of a spec has no mapping 'components'"
        raise InvalidSpec(msg, hint=f"a spec is written as {_FORM}")
    files = tuple(
        (component, path, content)
        for key, value in components.items()
        for component in (check_component(key),)
        for path, content in _files(component, value).items()
    )
    if not files:
        msg = "the mapping describes no files of an agent"
        raise InvalidSpec(msg, hint=f"a spec is written as {_FORM}")
    for _component, path, _content in files:
        check_storable(path)
    check_paths((component, path) for component, path, _content in files)
    return Described(check_name(name) if name is not None else None, files)


def _files(component: str, value: object) -> dict[str, bytes]:
    if value is None:
        return {}
    if component in _VALUES and not _holds_files(value):
        return {f"{component}.json": _json(component, value)}
    if not isinstance(value, Mapping):
        msg = f"{component} must map paths to text or bytes, not be a {type(value).__name__}"
        raise InvalidSpec(msg, hint=f"a spec is written as {_FORM}")
    return {check_path(path): _content(component, path, value[path]) for path in value}


def _holds_files(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(path, str) and ("." in path or "/" in path) for path in value)
        and all(isinstance(content, str | bytes) for content in value.values())
    )


def _json(component: str, value: object) -> bytes:
    try:
        return canonical.dumps(dict(value) if isinstance(value, Mapping) else value)
    except InvalidInputError as error:
        msg = f"{component} is neither files nor a JSON value: {error.message}"
        raise InvalidSpec(msg, hint=error.hint) from error


def _content(component: str, path: object, content: object) -> bytes:
    if isinstance(content, bytes):
        return content
    try:
        if isinstance(content, str):
            return content.encode()
    except UnicodeEncodeError as error:
        msg = f"the text of {path!r} in {component} holds a lone surrogate"
        raise InvalidSpec(msg, hint="give bytes, or text that UTF-8 can express") from error
    msg = f"{path!r} in {component} must be text or bytes, not {type(content).__name__}"
    raise InvalidSpec(msg)
