"""Gates: named rules that a release must pass before it is appended."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aivcs.domain.gates import approval, compat, labels, measured
from aivcs.domain.gates.forms import Count, Flag, Rate, Tags, Trials
from aivcs.domain.gates.model import Gate, Need, plain
from aivcs.domain.spec import Component
from aivcs.domain.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.canonical import Json
    from aivcs.domain.gates.model import Candidate

_EVIDENCE: Final = Need(evidence=True)

GATES: Final[Mapping[str, Gate]] = MappingProxyType(
    {
        "min_pass_rate": Gate(
            measured.min_pass_rate,
            Rate(0.95, least=True),
            "the mean share of trials that passed is smaller, or nothing was evaluated",
            _EVIDENCE,
        ),
        "min_pass_hat": Gate(
            measured.min_pass_hat,
            Trials(),
            "pass^k, the chance that k trials of an example all pass, is smaller",
            _EVIDENCE,
        ),
        "max_regression": Gate(
            measured.max_regression,
            Rate(0.05, least=False),
            "the pass rate lies further below that of the current release",
            _EVIDENCE,
        ),
        "no_flip": Gate(
            measured.no_flip,
            Flag(),
            "an example that passed with the current release fails, or was not evaluated",
            _EVIDENCE,
        ),
        "require_tag": Gate(
            measured.require_tag, Tags(), "an example with this tag failed", _EVIDENCE
        ),
        "min_examples": Gate(
            measured.min_examples, Count(), "fewer examples were evaluated", _EVIDENCE
        ),
        "require_approval": Gate(
            approval.require_approval,
            Count(),
            "fewer people other than the promoter approved the spec",
            Need(approvals=True),
        ),
        "spec_digest_valid": Gate(
            plain(compat.spec_digest_valid),
            Flag(),
            "the digest is not that of the spec's components",
        ),
        "require_tools_digest": Gate(
            compat.require(Component.TOOLS), Flag(), "the spec has no tools"
        ),
        "require_graph_digest": Gate(
            compat.require(Component.GRAPH), Flag(), "the spec has no graph"
        ),
        "no_tools_change": Gate(
            compat.unchanged(Component.TOOLS),
            Flag(),
            "the tools differ from those of the current release",
        ),
        "no_graph_change": Gate(
            compat.unchanged(Component.GRAPH),
            Flag(),
            "the graph differs from that of the current release",
        ),
        "semver_format": Gate(
            plain(labels.semver_format),
            Flag(),
            "the version label is missing or no semantic version (`1.2.0`, `2.0.0-rc.1`)",
        ),
        "version_bump": Gate(
            plain(labels.version_bump),
            Flag(),
            "the version label does not come after the current one",
        ),
        "unique_version": Gate(
            plain(labels.unique_version),
            Flag(),
            "an earlier release has this label",
            Need(labels=True),
        ),
        "require_notes": Gate(plain(labels.require_notes), Flag(), "there are no notes"),
        "require_spec_digest": Gate(plain(compat.require_spec_digest), Flag(), "there is no spec"),
    }
)
"""Every gate by name, and when it refuses."""


def evaluate(wanted: Mapping[str, Json], candidate: Candidate) -> tuple[Outcome, ...]:
    """Return what each of the gates says, in their order."""
    found: list[Outcome] = []
    for name, value in wanted.items():
        gate = GATES[name]
        hidden = measured.hidden(candidate) if gate.need.evidence else None
        passed, detail = hidden or gate.rule(candidate, value)
        found.append(Outcome(name, value, passed, detail))
    return tuple(found)
