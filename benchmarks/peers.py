"""The other stores: where they are, their versions, and what to install when one is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.measure import ROOT, BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Sequence

VENV: Final = ROOT / "build" / "bench" / "venv"
_DEBIAN: Final = {"git": "git", "restic": "restic", "borg": "borgbackup", "cp": "coreutils"}
_PACKAGES: Final = ("dvc", "pygit2", "disk-objectstore")


@dataclass(frozen=True, slots=True)
class Peers:
    """The programs of the comparison; ``python`` has the libraries that are compared."""

    aivcs: Path
    python: Path
    dvc: Path = VENV / "bin/dvc"


def find() -> Peers:
    """Return where the programs are; BenchmarkError names all that are missing."""
    missing = [
        f"{name} (apt-get install {package})"
        for name, package in _DEBIAN.items()
        if shutil.which(name) is None
    ]
    found = Peers(Path(sys.executable).with_name("aivcs"), VENV / "bin/python", VENV / "bin/dvc")
    missing += [
        f"{path.relative_to(ROOT)} ('make bench' makes it)"
        for path in (found.aivcs, found.python, found.dvc)
        if not path.exists()
    ]
    if missing:
        msg = f"the comparison needs what is not there: {', '.join(missing)}"
        raise BenchmarkError(msg)
    return found


def versions(peers: Peers) -> dict[str, str]:
    """Return the version of each program and library that is measured."""
    listed = (
        "import importlib.metadata as m, sys; print(*(m.version(name) for name in sys.argv[1:]))"
    )
    packages = _said([peers.python, "-c", listed, *_PACKAGES]).split()
    return {
        "aivcs": _said([peers.aivcs, "--version"]),
        "python": sys.version.split()[0],
        "sqlite (in apsw)": _said(
            [sys.executable, "-c", "import apsw; print(apsw.sqlite_lib_version())"]
        ),
        "git": _said(["git", "--version"]).split()[-1],
        "restic": _said(["restic", "version"]).split()[1],
        "borg": _said(["borg", "--version"]).split()[-1],
        **dict(zip(_PACKAGES, packages, strict=True)),
    }


def _said(argv: Sequence[str | Path]) -> str:
    words = [str(word) for word in argv]
    return subprocess.run(words, capture_output=True, check=True, text=True).stdout.strip()
