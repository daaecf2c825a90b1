"""How a person reads a bisection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.cli import output

if TYPE_CHECKING:
    from aivcs.domain.bisect import Bisection, Candidate, Evaluation


def told(name: str, evaluation: Evaluation) -> str:
    """Return the line that tells of one evaluation."""
    subject = evaluation.subject
    what = f"{name}@{subject.seq}"
    if subject.components:
        what = f"the last good spec with {_all(subject.components)} of the bad one"
    return f"{what}: {evaluation.answer.value}"


def write(found: Bisection) -> None:
    """Print the result."""
    fields: list[tuple[str, object]] = []
    if found.first_bad is not None:
        fields.append(("first bad", _release(found.name, found.first_bad)))
    else:
        fields += [("could be", _release(found.name, one)) for one in found.could_be]
    fields.append(("last good", _release(found.name, found.last_good)))
    if found.components:
        fields.append(("to blame", _all(found.components)))
    elif found.differing:
        fields.append(("differing", ", ".join(found.differing)))
    fields += [
        ("evaluations", len(found.evaluations)),
        ("confidence", f"{found.confidence:.4f}".rstrip("0").rstrip(".")),
        ("run", found.run_id),
    ]
    output.write_fields(fields)


def untold(found: Bisection) -> str:
    """Return what is said of a bisection that did not find the first bad release."""
    count = len(found.could_be)
    return f"not told apart: the first bad release is one of {count}; see 'could be'"


def _release(name: str, release: Candidate) -> str:
    label = "" if release.label is None else f" ({release.label})"
    return f"{name}@{release.seq}{label}, spec {release.spec_digest.short()}"


def _all(components: tuple[str, ...]) -> str:
    return " and ".join(components)
