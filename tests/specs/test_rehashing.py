"""Every object of a spec is read and hashed, with few questions to the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.domain.receipt import Receipt
from aivcs.errors import MissingObject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.domain.digest import Digest
    from aivcs.services.objects import CasStore
    from aivcs.services.specs import SpecStore


def test_what_is_read_is_counted_once(specs: SpecStore, objects: CasStore) -> None:
    texts = {f"{n:03}.md": f"file {n % 400}" for n in range(700)}
    spec = specs.add({"components": {"prompts": texts, "tools": {"t.json": "[]"}}})
    documents = [spec.digest, *filter(None, spec.components.values())]
    files = {file.digest for found in specs.files(spec.digest).values() for file in found}
    sizes = objects.sizes([*documents, *files])
    assert (len(documents), len(files)) == (3, 401)
    for _ in range(2):
        found = specs.rehash(spec.digest)
        assert found.receipt == Receipt(404, sum(sizes.values()))
        assert found.spec == specs.get(spec.digest)


def test_components_and_files_are_asked_for_together(
    specs: SpecStore, objects: CasStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {f"{n:03}.md": f"file {n}" for n in range(290)}
    spec = specs.add({"components": {"prompts": texts, "tools": {"t.json": "[]"}}})
    asked: list[int] = []
    real = objects.ledger.objects

    def counted(digests: Sequence[Digest]) -> object:
        asked.append(len(digests))
        return real(digests)

    monkeypatch.setattr(objects.ledger, "objects", counted)
    specs.rehash(spec.digest)
    assert asked == [1, 2, 291]


def test_what_is_gone_is_named_by_its_place_in_the_spec(
    specs: SpecStore, objects: CasStore
) -> None:
    spec = specs.add({"components": {"prompts": {"a.md": "a"}, "tools": {"t.json": "[]"}}})
    tools = spec.components["tools"]
    assert tools is not None
    file = specs.files(spec.digest)["prompts"][0].digest
    for digest, what in ((file, "a.md of spec"), (tools, "the tools component of spec")):
        objects.delete(digest, force=True)
        with pytest.raises(MissingObject, match=what):
            specs.rehash(spec.digest)
    objects.delete(spec.digest, force=True)
    with pytest.raises(MissingObject, match="the document of spec"):
        specs.require(spec.digest)
