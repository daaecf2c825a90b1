"""The story of the demo: each step is a few sentences and the command they explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

AGENT: Final = "demo-agent"
FIRST: Final = "agent-v1"
SECOND: Final = "agent-v2"
RESTORED: Final = "restored"

PREFACE: Final = (
    "The story of one agent: a first version, a second one that fails, and the way back. The"
    " two versions are real, SWE-agent's default configuration before and after a change. The"
    " six runs are real too, from tau-bench. That these runs belong to these versions is"
    " staged for the demo; SOURCES.md says where each file comes from."
)
EPILOGUE: Final = (
    "That is the whole story. Change into the folder and repeat any command as it stands;"
    " only 'spec checkout' wants the name of a new folder each time."
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: ``text`` explains it, ``args`` is what follows ``aivcs``.

    ``identical`` names two folders that must be the same byte for byte afterwards.
    """

    text: str
    args: tuple[str, ...]
    identical: tuple[str, str] | None = None


def steps(first: str, second: str) -> tuple[Step, ...]:
    """Return the steps; ``first`` and ``second`` are the digests of the two specs, or begin them.

    They are to be run in a folder that ``aivcs.demo.stage`` has laid out.
    """
    return (
        Step("A repository keeps what happened. It is a folder, and needs no server.", ("init",)),
        Step(
            "A spec is everything a version of an agent consists of. Its name is the SHA-256"
            " of its content: the same files have the same name everywhere.",
            ("spec", "add", FIRST, "--name", AGENT),
        ),
        Step(
            "Promote it: this is now the version in production.",
            (
                *("promote", AGENT, first),
                *("--version-label", "v1.0.0", "--notes", "first release"),
            ),
        ),
        Step(
            "Record three runs against it. Every message and tool call becomes an event.",
            (
                *("run", "record", "--agent", AGENT),
                *("--spec", f"{AGENT}@v1.0.0", "--events", "runs-v1.json"),
            ),
        ),
        Step("The second version comes along.", ("spec", "add", SECOND, "--name", AGENT)),
        Step(
            "What changed? It sets a temperature and asks the model to think harder.",
            ("spec", "diff", first, second),
        ),
        Step(
            "That sounds good, so it goes into production.",
            (
                *("promote", AGENT, second),
                *("--version-label", "v2.0.0", "--notes", "more reasoning"),
            ),
        ),
        Step(
            "Record three runs against it too.",
            (
                *("run", "record", "--agent", AGENT),
                *("--spec", f"{AGENT}@v2.0.0", "--events", "runs-v2.json"),
            ),
        ),
        Step("This is in production now.", ("current", AGENT)),
        Step(
            "How did they do? The reward is tau-bench's verdict: 1.0 for a task that was solved."
            " All runs of the first version solved theirs; two of the second did not.",
            ("run", "list"),
        ),
        Step(
            "Look at the end of the newest run. The customer leaves without help, and the"
            " verdict is an event like any other.",
            ("run", "events", "latest", "--after", "11"),
        ),
        Step(
            "So go back. Nothing is erased: the first release is appended again, with a reason.",
            ("rollback", AGENT, "--reason", "two of three runs failed"),
        ),
        Step("The history tells all of it, the newest entry first.", ("history", AGENT)),
        Step(
            "Write the current release into a new folder.",
            ("spec", "checkout", AGENT, RESTORED),
            identical=(FIRST, RESTORED),
        ),
        Step("Last, read everything that is stored again, and check it.", ("verify",)),
    )
