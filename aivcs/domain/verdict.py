"""A verdict: what the gates said of a candidate, and what that rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from aivcs.domain.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.canonical import Json


class Outcome(NamedTuple):
    """What one gate said: the value that was asked, and what was seen."""

    gate: str
    value: Json
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What every gate of a policy said.

    ``policy`` is the digest of the policy's canonical JSON. ``evidence`` are the run id and
    the seal's hash, in hex, of each run that was read, sorted.
    """

    policy: Digest
    gates: tuple[Outcome, ...]
    evidence: tuple[tuple[str, str], ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every gate passed."""
        return all(one.passed for one in self.gates)

    def violations(self) -> str:
        """Say which gates refuse and why; nothing where all pass."""
        return "; ".join(f"{one.gate}: {one.detail}" for one in self.gates if not one.passed)

    def json(self) -> dict[str, Json]:
        """Return it as the body of a release entry has it."""
        return {
            "policy": str(self.policy),
            "passed": self.passed,
            "gates": [one._asdict() for one in self.gates],
            "evidence": [list(one) for one in self.evidence],
        }


def read_verdict(said: Mapping[str, Any]) -> Verdict:
    """Return what ``json`` gave; KeyError, TypeError or ValueError for anything else."""
    gates = tuple(Outcome(**one) for one in said["gates"])
    evidence = tuple((str(run), str(seal)) for run, seal in said["evidence"])
    found = Verdict(Digest.parse(said["policy"]), gates, evidence)
    if found.passed is not said["passed"]:
        msg = "the verdict contradicts its gates"
        raise ValueError(msg)
    return found
