"""Judging a candidate: which gates count, what they are told, and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.gate import evaluate
from aivcs.domain.gates.model import Candidate
from aivcs.domain.policy import Policies, read_requirements
from aivcs.domain.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aivcs.domain.canonical import Json
    from aivcs.domain.digest import Digest
    from aivcs.domain.evidence import Example
    from aivcs.domain.gates.model import Examples
    from aivcs.domain.policy import Policy
    from aivcs.domain.release import ReleaseMetadata, ReleaseRecord
    from aivcs.domain.spec import AgentSpec
    from aivcs.services.approving import Approvals
    from aivcs.services.evidence import EvidenceStore
    from aivcs.services.objects import CasStore
    from aivcs.services.specs import SpecStore


class Judge:
    """Evaluates gates on what this repository has, and on nothing else."""

    def __init__(
        self,
        policies: Policies | None,
        objects: CasStore,
        specs: SpecStore,
        evidence: EvidenceStore,
        approvals: Approvals,
    ) -> None:
        self._policies = policies or Policies()
        self._objects = objects
        self._specs = specs
        self._evidence = evidence
        self._approvals = approvals

    def policy(self, name: str, spec: AgentSpec, require: Iterable[str]) -> Policy | None:
        """Return the gates for a release of ``spec`` under ``name``; None without any.

        To those of the repository come those of the spec's manifest and of ``require``.
        Raises InvalidInputError for a gate or a value that there is not, InvalidSpec for one
        in the manifest.
        """
        asked = read_requirements(require)
        policy = self._policies.of(name).adding(self._additions(spec)).adding(asked)
        return policy if policy.gates else None

    def verdict(
        self,
        name: str,
        policy: Policy,
        spec: AgentSpec,
        metadata: ReleaseMetadata,
        current: ReleaseRecord | None,
        bears: Callable[[str], bool],
    ) -> Verdict:
        """Return what the gates say now; ``bears`` tells whether a label is taken."""
        need = policy.need
        label = metadata.version_label
        taken = need.labels and label is not None and bears(label)
        seals: dict[str, str] = {}
        examples: Examples = {}
        baseline: Examples = {}
        erased = 0
        approvers: frozenset[str] = frozenset()
        if need.evidence:
            examples, erased = self._examples(spec.digest, policy.suites, seals)
            if current is not None and current.spec_digest == spec.digest:
                baseline = examples
            elif current is not None:
                baseline, more = self._examples(current.spec_digest, policy.suites, seals)
                erased += more
        if need.approvals:
            approved = [
                one
                for one in self._approvals.of(spec.digest)
                if one.name is None or one.name == name
            ]
            approvers = frozenset(one.actor for one in approved)
            seals.update((one.run_id, one.seal) for one in approved)
        candidate = Candidate(
            metadata=metadata,
            spec=spec,
            current=None if current is None else self._specs.get(current.spec_digest),
            current_label=None if current is None else current.metadata.version_label,
            labels=frozenset({label} if taken and label is not None else ()),
            examples=examples,
            baseline=baseline,
            suites=policy.suites,
            erased=0 if policy.erased else erased,
            approvers=approvers,
            self_approval=policy.self_approval,
        )
        outcomes = evaluate(policy.gates, candidate)
        return Verdict(policy.digest, outcomes, tuple(sorted(seals.items())))

    def _examples(
        self, digest: Digest, suites: tuple[str, ...], seals: dict[str, str]
    ) -> tuple[Examples, int]:
        """Return the examples of a spec by suite and id, and how many results were erased.

        ``seals`` takes those of the runs.
        """
        evidence = self._evidence.of(digest)
        found: dict[tuple[str, str], Example] = {}
        for part in map(evidence.of, suites) if suites else (evidence,):
            found.update(part.examples())
            seals.update(part.seals)
        return found, evidence.erased

    def _additions(self, spec: AgentSpec) -> Mapping[str, Json]:
        if spec.manifest is None:
            return {}
        import tomllib

        from aivcs.domain.manifest import read_manifest

        return read_manifest(tomllib.loads(self._objects.get(spec.manifest).decode())).gates
