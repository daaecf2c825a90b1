"""The other recorders of events: where their libraries are, and their versions."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from benchmarks.measure import ROOT, BenchmarkError, prepare
from benchmarks.peers import Peers

VENV: Final = ROOT / "build" / "bench" / "ledger-venv"
_PACKAGES: Final = (
    "mlflow-skinny",
    "langgraph-checkpoint-sqlite",
    "dbos",
    "eventsourcing",
    "openai-agents",
)
_VERSIONS: Final = "import importlib.metadata as m, sys; print(*map(m.version, sys.argv[1:]))"
_SQLITE: Final = (
    "import apsw, psycopg, sqlite3;"
    " print(apsw.sqlite_lib_version(), sqlite3.sqlite_version, psycopg.__version__)"
)


def find() -> Peers:
    """Return where the programs are; BenchmarkError names all that are missing."""
    found = Peers(Path(sys.executable).with_name("aivcs"), VENV / "bin" / "python")
    missing = [
        f"{path} ('make bench-ledger' makes it)"
        for path in (found.aivcs, found.python)
        if not path.exists()
    ]
    if shutil.which("strace") is None:
        missing.append("strace (apt-get install strace)")
    if missing:
        msg = f"the comparison needs what is not there: {', '.join(missing)}"
        raise BenchmarkError(msg)
    return found


def versions(peers: Peers) -> dict[str, str]:
    """Return the version of each program and library that is measured."""
    listed = prepare([peers.python, "-c", _VERSIONS, *_PACKAGES], ROOT).decode().split()
    ours, bare, psycopg = prepare([sys.executable, "-c", _SQLITE], ROOT).decode().split()
    return {
        "aivcs": prepare([peers.aivcs, "--version"], ROOT).decode().strip(),
        "python": sys.version.split()[0],
        "sqlite (in apsw)": ours,
        "sqlite (in sqlite3)": bare,
        "psycopg": psycopg,
        **dict(zip(_PACKAGES, listed, strict=True)),
    }
