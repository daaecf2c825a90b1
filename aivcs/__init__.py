"""Version control for AI agents.

The public names; each is imported when it is first used, so that ``import aivcs`` costs
little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from aivcs import errors

if TYPE_CHECKING:
    from aivcs.domain.collection import Collected as Collected
    from aivcs.domain.digest import Digest as Digest
    from aivcs.domain.diskuse import DiskUse as DiskUse
    from aivcs.domain.events import RunEvent as RunEvent
    from aivcs.domain.execution_snapshot import ExecutionSnapshot as ExecutionSnapshot
    from aivcs.domain.execution_snapshot import Freshness as Freshness
    from aivcs.domain.release import ReleaseKind as ReleaseKind
    from aivcs.domain.release import ReleaseMetadata as ReleaseMetadata
    from aivcs.domain.release import ReleaseRecord as ReleaseRecord
    from aivcs.domain.repair import Repaired as Repaired
    from aivcs.domain.report import Problem as Problem
    from aivcs.domain.report import Report as Report
    from aivcs.domain.run import TRANSITIONS as TRANSITIONS
    from aivcs.domain.run import RunId as RunId
    from aivcs.domain.run import RunMetadata as RunMetadata
    from aivcs.domain.run import RunRecord as RunRecord
    from aivcs.domain.run import RunStatus as RunStatus
    from aivcs.domain.run import RunSummary as RunSummary
    from aivcs.domain.sealed import Sealed as Sealed
    from aivcs.domain.spec import AgentSpec as AgentSpec
    from aivcs.domain.spec import SpecFile as SpecFile
    from aivcs.domain.stored import StoredObject as StoredObject
    from aivcs.domain.usage import Explanation as Explanation
    from aivcs.errors import AivcsError as AivcsError
    from aivcs.ports import StorageBackend as StorageBackend
    from aivcs.repo import Repo as Repo
    from aivcs.repo import init as init
    from aivcs.repo import open_repo
    from aivcs.services.objects import CasStore as CasStore
    from aivcs.services.releases import ReleaseRegistry as ReleaseRegistry
    from aivcs.services.runs import RunLedger as RunLedger
    from aivcs.services.specs import SpecStore as SpecStore
    from aivcs.services.state_store import StateStore as StateStore

    open = open_repo

__version__ = "0.1.0"

_HOMES: Final = {
    "AgentSpec": "aivcs.domain.spec",
    "AivcsError": "aivcs.errors",
    "CasStore": "aivcs.services.objects",
    "Collected": "aivcs.domain.collection",
    "Digest": "aivcs.domain.digest",
    "DiskUse": "aivcs.domain.diskuse",
    "ExecutionSnapshot": "aivcs.domain.execution_snapshot",
    "Explanation": "aivcs.domain.usage",
    "Freshness": "aivcs.domain.execution_snapshot",
    "Problem": "aivcs.domain.report",
    "ReleaseKind": "aivcs.domain.release",
    "ReleaseMetadata": "aivcs.domain.release",
    "ReleaseRecord": "aivcs.domain.release",
    "ReleaseRegistry": "aivcs.services.releases",
    "Repaired": "aivcs.domain.repair",
    "Repo": "aivcs.repo",
    "Report": "aivcs.domain.report",
    "RunEvent": "aivcs.domain.events",
    "RunId": "aivcs.domain.run",
    "RunLedger": "aivcs.services.runs",
    "RunMetadata": "aivcs.domain.run",
    "RunRecord": "aivcs.domain.run",
    "RunStatus": "aivcs.domain.run",
    "RunSummary": "aivcs.domain.run",
    "Sealed": "aivcs.domain.sealed",
    "SpecFile": "aivcs.domain.spec",
    "SpecStore": "aivcs.services.specs",
    "StateStore": "aivcs.services.state_store",
    "StorageBackend": "aivcs.ports",
    "StoredObject": "aivcs.domain.stored",
    "TRANSITIONS": "aivcs.domain.run",
    "init": "aivcs.repo",
}
_RENAMED: Final = {"open": ("aivcs.repo", "open_repo")}

__all__ = [  # noqa: PLE0604 - made from the tables above
    *_HOMES,
    *_RENAMED,
    "__version__",
    "errors",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    home, attribute = _RENAMED.get(name, (_HOMES.get(name, ""), name))
    if not home:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(home), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
