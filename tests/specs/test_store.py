from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.domain.batch import Batch
from aivcs.domain.digest import Digest
from aivcs.domain.spec import SpecFile, component_document, spec_document
from aivcs.domain.stored import Codec, StoredObject
from aivcs.errors import (
    IntegrityError,
    InvalidName,
    InvalidSpec,
    MissingObject,
    NotFoundError,
    SpecNotFound,
    StorageError,
)
from aivcs.services.speccing import prepare_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aivcs.domain.batch import Receipt
    from aivcs.ports import Clock
    from aivcs.services.objects import CasStore
    from aivcs.services.specs import SpecStore

    Tree = Callable[[Mapping[str, str | bytes]], Path]

AGENT = {
    "name": "helper",
    "components": {"prompts": {"system.md": "hello"}, "tools": {"tools.json": b"[]"}},
}


def file(path: str, content: bytes) -> SpecFile:
    return SpecFile(path, executable=False, digest=Digest.of(content))


def test_a_spec_and_its_documents_are_objects(specs: SpecStore, objects: CasStore) -> None:
    spec = specs.add(AGENT)
    prompts = component_document([file("system.md", b"hello")])
    tools = component_document([file("tools.json", b"[]")])
    document = spec_document({"prompts": Digest.of(prompts), "tools": Digest.of(tools)})
    assert spec.digest == Digest.of(document)
    assert objects.get(spec.digest) == document
    assert objects.get(str(Digest.of(prompts))) == prompts
    assert spec.components == {
        "prompts": Digest.of(prompts),
        "tools": Digest.of(tools),
        "model": None,
        "graph": None,
        "config": None,
        "env": None,
    }
    assert specs.get(str(spec.digest).upper()) == spec
    assert specs.files(spec.digest) == {
        "prompts": (file("system.md", b"hello"),),
        "tools": (file("tools.json", b"[]"),),
        "model": (),
        "graph": (),
        "config": (),
        "env": (),
    }
    assert specs.read(spec.digest, "tools", "tools.json") == b"[]"
    assert specs.require(spec.digest) == spec


def test_one_add_is_one_commit(
    specs: SpecStore, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[Batch] = []
    commit = MemoryLedger.commit

    def watched(self: MemoryLedger, batch: Batch) -> Receipt:
        batches.append(batch)
        return commit(self, batch)

    monkeypatch.setattr(MemoryLedger, "commit", watched)
    specs.add(tree({"system.md": "hello", "big.json": b"x" * 300_000, "aivcs.toml": ""}))
    *holds, batch = batches
    assert holds == [Batch(holds=(Digest.of(b"x" * 300_000),))]  # before its file is published
    assert [row.name for row in batch.specs] == ["agent"]
    assert len(batch.objects) == 6


def test_preparing_stores_nothing_yet(specs: SpecStore, tree: Tree) -> None:
    prepared = specs.prepare(tree({"system.md": "hello", ".env": "KEY=1"}))
    assert prepared.secrets == (".env",)
    with pytest.raises(SpecNotFound):
        specs.get(prepared.spec.digest)
    assert specs.store(prepared) == prepared.spec == specs.get(prepared.spec.digest)


def test_specs_are_listed_once_newest_first(specs: SpecStore) -> None:
    one = specs.add(AGENT)
    two = specs.add({"components": {"model": {"temperature": 1}}})
    again = specs.add(AGENT, name="renamed")
    assert [(spec.digest, spec.name) for spec in specs.list()] == [
        (one.digest, "renamed"),
        (two.digest, "agent"),
    ]
    assert specs.get(one.digest) == again


def test_what_differs_between_two_specs(specs: SpecStore) -> None:
    one = specs.add(AGENT)
    two = specs.add({"components": {"prompts": {"system.md": "bye"}, "model": [1]}})
    found = specs.diff(one.digest, str(two.digest))
    assert (found.old, found.new) == (one.digest, two.digest)
    assert [(change.component, change.path, change.kind.value) for change in found.changes] == [
        ("prompts", "system.md", "modified"),
        ("tools", "tools.json", "removed"),
        ("model", "model.json", "added"),
    ]
    assert not specs.diff(one.digest, one.digest).changes


def test_what_is_not_there_is_named(specs: SpecStore, objects: CasStore) -> None:
    absent = objects.put(b"an object that is no spec")
    with pytest.raises(SpecNotFound, match=f"no spec {absent}"):
        specs.get(absent)
    spec = specs.add(AGENT)
    for component, path in (("prompts", "absent.md"), ("model", "x"), ("nonsense", "x")):
        with pytest.raises(NotFoundError, match=f"no file '{path}' in '{component}'"):
            specs.read(spec.digest, component, path)


def parts(specs: SpecStore, spec: Digest) -> list[tuple[Digest, str]]:
    found = specs.get(spec)
    prompts = found.components["prompts"]
    assert prompts
    return [
        (spec, "the document of spec"),
        (prompts, "the prompts component of spec"),
        (Digest.of(b"hello"), r"system\.md of spec"),
    ]


@pytest.mark.parametrize("part", range(3))
def test_a_missing_object_is_named_by_what_it_is(
    specs: SpecStore, objects: CasStore, tmp_path: Path, part: int
) -> None:
    spec = specs.add(AGENT).digest
    digest, what = parts(specs, spec)[part]
    objects.delete(digest, force=True)
    with pytest.raises(MissingObject, match=f"{what} {spec.short()}: .*{digest}"):
        specs.require(spec)
    with pytest.raises(MissingObject, match=what):
        specs.checkout(spec, tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("part", range(3))
def test_a_damaged_object_is_named_by_what_it_is(
    specs: SpecStore, objects: CasStore, ledger: MemoryLedger, tmp_path: Path, part: int
) -> None:
    spec = specs.add(AGENT).digest
    digest, what = parts(specs, spec)[part]
    objects.delete(digest, force=True)
    ledger.commit(Batch(objects=(StoredObject(digest, 5, Codec.RAW, b"hellO"),)))
    with pytest.raises(IntegrityError, match=f"{what} {spec.short()}: .*{digest}"):
        specs.require(spec)
    with pytest.raises(IntegrityError, match=what):
        specs.checkout(spec, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_spec_that_names_reserved_paths_is_not_written(
    specs: SpecStore, objects: CasStore, ledger: MemoryLedger, tmp_path: Path
) -> None:
    component = objects.put(component_document([file(".git/hooks/pre-commit", b"hello")]))
    document = objects.prepare(spec_document({"graph": component}))
    row = replace(specs.prepare(AGENT).row, digest=document.digest)
    ledger.commit(Batch(objects=(document, objects.prepare(b"hello")), specs=(row,)))
    with pytest.raises(InvalidSpec, match="is never part of a spec"):
        specs.checkout(document.digest, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_folder_without_files_of_an_agent_is_refused(specs: SpecStore, tree: Tree) -> None:
    root = tree({"README.md": "", ".env": ""})
    with pytest.raises(InvalidSpec, match="holds no files of an agent") as caught:
        specs.add(root)
    assert caught.value.hint
    assert "aivcs.toml" in caught.value.hint
    assert len(specs.explain(root).left_out) == 2
    assert not specs.list()


def test_a_file_that_vanishes_is_a_storage_error(
    specs: SpecStore, objects: CasStore, clock: Clock, tree: Tree
) -> None:
    root = tree({"system.md": "hello"})
    folder = specs.explain(root)
    (root / "system.md").unlink()
    with pytest.raises(StorageError, match=r"cannot read .*system\.md") as caught:
        prepare_folder(objects, clock, folder, None, None)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("source", [AGENT, None])
def test_a_bad_name_is_refused(
    specs: SpecStore, tree: Tree, source: Mapping[str, object] | None
) -> None:
    with pytest.raises(InvalidName, match="not a valid name: 'a b'"):
        specs.add(source or tree({"system.md": ""}), name="a b")
    assert not specs.list()


def test_a_folders_name_is_made_fit(specs: SpecStore, tree: Tree, tmp_path: Path) -> None:
    root = tree({"system.md": ""})
    root.rename(tmp_path / "my agent: v2")
    assert specs.add(tmp_path / "my agent: v2").name == "my-agent-v2"
