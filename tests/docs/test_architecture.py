"""The page on the architecture says what the code does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from typing import get_type_hints

from aivcs import ports
from aivcs.adapters.files.config import DURABILITIES
from aivcs.adapters.sqlite import connection
from aivcs.domain.run import TRANSITIONS, RunStatus
from aivcs.services import bodies, buffering, committing, writing
from tests.docs.markdown import DOCS, ROOT, blocks, table

PAGE = (DOCS / "architecture.md").read_text(encoding="utf-8")


def _diagram() -> str:
    moves = sorted(f"{old} --> {new}" for old, news in TRANSITIONS.items() for new in news)
    ends = [f"{status} --> [*]" for status in sorted(RunStatus) if status.terminal]
    lines = [f"[*] --> {RunStatus.RUNNING}", *moves, *ends]
    return "stateDiagram-v2\n" + "".join(f"    {line}\n" for line in lines)


def test_the_state_diagram_is_the_table_of_moves() -> None:
    assert [b.text for b in blocks(PAGE) if b.language == "mermaid"] == [_diagram()]


def test_the_layers_are_those_of_the_contract() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    present = {path.stem for path in (ROOT / "aivcs").iterdir()}
    wanted = [[name for name in re.findall(r"\w+", layer) if name in present] for layer in layers]
    drawn = next(block.text for block in blocks(PAGE) if block.language == "text")
    found = [re.findall(r"\w+", line[:28].rstrip()) for line in drawn.splitlines()]
    assert found == [layer for layer in wanted if layer]


def test_every_port_is_described() -> None:
    described = {row[0].strip("`") for row in table(PAGE, "## Ports")}
    protocols = {
        name
        for name, value in vars(ports).items()
        if getattr(value, "_is_protocol", False) and value.__module__.startswith(ports.__name__)
    }
    assert described == protocols
    assert get_type_hints(ports.Ids.__call__) == {"return": str}


def test_durabilities_and_limits() -> None:
    assert [row[0].strip("`") for row in table(PAGE, "## Durability")] == list(DURABILITIES)
    assert f"has {buffering.MANY_EVENTS} events or {buffering.MANY_BYTES // 1024} KiB" in PAGE
    assert f"When {buffering.MOST_EVENTS:,} events or {buffering.MOST_BYTES // 2**20} MiB" in PAGE
    assert writing.PATIENCE_SECONDS == 1 / 10
    assert "a tenth of a second" in PAGE
    shared = f"{committing.GROUP} batches or {committing.GROUP_BYTES // 2**20} MiB"
    assert f"At most {shared} share a transaction" in PAGE
    low, high = (f"{seconds * 1000:g}" for seconds in connection._PAUSE_SECONDS)
    assert f"for {low} to {high} ms" in PAGE
    assert f"for up to {connection.WAIT_SECONDS:g} seconds" in PAGE
    assert f"A body over {bodies.INLINE_LIMIT} bytes" in PAGE


def test_importing_the_package_loads_nothing_heavy() -> None:
    lazy = {row[0].strip("`") for row in table(PAGE, "## What is lazy")}
    script = f"import aivcs, sys; print(sorted(sys.modules.keys() & {lazy!r}))"
    # Where coverage is measured, it loads modules of its own into every child.
    plain = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=plain,
    )
    assert done.stdout.strip() == "[]"
