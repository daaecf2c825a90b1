"""What every backend says of itself, and what holds after its end: the contract as a suite.

A fixture ``backend`` gives a healthy one, open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.errors import RepositoryClosed

if TYPE_CHECKING:
    from aivcs.ports import StorageBackend


class BackendContract:
    """Name, network, health, and the end."""

    network = False

    def test_the_facts(self, backend: StorageBackend) -> None:
        """They can be asked at any time, and do not change."""
        before = backend.name()
        assert before
        assert backend.requires_network() is self.network
        assert backend.supports_air_gapped() is not self.network
        backend.shutdown()
        assert backend.name() == before
        assert backend.requires_network() is self.network

    def test_one_that_is_well(self, backend: StorageBackend) -> None:
        """It may be asked again and again."""
        backend.health_check()
        backend.health_check()

    def test_after_the_end(self, backend: StorageBackend) -> None:
        """The end may be repeated; after it nothing is well."""
        backend.shutdown()
        backend.shutdown()
        backend.close()
        with pytest.raises(RepositoryClosed) as refused:
            backend.health_check()
        assert refused.value.hint
