"""JSON documents of 512 bytes to 8 KiB as agents write them, the same for the same seed.

They come in runs, as the files of an agent do. A run has an agent with instructions and
tools, and a conversation: what the user says, what the model answers and which tool it
calls, what the tool returns (records, listings, logs), and now and then a checkpoint that
repeats the last messages. What repeats does so as in real runs: keys and instructions
everywhere, ids within a run, messages in checkpoints. Sentences come from a chain of words
learned from the bundled runs; ids, amounts and times are random.
"""

from __future__ import annotations

import json
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING, Final, TypeAlias

from benchmarks.speech import sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

Value: TypeAlias = "str | int | float | list[Value] | dict[str, Value]"
Object: TypeAlias = "dict[str, Value]"

SMALLEST: Final = 512
LARGEST: Final = 8 * 2**10
_AGENTS: Final = 40
_CHECKPOINT_EVERY: Final = 7
_TOOLS: Final = (
    ("get_user_details", "user_id"),
    ("search_direct_flight", "origin"),
    ("book_reservation", "reservation_id"),
    ("update_reservation_flights", "reservation_id"),
    ("open_file", "path"),
    ("edit", "path"),
    ("run_tests", "path"),
    ("web_search", "query"),
    ("list_folder", "path"),
    ("send_certificate", "user_id"),
)
_STATES: Final = ("available", "delayed", "cancelled", "on time", "landed", "pending")
_NAMES: Final = ("olivia", "mei", "omar", "lucas", "aarav", "sofia", "noah", "emma", "ivan", "yara")
_SURNAMES: Final = ("gonzalez", "lee", "davis", "rossi", "patel", "kim", "silva", "moore", "khan")
_PARTS: Final = ("core", "io", "model", "store", "cli", "query", "cache", "auth", "plan", "views")


def documents(count: int, seed: int = 1) -> Iterator[bytes]:
    """Yield ``count`` different documents, grouped by run in the order they were written."""
    made: set[bytes] = set()
    for document in _endless(Random(seed), max(2000, min(count * 3, 120_000))):
        if len(made) == count:
            return
        name = sha256(document).digest()
        if len(document) >= SMALLEST and name not in made:
            made.add(name)
            yield document


def _endless(random: Random, spoken: int) -> Iterator[bytes]:
    pool = sentences(random, spoken)
    agents = [_Agent(random, pool, number) for number in range(_AGENTS)]
    while True:
        yield from _Conversation(random, pool, random.choice(agents)).documents()


class _Agent:
    """What all runs of one agent have in common."""

    def __init__(self, random: Random, pool: list[str], number: int) -> None:
        self.name = f"{random.choice(_PARTS)}-agent-{number}"
        self.instructions = ". ".join(random.sample(pool, random.randrange(6, 16)))
        self.tools = random.sample(_TOOLS, random.randrange(3, 7))
        self.model = random.choice(("gpt-4o", "claude-sonnet", "qwen-72b", "llama-70b"))

    def spec(self, random: Random) -> Object:
        """Return the agent's configuration as a run finds it."""
        tools: list[Value] = [
            {
                "type": "function",
                "function": {
                    "name": name,
                    "description": f"Call {name} with the {argument} it needs.",
                    "parameters": {
                        "type": "object",
                        "properties": {argument: {"type": "string"}},
                        "required": [argument],
                    },
                },
            }
            for name, argument in self.tools
        ]
        return {
            "agent": self.name,
            "model": self.model,
            "temperature": random.randrange(11) / 10,
            "prompt": self.instructions,
            "tools": tools,
        }


class _Conversation:
    """One run of an agent, message by message."""

    def __init__(self, random: Random, pool: list[str], agent: _Agent) -> None:
        self._random = random
        self._pool = pool
        self._agent = agent
        self._run = _hex(random, 32)
        self._user = f"{random.choice(_NAMES)}_{random.choice(_SURNAMES)}_{random.randrange(10**4)}"
        self._clock = random.randrange(1_700_000_000, 1_760_000_000)
        self._steps: list[Object] = []

    def documents(self) -> Iterator[bytes]:
        """Yield the run's documents in order."""
        random = self._random
        yield _encoded({"run_id": self._run, "spec": self._agent.spec(random)})
        for turn in range(random.randrange(4, 14)):
            yield self._step("user", {"content": self._say(3, 9)})
            for _ in range(random.randrange(1, 4)):
                name, argument = random.choice(self._agent.tools)
                call = f"call_{_hex(random, 24)}"
                yield self._step("assistant", self._call(call, name, argument))
                yield self._step("tool", {"tool_call_id": call, "name": name, **self._result()})
            yield self._step("assistant", {"content": self._say(4, 14), "usage": self._usage()})
            if turn % _CHECKPOINT_EVERY in {2, 5}:
                yield self._checkpoint(turn)

    def _step(self, role: str, message: Object) -> bytes:
        self._clock += self._random.randrange(1, 40)
        step: Object = {"role": role, **message}
        self._steps.append(step)
        return _encoded(
            {
                "run_id": self._run,
                "seq": len(self._steps),
                "agent": self._agent.name,
                "timestamp": self._clock + self._random.randrange(10**6) / 10**6,
                "kind": "tool_returned" if role == "tool" else "message_added",
                "payload": step,
            }
        )

    def _call(self, call: str, name: str, argument: str) -> Object:
        value = self._user if argument == "user_id" else self._path()
        arguments: Object = {argument: value, "reason": self._say(1, 4)}
        if name in {"edit", "run_tests"}:
            arguments["lines"] = [self._code() for _ in range(self._random.randrange(3, 18))]
        function: Object = {"name": name, "arguments": json.dumps(arguments)}
        return {
            "content": self._say(1, 4),
            "tool_calls": [{"id": call, "type": "function", "function": function}],
            "usage": self._usage(),
        }

    def _result(self) -> Object:
        random = self._random
        make = random.choice((self._records, self._records, self._listing, self._log, self._page))
        made = make(random.randrange(3, 24))
        return {"content": made if isinstance(made, str) else json.dumps(made)}

    def _records(self, count: int) -> Value:
        random = self._random
        return [
            {
                "flight_number": f"HAT{random.randrange(300):03d}",
                "user_id": self._user,
                "reservation_id": _hex(random, 6).upper(),
                "status": random.choice(_STATES),
                "date": f"2024-05-{random.randrange(1, 31):02d}",
                "scheduled_departure_time_est": f"{random.randrange(24):02d}:00:00",
                "prices": {"economy": random.randrange(50, 400), "business": random.randrange(999)},
            }
            for _ in range(max(3, count // 2))
        ]

    def _listing(self, count: int) -> str:
        random = self._random
        return "\n".join(
            f"-rw-r--r-- 1 root root {random.randrange(60_000):>6} {self._path()}"
            for _ in range(count * 2)
        )

    def _log(self, count: int) -> str:
        random = self._random
        lines = [self._code() if random.random() < 0.6 else self._say(1, 2) for _ in range(count)]  # noqa: PLR2004
        return "\n".join(f"{number + 1}: {line}" for number, line in enumerate(lines))

    def _page(self, count: int) -> str:
        return self._say(count // 2 + 2, count + 4)

    def _checkpoint(self, turn: int) -> bytes:
        """Return the conversation's state: as many of the last messages as fit."""
        kept: list[Value] = []
        size = 0
        for step in reversed(self._steps):
            size += len(json.dumps(step))
            if size > LARGEST - 700:
                break
            kept.insert(0, step)
        return _encoded({"run_id": self._run, "turn": turn, "user": self._user, "messages": kept})

    def _say(self, least: int, most: int) -> str:
        return ". ".join(self._random.choices(self._pool, k=self._random.randrange(least, most)))

    def _code(self) -> str:
        random = self._random
        name = f"{random.choice(_PARTS)}_{random.choice(_STATES).replace(' ', '_')}"
        words = random.choice(self._pool).split()
        return f"    {name} = self.{words[0].strip('.,')}({random.randrange(100)}, {words[-1]!r})"

    def _path(self) -> str:
        random = self._random
        return f"src/{random.choice(_PARTS)}/{random.choice(_PARTS)}_{random.randrange(40)}.py"

    def _usage(self) -> Object:
        random = self._random
        prompt, answer = random.randrange(400, 9000), random.randrange(10, 700)
        return {"prompt_tokens": prompt, "completion_tokens": answer, "id": _hex(random, 29)}


def _hex(random: Random, digits: int) -> str:
    return f"{random.getrandbits(4 * digits):0{digits}x}"


def _encoded(document: Object) -> bytes:
    data = json.dumps(document).encode()
    if len(data) <= LARGEST:
        return data
    return json.dumps(
        {**document, "payload": {"truncated": data[: LARGEST // 4].decode()}}
    ).encode()
