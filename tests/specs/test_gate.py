from __future__ import annotations

from dataclasses import replace

import pytest

from aivcs.domain.digest import Digest
from aivcs.domain.gate import GATES, evaluate
from aivcs.domain.gates.model import Candidate, Need
from aivcs.domain.policy import read_requirements
from aivcs.domain.release import ReleaseMetadata
from aivcs.domain.spec import AgentSpec, spec_document
from aivcs.domain.verdict import Outcome
from aivcs.errors import InvalidInputError


def spec(**components: bytes) -> AgentSpec:
    found = {part: Digest.of(content) for part, content in components.items()}
    return AgentSpec(Digest.of(spec_document(found)), found, "helper")


FULL = spec(tools=b"t", graph=b"g")


def candidate(
    label: str | None = None,
    notes: str | None = None,
    found: AgentSpec | None = FULL,
    current: AgentSpec | None = None,
    current_label: str | None = None,
) -> Candidate:
    return Candidate(
        metadata=ReleaseMetadata(promoted_by="me", version_label=label, notes=notes),
        spec=found,
        current=current,
        current_label=current_label,
        labels=frozenset({"1.0.0", "nightly"}),
    )


PASSES = [
    ("spec_digest_valid", candidate()),
    ("require_tools_digest", candidate()),
    ("require_graph_digest", candidate()),
    ("no_tools_change", candidate()),
    ("no_tools_change", candidate(current=spec(tools=b"t"))),
    ("no_tools_change", candidate(found=spec(graph=b"g"), current=spec(model=b"m"))),
    ("no_graph_change", candidate(current=spec(graph=b"g", tools=b"other"))),
    ("semver_format", candidate("1.2.3-rc.1")),
    ("version_bump", candidate("anything")),
    ("version_bump", candidate("1.10.0", current_label="1.9.0")),
    ("unique_version", candidate("2.0.0")),
    ("unique_version", candidate()),
    ("require_notes", candidate(notes="why")),
    ("require_spec_digest", candidate()),
]
REFUSES = [
    ("spec_digest_valid", candidate(found=None), "there is no spec"),
    ("spec_digest_valid", candidate(found=replace(FULL, digest=Digest.of(b""))), "components give"),
    ("require_tools_digest", candidate(found=spec(graph=b"g")), "no tools"),
    ("require_graph_digest", candidate(found=None), "no graph"),
    ("no_tools_change", candidate(current=spec(tools=b"u")), "tools changed from"),
    ("no_tools_change", candidate(current=spec(graph=b"g")), "tools changed from nothing to"),
    ("no_graph_change", candidate(found=None, current=FULL), "to nothing"),
    ("semver_format", candidate("v1.2.3"), "'v1.2.3' is not a version"),
    ("semver_format", candidate(), "no version label"),
    ("version_bump", candidate("1.2.3", current_label="1.2.3"), "1.2.3 does not come after 1.2.3"),
    ("version_bump", candidate("1.9.0", current_label="1.10.0"), "does not come after"),
    ("version_bump", candidate("x", current_label="1.0.0"), "'x' is not a version"),
    ("version_bump", candidate("1.0.0", current_label="x"), "'x' is not a version"),
    ("version_bump", candidate(current_label="1.0.0"), "the current one is '1.0.0'"),
    ("unique_version", candidate("nightly"), "'nightly' is the label of an earlier release"),
    ("require_notes", candidate(notes=" \n"), "no notes"),
    ("require_notes", candidate(), "no notes"),
    ("require_spec_digest", candidate(found=None), "no spec digest"),
]


def test_the_names_are_those_of_the_source() -> None:
    assert [name for name, gate in GATES.items() if gate.need in (Need(), Need(labels=True))] == [
        "spec_digest_valid",
        "require_tools_digest",
        "require_graph_digest",
        "no_tools_change",
        "no_graph_change",
        "semver_format",
        "version_bump",
        "unique_version",
        "require_notes",
        "require_spec_digest",
    ]


@pytest.mark.parametrize(("gate", "asked"), PASSES)
def test_a_gate_that_passes(gate: str, asked: Candidate) -> None:
    assert evaluate({gate: True}, asked) == (Outcome(gate, True, True),)  # noqa: FBT003 - values


@pytest.mark.parametrize(("gate", "asked", "detail"), REFUSES)
def test_a_gate_that_refuses(gate: str, asked: Candidate, detail: str) -> None:
    (outcome,) = evaluate({gate: True}, asked)
    assert (outcome.gate, outcome.passed) == (gate, False)
    assert detail in outcome.detail


def test_all_outcomes_are_collected_in_the_order_asked() -> None:
    asked = read_requirements(
        ["require_notes", "spec_digest_valid", "semver_format", "require_notes"]
    )
    outcomes = evaluate(asked, candidate("x"))
    assert [(one.gate, one.passed) for one in outcomes] == [
        ("require_notes", False),
        ("spec_digest_valid", True),
        ("semver_format", False),
    ]
    assert evaluate({}, candidate("x")) == ()


def test_an_unknown_gate_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInputError, match="unknown gate 'semver'") as caught:
        read_requirements(["require_notes", "semver"])
    assert caught.value.hint == f"the gates are {', '.join(GATES)}"
