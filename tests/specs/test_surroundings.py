from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from aivcs.repo import init

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.services.specs import SpecStore

MAPPING = {"name": "helper", "components": {"prompts": {"a.md": "x"}}}


def test_interpreter_and_platform_are_beside_the_spec_and_no_part_of_it(specs: SpecStore) -> None:
    plain = specs.add(MAPPING)
    assert plain.environment is None
    first = specs.observing(lambda: {"python": "3.11"}).add(MAPPING)
    assert first.digest == plain.digest
    assert specs.get(first.digest) == first
    assert first.environment == {"python": "3.11"}
    specs.observing(lambda: {"python": "3.12"}).add(MAPPING)
    assert specs.get(first.digest).environment == {"python": "3.12"}
    assert [spec.environment for spec in specs.list()] == [{"python": "3.12"}]


def test_a_spec_that_is_only_prepared_keeps_what_is_known(specs: SpecStore) -> None:
    specs.observing(lambda: {"python": "3.11"}).add(MAPPING)
    prepared = specs.observing(lambda: {"python": "3.12"}).prepare(MAPPING)
    assert prepared.spec.environment == prepared.row.environment == {"python": "3.11"}
    other = specs.prepare({"name": "b", "components": {"prompts": {"a.md": "y"}}})
    assert other.spec.environment is None


def test_a_repository_notes_its_own(tmp_path: Path) -> None:
    with init(tmp_path) as repo:
        spec = repo.specs.add(MAPPING)
        assert spec.environment is not None
        assert spec.environment["python"] == platform.python_version()
        assert set(spec.environment) == {"python", "implementation", "system", "machine"}
        assert repo.specs.get(spec.digest).environment == spec.environment
