"""What is handed on: the source distribution makes and checks itself, and has nothing else."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path, PurePath

import pytest

ROOT = Path(__file__).parent.parent
NEEDED = (
    ".aivcs-example", ".ci", ".gitignore", "CONTRIBUTING.md", "LICENSE", "Makefile", "NOTICE",
    "README.md", "aivcs", "benchmarks", "changes", "docs", "pyproject.toml", "requirements",
    "scripts", "soak", "tests",
)  # fmt: skip


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the paths in the source distribution."""
    place = tmp_path_factory.mktemp("sdist")
    command = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(place)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    (archive,) = place.iterdir()
    with tarfile.open(archive) as file:
        return [name.partition("/")[2] for name in file.getnames()]


def test_the_source_distribution_has_what_make_needs(packed: list[str]) -> None:
    assert {PurePath(name).parts[0] for name in packed} >= set(NEEDED)
    assert {"aivcs/py.typed", ".ci/run", "tests/test_packaging.py"} <= set(packed)
    assert [name for name in packed if name.startswith("tests/golden/packs/")]


def test_the_source_distribution_has_nothing_that_was_made(packed: list[str]) -> None:
    made = {".venv", "build", "dist", ".git", "__pycache__", ".mypy_cache", ".hypothesis"}
    assert not [name for name in packed if made.intersection(PurePath(name).parts)]
