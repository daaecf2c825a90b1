"""Which files are compared by value, and reading them: JSON (RFC 8259) and TOML 1.0."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

from aivcs.domain import strictjson
from aivcs.domain.spec import Component

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.domain.canonical import Json

MAX_VALUES: Final = 2**20
"""The longest file in bytes that is compared by value."""

_AS_TEXT: Final = frozenset({Component.PROMPTS, Component.GRAPH})
_TOML_NAMES: Final = frozenset({"uv.lock", "poetry.lock", "pdm.lock", "Cargo.lock", "Pipfile"})
_JSON_NAMES: Final = frozenset({"Pipfile.lock"})
# The reader of TOML takes time that grows with the square of the parts of a dotted key.
_MOST_DOTS: Final = 200


def by_value(component: str, path: str) -> bool:
    """Tell whether a file's values are compared rather than its lines.

    So are JSON and TOML of tools, model, config and env, lock files too. Prompts and code
    are compared by lines, whatever they are written in.
    """
    return component not in _AS_TEXT and (_is_json(path) or _is_toml(path))


def read_values(path: str, content: bytes) -> Json:
    """Return the value of a file, whose name says how it is written.

    ValueError says why it has none that could be compared: not well-formed, too long, a key
    that stands twice, a number or a time that JSON does not have, nested too deeply.
    """
    if len(content) > MAX_VALUES:
        msg = f"longer than {MAX_VALUES} bytes"
        raise ValueError(msg)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        msg = "not UTF-8"
        raise ValueError(msg) from error
    return _read_json(text) if _is_json(path) else _read_toml(text)


def _is_json(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.lower().endswith(".json") or name in _JSON_NAMES


def _is_toml(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.lower().endswith(".toml") or name in _TOML_NAMES


def _read_json(text: str) -> Json:
    try:
        return strictjson.loads(text, decoder=_DECODER)
    except (ValueError, RecursionError) as error:
        msg = f"not JSON that can be compared: {error}"
        raise ValueError(msg) from error


def _read_toml(text: str) -> Json:
    import tomllib

    if max(line.count(".") for line in text.split("\n")) > _MOST_DOTS:
        msg = f"TOML with over {_MOST_DOTS} dots in a line"
        raise ValueError(msg)
    try:
        value = tomllib.loads(text, parse_float=strictjson.finite)
    except (ValueError, RecursionError) as error:
        msg = f"not TOML that can be compared: {error}"
        raise ValueError(msg) from error
    if strictjson.is_deeper(value, strictjson.MAX_DEPTH):
        msg = f"nested over {strictjson.MAX_DEPTH} levels"
        raise ValueError(msg)
    return _plain(value)


def _plain(value: object) -> Json:
    """Return a value of TOML; ValueError for a date or time, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str | int | float):
        return value
    msg = f"it holds a {type(value).__name__}: {value}"
    raise ValueError(msg)


def _once(pairs: Sequence[tuple[str, Json]]) -> Json:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        msg = f"the key {twice!r} stands twice in one object"
        raise ValueError(msg)
    return found


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_once, parse_float=strictjson.finite, parse_constant=strictjson.refuse
)
