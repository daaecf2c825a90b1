"""What a source says of its agent, as the files of a spec.

Only what belongs to the agent: never the text of a task, an id or a time, so that all
runs of one agent give one spec.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from aivcs.domain import canonical, jsontext
from aivcs.domain.spec import Component
from aivcs.errors import InvalidInputError, InvalidSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aivcs.domain.canonical import Json

_UNFIT: Final = re.compile(r"[^\w.-]+")
_MAX_STEM: Final = 80


def describe(
    format_name: str,
    *,
    prompts: Sequence[str] = (),
    named_prompts: Mapping[str, str] | None = None,
    tools: Json = None,
    model: Json = None,
    config: Mapping[str, Json] | None = None,
) -> dict[str, dict[str, bytes]]:
    """Return ``{component: {path: bytes}}``, with at least ``config/agent.json``.

    ``prompts`` are one agent's, ``named_prompts`` those of several agents by name; empty
    tools and models are left out. Raises InvalidSource for values nested too deeply.
    """
    spec: dict[str, dict[str, bytes]] = {}
    texts = _by_path([*_numbered(prompts), *(named_prompts or {}).items()])
    if texts:
        spec[Component.PROMPTS.value] = texts
    if tools:
        spec[Component.TOOLS.value] = {"tools/tools.json": _json(tools)}
    if model:
        spec[Component.MODEL.value] = {"model.json": _json(model)}
    about = {"format": format_name, **(config or {})}
    spec[Component.CONFIG.value] = {"config/agent.json": _json(about)}
    return spec


def _numbered(prompts: Sequence[str]) -> Iterable[tuple[str, str]]:
    for number, text in enumerate(prompts, 1):
        yield ("system" if number == 1 else f"system-{number}"), text


def _by_path(prompts: Iterable[tuple[str, str]]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for name, text in prompts:
        stem = _UNFIT.sub("-", name).strip(".-")[:_MAX_STEM] or "agent"
        path, number = f"prompts/{stem}.md", 1
        while path in files:
            number += 1
            path = f"prompts/{stem}-{number}.md"
        files[path] = text.encode("utf-8", "surrogatepass")
    return files


def _json(value: object) -> bytes:
    try:
        return canonical.dumps(value)
    except InvalidInputError:
        # Huge integers and lone surrogates are JSON, though not canonical JSON.
        try:
            return jsontext.encode(value).encode()
        except InvalidInputError as error:
            msg = f"the agent's configuration cannot be stored: {error.message}"
            raise InvalidSource(msg, hint=error.hint) from error
