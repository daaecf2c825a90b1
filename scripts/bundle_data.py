"""Write the data bundled with the demo: a small selection of other people's agents and runs.

Reads the optional data folder beside the checkout, writes aivcs/demo/data. The same input
gives the same bytes. Chats of tau-bench lose what identifies a customer; everything else
is copied as it is.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from itertools import count
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT.parent / "shared" / "data"
TARGET: Final = ROOT / "aivcs" / "demo" / "data"

SWE_AGENT: Final = "swe-agent/trajectories/demonstrations"
COPIES: Final = {
    "agent-v1/config/default.yaml": "versioned-specs/swe-agent-default/023-47d425b954.yaml",
    "agent-v2/config/default.yaml": "versioned-specs/swe-agent-default/024-d6aedd1444.yaml",
    "swe-agent/humanevalfix-python-0.traj": (
        f"{SWE_AGENT}/human_thought__swe-bench-HumanEvalFix-python"
        "__lcb__t-0.00__p-0.95__c-4.00__install-0/humanevalfix-python-0.traj"
    ),
    "mini-swe-agent/local.traj.json": "mini-swe-agent/tests/test_data/local.traj.json",
    "who-and-when/53.json": "who-and-when/Who&When/Algorithm-Generated/53.json",
    "claude-code-samples/session_b.jsonl": ("claude-code-samples/test/test_data/session_b.jsonl"),
    "LICENSES/SWE-agent.txt": "LICENSES/SWE-agent+SWE-agent.txt",
    "LICENSES/mini-swe-agent.txt": "LICENSES/SWE-agent+mini-swe-agent.txt",
    "LICENSES/tau-bench.txt": "LICENSES/sierra-research+tau-bench.txt",
    "LICENSES/Agents_Failure_Attribution.txt": ("LICENSES/mingyin1+Agents_Failure_Attribution.txt"),
    "LICENSES/claude-code-log.txt": "LICENSES/daaain+claude-code-log.txt",
}
"""What is copied as it is: its place here, and its place in the source."""

CHATS: Final = "tau-bench/historical_trajectories/gpt-4o-airline.json"
PICKED: Final = {
    "tau-bench/runs-v1.json": ((12, 3), (18, 3), (21, 1)),
    "tau-bench/runs-v2.json": ((12, 0), (16, 2), (5, 3)),
}
"""The runs of each file, by task and trial."""

FIXED: Final = {
    "email": "customer@example.com",
    "dob": "1900-01-01",
    "address1": "1 Example Street",
    "address2": "Suite 1",
    "city": "Example City",
    "zip": "00000",
    "last_four": "0000",
}
NUMBERED: Final = {"user_id": "user", "first_name": "Name", "last_name": "Name"}
PAYMENT: Final = re.compile(r"(credit_card|gift_card|certificate)_\d+")


class Placeholders:
    """A neutral word for each word that identifies somebody, the same everywhere."""

    def __init__(self) -> None:
        """Begin with none."""
        self._words: dict[str, str] = {}
        self._counts = {"user": count(1), "Name": count(1), "payment": count(1)}

    def learn(self, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Find what identifies somebody in a value, and in JSON that stands in its texts."""
        if isinstance(value, dict):
            for key, item in value.items():
                self._learn_field(key, item)
                self.learn(key)
                self.learn(item)
        elif isinstance(value, list):
            for item in value:
                self.learn(item)
        elif isinstance(value, str):
            for payment in PAYMENT.finditer(value):
                self._add(payment[0], f"{payment[1]}_{{}}", "payment")
            if value.startswith(("{", "[")):
                self.learn(json.loads(value))

    def _learn_field(self, key: str, item: object) -> None:
        if not isinstance(item, str):
            return
        if key in FIXED:
            self._words.setdefault(item, FIXED[key])
        elif key in NUMBERED:
            self._add(item, f"{NUMBERED[key]}{{}}", NUMBERED[key])
        if key == "user_id":
            for name in item.split("_")[:-1]:
                self._add(name.capitalize(), "Name{}", "Name")

    def _add(self, word: str, form: str, counter: str) -> None:
        if word not in self._words:
            self._words[word] = form.format(next(self._counts[counter]))

    def replace(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Return the value with every learnt word replaced."""
        longest = sorted(self._words, key=lambda word: (-len(word), word))
        pattern = re.compile(rf"\b({'|'.join(map(re.escape, longest))})\b")

        def walk(item: Any) -> Any:  # noqa: ANN401 - any JSON value
            if isinstance(item, dict):
                return {walk(key): walk(part) for key, part in item.items()}
            if isinstance(item, list):
                return [walk(part) for part in item]
            if isinstance(item, str):
                return pattern.sub(lambda found: self._words[found[0]], item)
            return item

        return walk(value)


def write_runs() -> None:
    """Write the picked runs, without what identifies a customer."""
    runs = {(run["task_id"], run["trial"]): run for run in read(CHATS)}
    placeholders = Placeholders()
    for picked in PICKED.values():
        placeholders.learn([runs[one] for one in picked])
    for name, picked in PICKED.items():
        chosen = placeholders.replace([runs[one] for one in picked])
        place = TARGET / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(chosen, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(name: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON file of the source."""
    return json.loads((SOURCE / name).read_text(encoding="utf-8"))


def main() -> int:
    """Write everything; return 1 when the source is not there."""
    if not SOURCE.is_dir():
        print(f"no data at {SOURCE}")
        return 1
    for name, origin in COPIES.items():
        place = TARGET / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SOURCE / origin, place)
    write_runs()
    print(f"{sum(one.stat().st_size for one in TARGET.rglob('*') if one.is_file())} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
