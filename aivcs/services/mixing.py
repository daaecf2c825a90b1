"""Mixed specs: one spec with components of another, made without touching a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.digest import Digest
from aivcs.domain.log_writes import NewSpec
from aivcs.domain.spec import AgentSpec, Component, check_paths, spec_document
from aivcs.errors import SpecNotFound
from aivcs.services.speccing import PreparedSpec

if TYPE_CHECKING:
    from collections.abc import Collection

    from aivcs.ports import Clock
    from aivcs.services.objects import CasStore
    from aivcs.services.specs import SpecStore


class Mixer:
    """Makes specs out of the components of two others.

    A spec that is stored already keeps its annotations; another one bears ``name``.
    """

    def __init__(
        self, specs: SpecStore, objects: CasStore, clock: Clock, base: AgentSpec, other: AgentSpec
    ) -> None:
        self._specs = specs
        self._objects = objects
        self._clock = clock
        self._base = base
        self._other = other

    def differing(self) -> tuple[str, ...]:
        """Return the components in which the two differ, in the order they are shown."""
        base, other = self._base.components, self._other.components
        return tuple(part.value for part in Component if base[part.value] != other[part.value])

    def mix(self, taken: Collection[str], name: str) -> AgentSpec:
        """Store and return the base with the components ``taken`` from the other spec.

        Raises InvalidSpec when the files of the two cannot stand in one folder.
        """
        components = self._components(taken)
        document = spec_document(components)
        try:
            return self._specs.get(Digest.of(document))
        except SpecNotFound:
            pass
        self._check(taken)
        stored = self._objects.prepare(document)
        now = self._clock()
        row = NewSpec(stored.digest, name, None, None, None, now)
        spec = AgentSpec(stored.digest, components, name, created_at=now)
        return self._specs.store(PreparedSpec(spec, (stored,), row))

    def digest(self, taken: Collection[str]) -> Digest:
        """Return the digest that a mix has, or would have."""
        return Digest.of(spec_document(self._components(taken)))

    def _components(self, taken: Collection[str]) -> dict[str, Digest | None]:
        base, other = self._base.components, self._other.components
        return {
            part.value: (other if part.value in taken else base)[part.value] for part in Component
        }

    def _check(self, taken: Collection[str]) -> None:
        base, other = self._specs.files(self._base.digest), self._specs.files(self._other.digest)
        check_paths(
            (part.value, file.path)
            for part in Component
            for file in (other if part.value in taken else base)[part.value]
        )
