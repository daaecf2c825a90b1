"""The page of results, made of the figures of one run and of nothing else."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmarks.model import Bar, Report, Result, Side

_HEAD = """\
# Benchmarks

`make bench` writes this page; the figures are those of one run on one machine. Compare the
ratios: absolute figures belong to the machine. All sides of a comparison were measured in
turn within the run, back and forth, so that whatever else the machine did hit them alike. A
ratio is taken within each repetition; given are the median and, in brackets, the least and
the greatest. The median decides whether a bar is reached. Peak memory is never less than 10 MB
here: so much has the small program that starts all others and takes their time.

The documents are made by `benchmarks/documents.py`, the same at every run: the specs,
messages, tool calls, tool results and checkpoints of invented runs, 512 bytes to 8 KiB of
JSON each. Their sentences come from a chain of words learned from the runs that are bundled
with the package; ids, amounts and times are random; what repeats does so as in real runs:
keys and instructions everywhere, ids within a run, messages in checkpoints. Compressed one by
one, with a trained dictionary and in blocks they shrink about as much as the events of the
bundled runs do.
"""

_LEDGER_HEAD = """\
# Benchmarks of the ledger

`make bench-ledger` writes this page; the figures are those of one run on one machine. Compare
the ratios: absolute figures belong to the machine. All sides of a comparison were measured in
turn within the run, back and forth, so that whatever else the machine did hit them alike. A
ratio is taken within each repetition; given are the median and, in brackets, the least and
the greatest. The median decides whether a bar is reached. What is durable on each side is said
below each table: every side that writes flushes before it says that an event is stored, unless
it is said otherwise.

The event is a small tool call, about 190 bytes of JSON (`benchmarks/recorders/events.py`).
Each store gets it as its library takes events: MLflow as a metric, LangGraph as a checkpoint
or as writes of one, DBOS as the result of a step, `eventsourcing` as a stored event, the
OpenAI Agents SDK as an item of a session. None of them but aivcs keeps a proof of what was
recorded or refuses to have it changed. Benchmarks of objects: [benchmarks](benchmarks.md).
"""


def page(report: Report) -> str:
    """Return the page as Markdown."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield _LEDGER_HEAD if report.settings.get("part") == "ledger" else _HEAD
    yield "## What is to be reached\n"
    yield from _table(("row", "comparison", "bar", "found", "reached"), "rllrl", _bars(report))
    yield "\n## Machine, versions, settings\n"
    facts = {**report.machine, **report.versions, **report.settings}
    yield from _table(("what", "here"), "ll", facts.items())
    for result in report.results:
        yield f"\n## {result.row}. {result.title[0].upper()}{result.title[1:]}\n"
        yield result.about + "\n"
        yield from _sides(result)


def _bars(report: Report) -> Iterator[Sequence[str]]:
    for result in report.results:
        for bar in result.bars:
            found = result.judged(bar)
            yield (
                str(result.row),
                f"{result.title}: {_compared(bar, result)}",
                _wanted(bar),
                _spread(found),
                "yes" if result.met(bar) else "**no**",
            )


def _compared(bar: Bar, result: Result) -> str:
    what = bar.of or result.unit
    if not bar.other:
        return f"{bar.ours}, {what}"
    return f"{bar.ours} / {bar.other}" + (f", {bar.of}" if bar.of else "")


def _wanted(bar: Bar) -> str:
    times = "x" if bar.other else ""
    parts = []
    if bar.at_least is not None:
        parts.append(f">= {bar.at_least:g}{times}")
    if bar.at_most is not None:
        parts.append(f"<= {bar.at_most:g}{times}")
    return ", ".join(parts)


def _sides(result: Result) -> Iterator[str]:
    facts = list(dict.fromkeys(key for side in result.sides for key in side.measured[0].facts))
    head = ("side", result.unit, *facts)
    yield from _table(
        head, "l" + "r" * (len(facts) + 1), (_row(side, facts) for side in result.sides)
    )
    yield ""
    yield from (f"- **{side.name}**: `{side.ran}`; {side.durable}" for side in result.sides)


def _row(side: Side, facts: Iterable[str]) -> Sequence[str]:
    figures = [_figure(median(side.fact(fact))) for fact in facts]
    return (side.name, _spread(side.values), *figures)


def _spread(values: Sequence[float]) -> str:
    middle = _figure(median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({_figure(min(values))} - {_figure(max(values))})"


def _figure(value: float) -> str:
    """Return three digits that count, and no more."""
    if value == 0:
        return "0"
    if abs(value) >= 100:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"  # noqa: PLR2004


def _table(head: Sequence[str], sides: str, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---:' if side == 'r' else '---' for side in sides)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"
