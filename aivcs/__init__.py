"""Version control for AI agents.

The public names; each is imported when it is first used, so that ``import aivcs`` costs
little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from aivcs import errors

if TYPE_CHECKING:
    from aivcs.domain.attestation import Attestation as Attestation
    from aivcs.domain.attested import Attested as Attested
    from aivcs.domain.attested import verify_attestation as verify_attestation
    from aivcs.domain.bisect import Bisection as Bisection
    from aivcs.domain.bisect import BisectTerms as BisectTerms
    from aivcs.domain.collection import Collected as Collected
    from aivcs.domain.comparison import Shift as Shift
    from aivcs.domain.comparison import Shifted as Shifted
    from aivcs.domain.digest import Digest as Digest
    from aivcs.domain.diskuse import DiskUse as DiskUse
    from aivcs.domain.events import RunEvent as RunEvent
    from aivcs.domain.evidence import Evidence as Evidence
    from aivcs.domain.evidence import Example as Example
    from aivcs.domain.evidence import Flip as Flip
    from aivcs.domain.evidence import Result as Result
    from aivcs.domain.evidence import regressions as regressions
    from aivcs.domain.execution import ExecutionState as ExecutionState
    from aivcs.domain.execution import WaitReason as WaitReason
    from aivcs.domain.execution_snapshot import ExecutionSnapshot as ExecutionSnapshot
    from aivcs.domain.execution_snapshot import Freshness as Freshness
    from aivcs.domain.executions.data import ExecutionEventData as ExecutionEventData
    from aivcs.domain.executions.data import StoredEvent as StoredEvent
    from aivcs.domain.executions.facts import ArtifactStored as ArtifactStored
    from aivcs.domain.executions.facts import CheckpointSaved as CheckpointSaved
    from aivcs.domain.executions.facts import Custom as Custom
    from aivcs.domain.executions.facts import GoalEvaluated as GoalEvaluated
    from aivcs.domain.executions.facts import KnownEvent as KnownEvent
    from aivcs.domain.executions.facts import ToolCallCompleted as ToolCallCompleted
    from aivcs.domain.executions.facts import ToolCallStarted as ToolCallStarted
    from aivcs.domain.executions.failure import ErrorCategory as ErrorCategory
    from aivcs.domain.executions.failure import ExecutionError as ExecutionError
    from aivcs.domain.executions.lifecycle import ExecutionCancelled as ExecutionCancelled
    from aivcs.domain.executions.lifecycle import ExecutionCompleted as ExecutionCompleted
    from aivcs.domain.executions.lifecycle import ExecutionFailed as ExecutionFailed
    from aivcs.domain.executions.lifecycle import ExecutionInputReceived as ExecutionInputReceived
    from aivcs.domain.executions.lifecycle import ExecutionPaused as ExecutionPaused
    from aivcs.domain.executions.lifecycle import ExecutionPlanning as ExecutionPlanning
    from aivcs.domain.executions.lifecycle import ExecutionResumed as ExecutionResumed
    from aivcs.domain.executions.lifecycle import ExecutionStarted as ExecutionStarted
    from aivcs.domain.executions.lifecycle import ExecutionWaiting as ExecutionWaiting
    from aivcs.domain.executions.model import Execution as Execution
    from aivcs.domain.executions.model import Step as Step
    from aivcs.domain.executions.model import StepState as StepState
    from aivcs.domain.executions.reducer import fold as fold
    from aivcs.domain.executions.steps import StepCompleted as StepCompleted
    from aivcs.domain.executions.steps import StepDiscovered as StepDiscovered
    from aivcs.domain.executions.steps import StepFailed as StepFailed
    from aivcs.domain.executions.steps import StepStarted as StepStarted
    from aivcs.domain.executions.steps import StepType as StepType
    from aivcs.domain.proof_content import Shown as Shown
    from aivcs.domain.proof_content import verify_proof as verify_proof
    from aivcs.domain.published import Published as Published
    from aivcs.domain.release import ReleaseKind as ReleaseKind
    from aivcs.domain.release import ReleaseMetadata as ReleaseMetadata
    from aivcs.domain.release import ReleaseRecord as ReleaseRecord
    from aivcs.domain.repair import Repaired as Repaired
    from aivcs.domain.replay import ReplaySummary as ReplaySummary
    from aivcs.domain.replay import ResumePoint as ResumePoint
    from aivcs.domain.report import Problem as Problem
    from aivcs.domain.report import Report as Report
    from aivcs.domain.run import TRANSITIONS as TRANSITIONS
    from aivcs.domain.run import RunId as RunId
    from aivcs.domain.run import RunMetadata as RunMetadata
    from aivcs.domain.run import RunRecord as RunRecord
    from aivcs.domain.run import RunStatus as RunStatus
    from aivcs.domain.run import RunSummary as RunSummary
    from aivcs.domain.rundiff import RunDiff as RunDiff
    from aivcs.domain.sealed import Sealed as Sealed
    from aivcs.domain.spec import AgentSpec as AgentSpec
    from aivcs.domain.spec import SpecFile as SpecFile
    from aivcs.domain.stored import StoredObject as StoredObject
    from aivcs.domain.trace import TraceArtifact as TraceArtifact
    from aivcs.domain.usage import Explanation as Explanation
    from aivcs.errors import AivcsError as AivcsError
    from aivcs.ports import StorageBackend as StorageBackend
    from aivcs.repo import Repo as Repo
    from aivcs.repo import init as init
    from aivcs.repo import open_repo
    from aivcs.services.event_store import EventStore as EventStore
    from aivcs.services.evidence import EvidenceStore as EvidenceStore
    from aivcs.services.evidence_files import Recording as Recording
    from aivcs.services.objects import CasStore as CasStore
    from aivcs.services.releases import ReleaseRegistry as ReleaseRegistry
    from aivcs.services.replaying import Replay as Replay
    from aivcs.services.runs import RunLedger as RunLedger
    from aivcs.services.specs import SpecStore as SpecStore
    from aivcs.services.state_store import StateStore as StateStore

    open = open_repo

__version__ = "0.1.0"

_HOMES: Final = {
    "AgentSpec": "aivcs.domain.spec",
    "AivcsError": "aivcs.errors",
    "ArtifactStored": "aivcs.domain.executions.facts",
    "Attestation": "aivcs.domain.attestation",
    "Attested": "aivcs.domain.attested",
    "BisectTerms": "aivcs.domain.bisect",
    "Bisection": "aivcs.domain.bisect",
    "CasStore": "aivcs.services.objects",
    "CheckpointSaved": "aivcs.domain.executions.facts",
    "Collected": "aivcs.domain.collection",
    "Custom": "aivcs.domain.executions.facts",
    "Digest": "aivcs.domain.digest",
    "DiskUse": "aivcs.domain.diskuse",
    "ErrorCategory": "aivcs.domain.executions.failure",
    "EventStore": "aivcs.services.event_store",
    "Evidence": "aivcs.domain.evidence",
    "EvidenceStore": "aivcs.services.evidence",
    "Example": "aivcs.domain.evidence",
    "Execution": "aivcs.domain.executions.model",
    "ExecutionCancelled": "aivcs.domain.executions.lifecycle",
    "ExecutionCompleted": "aivcs.domain.executions.lifecycle",
    "ExecutionError": "aivcs.domain.executions.failure",
    "ExecutionEventData": "aivcs.domain.executions.data",
    "ExecutionFailed": "aivcs.domain.executions.lifecycle",
    "ExecutionInputReceived": "aivcs.domain.executions.lifecycle",
    "ExecutionPaused": "aivcs.domain.executions.lifecycle",
    "ExecutionPlanning": "aivcs.domain.executions.lifecycle",
    "ExecutionResumed": "aivcs.domain.executions.lifecycle",
    "ExecutionSnapshot": "aivcs.domain.execution_snapshot",
    "ExecutionStarted": "aivcs.domain.executions.lifecycle",
    "ExecutionState": "aivcs.domain.execution",
    "ExecutionWaiting": "aivcs.domain.executions.lifecycle",
    "Explanation": "aivcs.domain.usage",
    "Flip": "aivcs.domain.evidence",
    "Freshness": "aivcs.domain.execution_snapshot",
    "GoalEvaluated": "aivcs.domain.executions.facts",
    "KnownEvent": "aivcs.domain.executions.facts",
    "Problem": "aivcs.domain.report",
    "Published": "aivcs.domain.published",
    "Recording": "aivcs.services.evidence_files",
    "ReleaseKind": "aivcs.domain.release",
    "ReleaseMetadata": "aivcs.domain.release",
    "ReleaseRecord": "aivcs.domain.release",
    "ReleaseRegistry": "aivcs.services.releases",
    "Repaired": "aivcs.domain.repair",
    "Replay": "aivcs.services.replaying",
    "ReplaySummary": "aivcs.domain.replay",
    "Repo": "aivcs.repo",
    "Report": "aivcs.domain.report",
    "Result": "aivcs.domain.evidence",
    "ResumePoint": "aivcs.domain.replay",
    "RunDiff": "aivcs.domain.rundiff",
    "RunEvent": "aivcs.domain.events",
    "RunId": "aivcs.domain.run",
    "RunLedger": "aivcs.services.runs",
    "RunMetadata": "aivcs.domain.run",
    "RunRecord": "aivcs.domain.run",
    "RunStatus": "aivcs.domain.run",
    "RunSummary": "aivcs.domain.run",
    "Sealed": "aivcs.domain.sealed",
    "Shift": "aivcs.domain.comparison",
    "Shifted": "aivcs.domain.comparison",
    "Shown": "aivcs.domain.proof_content",
    "SpecFile": "aivcs.domain.spec",
    "SpecStore": "aivcs.services.specs",
    "StateStore": "aivcs.services.state_store",
    "Step": "aivcs.domain.executions.model",
    "StepCompleted": "aivcs.domain.executions.steps",
    "StepDiscovered": "aivcs.domain.executions.steps",
    "StepFailed": "aivcs.domain.executions.steps",
    "StepStarted": "aivcs.domain.executions.steps",
    "StepState": "aivcs.domain.executions.model",
    "StepType": "aivcs.domain.executions.steps",
    "StorageBackend": "aivcs.ports",
    "StoredEvent": "aivcs.domain.executions.data",
    "StoredObject": "aivcs.domain.stored",
    "TRANSITIONS": "aivcs.domain.run",
    "ToolCallCompleted": "aivcs.domain.executions.facts",
    "ToolCallStarted": "aivcs.domain.executions.facts",
    "TraceArtifact": "aivcs.domain.trace",
    "WaitReason": "aivcs.domain.execution",
    "fold": "aivcs.domain.executions.reducer",
    "init": "aivcs.repo",
    "regressions": "aivcs.domain.evidence",
    "verify_attestation": "aivcs.domain.attested",
    "verify_proof": "aivcs.domain.proof_content",
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
