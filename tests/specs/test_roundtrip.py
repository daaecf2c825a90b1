from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aivcs.adapters.folder import read_folder, write_folder
from aivcs.adapters.memory_blobs import MemoryBlobs
from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.domain.spec import Component
from aivcs.errors import InvalidSpec
from aivcs.services.objects import CasStore
from aivcs.services.specs import SpecStore

if TYPE_CHECKING:
    from collections.abc import Callable

LEDGER = MemoryLedger()


def store() -> SpecStore:
    return SpecStore(
        LEDGER,
        CasStore(LEDGER, MemoryBlobs()),
        lambda: datetime(2026, 1, 1, tzinfo=UTC),
        read_folder=read_folder,
        write_folder=write_folder,
        git_state=lambda _: None,
    )


def contents(root: Path) -> dict[str, tuple[bytes, bool]]:
    return {
        str(path.relative_to(root)): (path.read_bytes(), os.access(path, os.X_OK))
        for path in root.rglob("*")
        if path.is_file()
    }


NAMES = st.one_of(
    st.sampled_from(
        [
            ".env",
            "README.md",
            "a.py",
            ".gitignore",
            "pyvenv.cfg",
            "x.pyc",
            "venv",
            "a.pem",
            "prompts",
        ]
    ),
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=12
    ).filter(lambda name: name not in {".", ".."} and len(name.encode()) <= 100),
    st.text("ab *?[]!#\\ \n\t.", min_size=1, max_size=8).filter(
        lambda name: name not in {".", ".."}
    ),
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
FILES = st.dictionaries(PATHS, st.binary(max_size=8), max_size=4)
MAPPINGS = st.dictionaries(st.sampled_from([part.value for part in Component]), FILES)


@given(MAPPINGS)
@example({"prompts": {".env": b"", "#/.env": b"", " /.env": b""}})
def test_a_checkout_of_a_mapping_is_read_back_as_the_same_spec(
    components: dict[str, dict[str, bytes]],
) -> None:
    specs = store()
    try:
        spec = specs.add({"name": "helper", "components": components})
    except InvalidSpec:
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "helper"
        specs.checkout(spec.digest, target)
        again = specs.add(target)
    assert again.digest == spec.digest
    assert again.name == "helper"


@given(st.dictionaries(PATHS, st.tuples(st.binary(max_size=8), st.booleans()), max_size=6))
def test_a_checkout_of_a_folder_is_read_back_as_the_same_spec(
    files: dict[str, tuple[bytes, bool]],
) -> None:
    specs = store()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "one"
        root.mkdir()
        for path, (content, executable) in files.items():
            place = root / path
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
            except (FileExistsError, NotADirectoryError, IsADirectoryError):
                continue
            place.chmod(0o755 if executable else 0o644)
        try:
            spec = specs.add(root)
        except InvalidSpec:
            return
        target = Path(folder) / "two"
        specs.checkout(spec.digest, target)
        assert specs.add(target).digest == spec.digest
        paths = {file.path for found in specs.files(spec.digest).values() for file in found}
        assert contents(target) == {
            path: found for path, found in contents(root).items() if path in paths
        }


@given(st.permutations(["b/two.md", "a.py", "c.json", "tools/x.py"]))
def test_the_digest_does_not_depend_on_name_order_place_or_time(order: list[str]) -> None:
    components = {
        "prompts": {"b/two.md": "b/two.md"},
        "tools": {"tools/x.py": "tools/x.py"},
        "graph": {"a.py": "a.py"},
        "config": {"c.json": "c.json"},
    }
    expected = store().add({"components": components}).digest
    for moment in (0, 2_000_000_000):
        with tempfile.TemporaryDirectory() as folder:
            for path in order:
                place = Path(folder) / path
                place.parent.mkdir(exist_ok=True)
                place.write_text(path)
                os.utime(place, (moment, moment))
            assert store().add(folder, name=f"at-{moment}").digest == expected


@pytest.mark.optional_data
def test_every_version_of_real_agents_is_had_back(
    data: Callable[[str], Path], tmp_path: Path
) -> None:
    specs = store()
    seen = 0
    for version in sorted(data("versioned-specs").glob("*/*")):
        root = version
        if version.is_file():
            root = tmp_path / "in" / version.stem
            root.mkdir(parents=True, exist_ok=True)
            (root / f"system{version.suffix}").write_bytes(version.read_bytes())
        spec = specs.require(specs.add(root).digest)
        target = tmp_path / "out" / str(seen)
        specs.checkout(spec.digest, target)
        paths = {file.path for found in specs.files(spec.digest).values() for file in found}
        assert contents(target) == {
            path: found for path, found in contents(root).items() if path in paths
        }
        assert specs.add(target).digest == spec.digest
        seen += 1
    assert seen
