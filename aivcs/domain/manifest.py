"""The manifest ``aivcs.toml``: which files of a folder are the agent's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aivcs.domain.names import check_name
from aivcs.domain.patterns import exact_pattern
from aivcs.domain.spec import Component
from aivcs.errors import InvalidInputError, InvalidName, InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aivcs.domain.canonical import Json
    from aivcs.domain.spec import SpecFile

_KEYS: Final = ("name", "components", "exclude", "allow_secrets", "gates")
_DELETE: Final = 0x7F


@dataclass(frozen=True, slots=True)
class Manifest:
    """A parsed manifest.

    ``components`` maps a component to its patterns; None when the manifest has no such
    table, and then the default patterns hold. ``exclude`` are patterns too,
    ``allow_secrets`` exact paths. ``gates`` are gates that a release of the spec must pass
    beside those of the repository, with their values.
    """

    name: str | None
    components: Mapping[str, tuple[str, ...]] | None
    exclude: tuple[str, ...]
    allow_secrets: tuple[str, ...]
    gates: Mapping[str, Json] = field(default_factory=dict)


def read_manifest(table: Mapping[str, object]) -> Manifest:
    """Return the manifest in a decoded TOML table.

    Raises InvalidSpec naming the key that is unknown or has the wrong type.
    """
    for key in table:
        if key not in _KEYS:
            msg = f"aivcs.toml: unknown key {key!r}"
            raise InvalidSpec(msg, hint=f"the keys are {', '.join(_KEYS)}")
    return Manifest(
        name=_name(table.get("name")),
        components=_components(table["components"]) if "components" in table else None,
        exclude=_patterns("exclude", table.get("exclude", [])),
        allow_secrets=_texts("allow_secrets", table.get("allow_secrets", [])),
        gates=_gates(table["gates"]) if "gates" in table else {},
    )


def write_manifest(
    name: str, files: Mapping[str, Iterable[SpecFile]], secrets: Iterable[str]
) -> str:
    """Return the text of a manifest that names every file of a spec exactly."""
    lines = [f"name = {_quoted(name)}"]
    if allowed := [_quoted(path) for path in secrets]:
        lines.append(f"allow_secrets = [{', '.join(allowed)}]")
    lines += ["", "[components]"]
    for component, found in files.items():
        if patterns := [_quoted(exact_pattern(file.path)) for file in found]:
            lines += [f"{component} = [", *(f"    {pattern}," for pattern in patterns), "]"]
    return "\n".join(lines) + "\n"


def _name(value: object) -> str | None:
    if value is None:
        return None
    try:
        return check_name(value)
    except InvalidName as error:
        msg = f"aivcs.toml: name: {error.message}"
        raise InvalidSpec(msg, hint=error.hint) from error


def _gates(value: object) -> dict[str, Json]:
    from aivcs.domain.policy import read_additions

    try:
        return read_additions(value)
    except InvalidInputError as error:
        msg = f"aivcs.toml: {error.message}"
        raise InvalidSpec(msg, hint=error.hint) from error


def _components(value: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        msg = "aivcs.toml: components must be a table"
        raise InvalidSpec(msg, hint='for example: [components], then prompts = ["prompts/**"]')
    found = {check_component(key): _patterns(f"components.{key}", value[key]) for key in value}
    return {part.value: found[part.value] for part in Component if part.value in found}


def check_component(key: object) -> str:
    """Return the name of one of the six components; InvalidSpec for anything else."""
    if isinstance(key, str) and key in set(Component):
        return key
    msg = f"unknown component {key!r}"
    raise InvalidSpec(msg, hint=f"the components are {', '.join(Component)}")


def _patterns(key: str, value: object) -> tuple[str, ...]:
    patterns = _texts(key, value)
    for one in patterns:
        if not one.strip() or one.startswith("#"):
            msg = f"aivcs.toml: {key} has an entry that names nothing: {one!r}"
            raise InvalidSpec(msg, hint="remove it, or write a path or pattern")
    return patterns


def _texts(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        msg = f"aivcs.toml: {key} must be a list of texts"
        raise InvalidSpec(msg, hint=f'for example: {key.rpartition(".")[2]} = ["a.md", "b.md"]')
    return tuple(value)


def _quoted(text: str) -> str:
    out = []
    for character in text:
        code = ord(character)
        if character in '"\\':
            out.append(f"\\{character}")
        elif code < ord(" ") or code == _DELETE:
            out.append(f"\\u{code:04x}")
        else:
            out.append(character)
    return f'"{"".join(out)}"'
