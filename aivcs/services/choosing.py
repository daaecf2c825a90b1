"""Which spec a run is recorded against when nobody names one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.folder import MANIFEST
from aivcs.domain.spec import Component
from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aivcs.domain.folder import Folder
    from aivcs.domain.spec import AgentSpec
    from aivcs.services.releases import ReleaseRegistry
    from aivcs.services.specs import SpecStore


_PLACES: Final = frozenset({*Component, "models", "skills"})


def choose_spec(
    specs: SpecStore,
    releases: ReleaseRegistry,
    *,
    agent: str | None,
    folder: Path,
    made: Callable[[AgentSpec], None],
) -> AgentSpec:
    """Return the spec of the agent's current release, else one made from ``folder``.

    ``made`` hears of a spec that was stored. Raises InvalidInputError when the agent has no
    release and the folder holds no agent, InvalidSpec for a manifest that is wrong.
    """
    release = releases.current(agent) if agent is not None else None
    if release is not None:
        return specs.get(release.spec_digest)
    try:
        found = specs.explain(folder)
    except InvalidInputError:
        if (folder / MANIFEST).exists():
            raise
        found = None
    if found is None or not _is_agent(found):
        whose = "no agent is named" if agent is None else f"{agent} has no release"
        msg = f"there is no spec to record against: {whose}, and {folder} holds no agent"
        raise InvalidInputError(
            msg,
            hint="give --spec, or --agent with a release, or call it in the agent's folder",
        )
    spec = specs.add(found)
    made(spec)
    return spec


def _is_agent(folder: Folder) -> bool:
    """Tell whether a folder is an agent's, and does not merely hold one somewhere below."""
    return folder.manifest is not None or any(
        "/" not in file.path or file.path.split("/")[0] in _PLACES for file in folder.files
    )
