"""tau-bench: a list of runs, each a chat with a simulated user and a reward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.trajectories.agent import describe
from aivcs.trajectories.batches import find_runs
from aivcs.trajectories.messages import add_messages, prompts_of, tool_names
from aivcs.trajectories.transcript import Transcript
from aivcs.trajectories.verdict import add_verdict, only

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.domain.canonical import Json
    from aivcs.trajectories.batches import Found
    from aivcs.trajectories.model import Recorded
    from aivcs.trajectories.source import Source

FORMAT: Final = "tau-bench"
_EXPECTED: Final = "a list of runs with 'traj', a list of messages"


def recognises(value: Json) -> bool:
    """Say whether this is a run, or a list that has one first."""
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, dict)), None)
    return isinstance(value, dict) and isinstance(value.get("traj"), list)


def read(source: Source) -> tuple[Recorded, ...]:
    """Return the runs of a list, or the one run of an object; InvalidSource if it is neither."""
    document = source.document
    items = document if isinstance(document, list) else [document]
    runs = find_runs((f"entry {number}", item) for number, item in enumerate(items))
    chats = [_chat(run) for run in runs]
    if not runs or None in chats:
        raise source.misfit(FORMAT, _EXPECTED)
    called: dict[tuple[str, ...], set[str]] = {}
    for chat in chats:
        called.setdefault(tuple(prompts_of(chat or ())), set()).update(tool_names(chat or ()))
    return tuple(
        _run(index, run, chat or (), called)
        for index, (run, chat) in enumerate(zip(runs, chats, strict=True))
    )


def _chat(run: Found) -> Sequence[Json] | None:
    chat = run.value.get("traj")
    return chat if isinstance(chat, list) else None


def _run(
    index: int, run: Found, chat: Sequence[Json], called: dict[tuple[str, ...], set[str]]
) -> Recorded:
    out = Transcript()
    run.keep_before(out)
    add_messages(out, chat, run.where)
    reward = run.value.get("reward")
    if isinstance(reward, int | float):
        details = {"score": reward, **only(run.value, "trial", "info")}
        add_verdict(
            out, FORMAT, run.value.get("task_id", index), passed=reward == 1, details=details
        )
    run.keep_after(out)
    prompts = prompts_of(chat)
    # The tools of an agent are those called in any of its runs, else each run had its own spec.
    tools = sorted(called[tuple(prompts)])
    return out.recorded(
        index,
        FORMAT,
        tags={"format": FORMAT, **only(run.value, "task_id", "trial", "reward")},
        spec=describe(FORMAT, prompts=prompts, tools=tools),
    )
