"""The contract of the state store, in memory and in ``cache.db``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.testing.state_store import StateStoreContract

if TYPE_CHECKING:
    from aivcs.testing.state_store import OpenWith


class TestInMemory(StateStoreContract):
    @pytest.fixture
    def opened(self, in_memory: OpenWith) -> OpenWith:
        return in_memory


class TestOnDisk(StateStoreContract):
    @pytest.fixture
    def opened(self, on_disk: OpenWith) -> OpenWith:
        return on_disk
