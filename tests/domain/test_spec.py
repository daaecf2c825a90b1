from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain import spec
from aivcs.domain.digest import Digest
from aivcs.domain.spec import Component, SpecFile
from aivcs.errors import CorruptionError, InvalidSpec

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "golden" / "spec.json").read_text(encoding="utf-8")
)
DIGESTS = st.binary(min_size=32, max_size=32).map(Digest)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1)
PATHS = st.lists(NAMES.filter(lambda name: name not in {".", ".."}), min_size=1, max_size=3).map(
    "/".join
)
FILES = st.lists(st.builds(SpecFile, PATHS, st.booleans(), DIGESTS), unique_by=lambda f: f.path)
COMPONENTS = st.fixed_dictionaries({part.value: st.none() | DIGESTS for part in Component})
HEX = "0" * 64


def _files(rows: list[tuple[str, bool, str]]) -> list[SpecFile]:
    return [SpecFile(path, mode, Digest.of(text.encode())) for path, mode, text in rows]


@pytest.mark.parametrize("vector", VECTORS["specs"], ids=lambda vector: vector["name"])
def test_known_digests(vector: dict[str, Any]) -> None:
    components = {
        part: Digest.of(spec.component_document(_files(rows)))
        for part, rows in vector["files"].items()
    }
    known = {part: str(digest) for part, digest in components.items()}
    assert {**dict.fromkeys(Component), **known} == vector["components"]
    assert str(Digest.of(spec.spec_document(components))) == vector["spec"]


def test_the_digest_of_the_source_system() -> None:
    fields = VECTORS["source"]["fields"]
    digest = spec.source_spec_digest(*fields.values())
    assert str(digest) == VECTORS["source"]["digest"]
    with pytest.raises(InvalidSpec, match="git_sha is empty"):
        spec.source_spec_digest("", "g", "p", "t", "c")


@given(COMPONENTS)
def test_spec_documents_come_back(components: dict[str, Digest | None]) -> None:
    document = spec.spec_document(components)
    assert spec.read_spec_document(document) == components
    assert rfc8785.dumps(json.loads(document)) == document


@given(FILES, st.randoms())
def test_component_documents_come_back_in_any_order(files: list[SpecFile], random: Any) -> None:
    document = spec.component_document(files)
    random.shuffle(files)
    assert spec.component_document(files) == document
    back = spec.read_component_document(document)
    assert back == tuple(sorted(files, key=lambda file: file.path.encode()))


def _spec_json(**changes: Any) -> bytes:
    parts: dict[str, Any] = dict.fromkeys(Component)
    return rfc8785.dumps({"version": 1, "components": {**parts, **changes}})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"components":{},"version":1}',
        b'{"components":7,"version":1}',
        _spec_json(prompts="short"),
        _spec_json(prompts="A" * 64),
        _spec_json(prompts=7),
        _spec_json(prompts=""),
        _spec_json(memory=None),
        _spec_json() + b" ",
        _spec_json().replace(b":1}", b":2}"),
    ],
)
def test_what_is_no_spec_document(data: bytes) -> None:
    with pytest.raises(CorruptionError, match="not a spec document"):
        spec.read_spec_document(data)


@pytest.mark.parametrize(
    "value",
    [
        {},
        [7],
        [["a", False]],
        [["a", False, "short"]],
        [["../a", False, HEX]],
        [["a", 0, HEX]],
        [["b", False, HEX], ["a", False, HEX]],
    ],
)
def test_what_is_no_component_document(value: Any) -> None:
    with pytest.raises(CorruptionError, match="not a component document"):
        spec.read_component_document(rfc8785.dumps(value))


@given(PATHS)
def test_good_paths(path: str) -> None:
    assert spec.check_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\0", "a\ud800", None, 5, b"a"],
)
def test_bad_paths(path: object) -> None:
    with pytest.raises(InvalidSpec, match="not a path inside the spec"):
        spec.check_path(path)


def test_paths_that_stand_side_by_side() -> None:
    spec.check_paths([("prompts", "a/b"), ("tools", "a/c"), ("tools", "b"), ("model", "B")])


@pytest.mark.parametrize(
    ("paths", "reason"),
    [
        ([("prompts", "a"), ("tools", "a")], "'a' of tools stands already in prompts as 'a'"),
        ([("prompts", "caf\u00e9"), ("prompts", "cafe\u0301")], "stands already in prompts"),
        ([("prompts", "a"), ("tools", "a/b")], "'a' is a file and also the folder of 'a/b'"),
        ([("tools", "a/b/c/d"), ("prompts", "a/b")], "'a/b' is a file and also the folder"),
    ],
)
def test_paths_that_collide(paths: list[tuple[str, str]], reason: str) -> None:
    with pytest.raises(InvalidSpec, match=reason):
        spec.check_paths(paths)
