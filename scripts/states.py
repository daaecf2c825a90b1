"""Renew what docs/states.md shows of the tables of moves, between its marks."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aivcs.domain.execution import MOVES, NEXT, Action, ExecutionState, WaitReason, status_of
from aivcs.domain.executions.model import STEP_MOVES, StepState
from aivcs.domain.executions.parsing import ACTIONS, VARIANTS

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = Path(__file__).resolve().parent.parent / "docs" / "states.md"
_PART = re.compile(r"(<!-- begin: (\w+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)


def executions() -> str:
    """Return the diagram of the states of an execution."""
    edges: dict[tuple[str, str], list[str]] = {}
    for action, (legal, target) in MOVES.items():
        for state in ExecutionState:
            if state in legal and target is not None:
                edges.setdefault((state.value, target.value), []).append(action.value)
    moves = [f"{old} --> {new}: {', '.join(actions)}" for (old, new), actions in edges.items()]
    ends = [f"{state.value} --> [*]" for state in ExecutionState if not NEXT[state]]
    return _diagram([f"[*] --> {ExecutionState.CREATED.value}", *sorted(moves), *ends])


def steps() -> str:
    """Return the diagram of the states of a step."""
    moves = [f"{old} --> {new}" for old, targets in STEP_MOVES.items() for new in sorted(targets)]
    ends = [f"{state.value} --> [*]" for state in StepState if state.terminal]
    return _diagram([f"[*] --> {StepState.PENDING.value}", *moves, *ends])


def actions() -> str:
    """Return the table of actions, with the events that are of each."""
    rows = [
        (
            action.value,
            ", ".join(state.value for state in ExecutionState if state in MOVES[action][0]),
            "stays" if (target := MOVES[action][1]) is None else target.value,
            ", ".join(f"`{kind}`" for kind, one in ACTIONS.items() if one is action),
        )
        for action in Action
    ]
    return _table(("Action", "Legal in", "Leads to", "Events"), rows)


def states() -> str:
    """Return the table of states, with what is asked of them."""
    rows = [
        (
            state.value,
            f"`{status_of(state).value}`",
            _yes(said=state.terminal),
            _yes(said=state.can_resume),
            _yes(said=state.active),
        )
        for state in ExecutionState
    ]
    return _table(("State", "Status", "Terminal", "Can resume", "Active"), rows)


def reasons() -> str:
    """Return the list of reasons to wait."""
    return ", ".join(f"`{reason.value}`" for reason in WaitReason) + "\n"


def neutral() -> str:
    """Return the list of an execution's own events that move nothing."""
    return ", ".join(f"`{kind}`" for kind in (*VARIANTS, "custom") if kind not in ACTIONS) + "\n"


PARTS = {part.__name__: part for part in (executions, steps, actions, states, reasons, neutral)}


def renewed(page: str) -> str:
    """Return the page with every part as the program has it."""
    return _PART.sub(lambda found: f"{found[1]}{PARTS[found[2]]()}{found[3]}", page)


def _diagram(lines: list[str]) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return f"```mermaid\nstateDiagram-v2\n{body}```\n"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _yes(*, said: bool) -> str:
    return "yes" if said else ""


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.exit(0)
