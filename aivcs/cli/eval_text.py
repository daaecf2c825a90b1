"""How a person reads evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from aivcs.cli import output

if TYPE_CHECKING:
    from aivcs.cli.views import View
    from aivcs.services.evidence_files import Recording

_EXAMPLES: Final[tuple[output.Column, ...]] = (
    ("suite", lambda view: view["suite"]),
    ("example", lambda view: view["example_id"]),
    ("passes", lambda view: f"{view['passes']}/{view['trials']}"),
    ("tags", lambda view: " ".join(cast("list[str]", view["tags"]))),
)
_CHANGES: Final[tuple[output.Column, ...]] = (
    ("change", lambda view: view["change"]),
    ("suite", lambda view: view["suite"]),
    ("example", lambda view: view["example_id"]),
    ("a", lambda view: view["a"]),
    ("b", lambda view: view["b"]),
)
_SUMMARIES: Final[tuple[output.Column, ...]] = (
    ("spec", lambda view: output.short(view["spec_digest"])),
    ("suite", lambda view: view["suite"]),
    ("examples", lambda view: view["examples"]),
    ("trials", lambda view: view["trials"]),
    ("pass rate", lambda view: percent(view["pass_rate"])),
    ("runs", lambda view: view["runs"]),
)


def percent(share: object) -> str:
    """Return a share as a percentage, ``-`` for None."""
    return f"{share:.1%}" if isinstance(share, float) else "-"


def write_recording(found: Recording) -> None:
    """Print what was recorded."""
    results = output.counted(len(found.results), "result")
    passed = sum(result.passed for result in found.results)
    skipped = f", {found.skipped} skipped" if found.skipped else ""
    runs = output.counted(len(found.runs), "run")
    lines = [f"{results} of spec {found.spec_digest.short()} in {runs}: {passed} passed{skipped}"]
    output.write_lines(lines)


def write_summary(view: View) -> None:
    """Print what all evidence for a spec adds up to, then each suite of several."""
    fields: list[tuple[str, object]] = [("spec", view["spec_digest"]), *_shares(view)]
    suites = cast("list[View]", view["suites"])
    output.write_fields([*fields, ("runs", len(cast("list[View]", view["runs"])))])
    for suite in suites if len(suites) > 1 else ():
        output.write_lines([""])
        output.write_fields([("suite", suite["suite"]), *_shares(suite)])


def write_examples(views: list[View]) -> None:
    """Print one row an example."""
    output.write_table(_EXAMPLES, views)


def write_changes(views: list[View]) -> None:
    """Print one row a changed example."""
    output.write_table(_CHANGES, views)


def write_summaries(views: list[View]) -> None:
    """Print one row a spec and suite."""
    output.write_table(_SUMMARIES, views)


def _shares(view: View) -> list[tuple[str, object]]:
    _, *powers = cast("list[dict[str, object]]", view["pass_hat"])
    return [
        ("examples", view["example_count"]),
        ("trials", f"{view['trials']}, {view['passes']} passed"),
        ("pass rate", percent(view["pass_rate"])),
        *((f"pass^{one['k']}", percent(one["value"])) for one in powers),
    ]
