from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.mapping import read_mapping
from aivcs.errors import InvalidInputError, InvalidName, InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aivcs.services.specs import SpecStore

    Tree = Callable[[Mapping[str, str | bytes]], Path]


def files(**components: Any) -> dict[str, tuple[str, bytes]]:
    found = read_mapping({"components": components}).files
    return {component: (path, content) for component, path, content in found}


def test_a_folder_and_a_mapping_of_the_same_content_are_one_spec(
    specs: SpecStore, tree: Tree
) -> None:
    described = specs.add(
        {
            "name": "helper",
            "components": {
                "prompts": {"prompts/system.md": "gr\u00fc\u00df dich\n"},
                "tools": {"tools.json": b"[]"},
                "model": {"name": "m", "temperature": 1.0},
                "graph": {"src/main.py": "pass"},
                "config": {"config/a.yaml": b"\xff\x00"},
                "env": ["python==3.11"],
            },
        }
    )
    root = tree(
        {
            "prompts/system.md": "gr\u00fc\u00df dich\n",
            "tools.json": "[]",
            "model.json": '{"name":"m","temperature":1}',
            "src/main.py": "pass",
            "config/a.yaml": b"\xff\x00",
            "env.json": '["python==3.11"]',
        }
    )
    assert specs.add(root).digest == described.digest
    assert described.name == "helper"


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ({}, b"{}"),
        ({"b": 1, "a": [None]}, b'{"a":[null],"b":1}'),
        ({"model.json": 5}, b'{"model.json":5}'),
        ({"model": "text"}, b'{"model":"text"}'),
        (MappingProxyType({"k": "v"}), b'{"k":"v"}'),
        ("text", b'"text"'),
        (0, b"0"),
        (False, b"false"),
        ([], b"[]"),
    ],
)
def test_a_json_value_becomes_one_canonical_file(value: object, content: bytes) -> None:
    assert files(model=value, prompts=None)["model"] == ("model.json", content)


@pytest.mark.parametrize("path", ["m.yaml", "folder/m", ".python-version"])
def test_texts_under_paths_are_files(path: str) -> None:
    assert files(env={path: "text"})["env"] == (path, b"text")


@pytest.mark.parametrize(
    ("mapping", "complaint"),
    [
        ({"components": {"prompts": {"a": "b"}}, "extra": 1}, "unknown key 'extra'"),
        ({}, "no mapping 'components'"),
        ({"components": [1]}, "no mapping 'components'"),
        ({"components": {}}, "describes no files"),
        ({"components": {"prompts": {}, "model": None}}, "describes no files"),
        ({"components": {"prompt": {"a": "b"}}}, "unknown component 'prompt'"),
        ({"components": {1: {"a": "b"}}}, "unknown component 1"),
        ({"components": {"prompts": "text"}}, "prompts must map paths to text or bytes"),
        ({"components": {"tools": {"a": 1}}}, "'a' in tools must be text or bytes, not int"),
        ({"components": {"tools": {"../a": "x"}}}, "not a path inside the spec: '../a'"),
        ({"components": {"tools": {1: "x"}}}, "not a path inside the spec: 1"),
        ({"components": {"tools": {"a": "\ud800"}}}, "holds a lone surrogate"),
        ({"components": {"tools": {"aivcs.toml": "x"}}}, "never part of a spec"),
        ({"components": {"tools": {"x/.git/config": "x"}}}, "never part of a spec"),
        ({"components": {"tools": {".GIT/config": "x"}}}, "never part of a spec"),
        ({"components": {"tools": {"a": "x"}, "graph": {"a": "x"}}}, "stands already in tools"),
        ({"components": {"tools": {"a": "x", "a/b": "x"}}}, "also the folder of 'a/b'"),
        ({"components": {"model": {"a": {1, 2}}}}, "model is neither files nor a JSON value"),
        ({"components": {"model": float("nan")}}, "model is neither files nor a JSON value"),
        ({"components": {"model": b"bytes"}}, "model is neither files nor a JSON value"),
    ],
)
def test_a_bad_mapping_is_refused_by_name(
    specs: SpecStore, mapping: dict[str, object], complaint: str
) -> None:
    with pytest.raises(InvalidSpec) as caught:
        specs.add(mapping)
    assert complaint in caught.value.message
    assert isinstance(caught.value, InvalidInputError)
    assert not specs.list()


def test_a_bad_name_in_a_mapping_is_refused(specs: SpecStore) -> None:
    with pytest.raises(InvalidName):
        specs.add({"name": "", "components": {"prompts": {"a": "b"}}})
