"""The suites over whole repositories that only ask the ledger for objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.files import FileBlobs
from aivcs.domain.digest import Digest
from aivcs.domain.stored import Tier
from aivcs.services.objects import CasStore
from aivcs.testing.collecting import CollectingContract
from aivcs.testing.collecting_crew import CollectingCrewContract
from aivcs.testing.keeping import ExplainingContract, RemovingContract, RetentionContract
from aivcs.testing.objects import CasStoreContract, noise
from tests.postgres.test_contracts import OnServer

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.adapters.postgres import PostgresLedger


class TestCollecting(OnServer, CollectingContract):
    pass


class TestRetention(OnServer, RetentionContract):
    pass


class TestExplaining(OnServer, ExplainingContract):
    pass


class TestRemoving(OnServer, RemovingContract):
    pass


class TestCrews(OnServer, CollectingCrewContract):
    pass


class TestObjects(CasStoreContract):
    @pytest.fixture
    def objects(self, ledger: PostgresLedger, tmp_path: Path) -> CasStore:
        return CasStore(ledger, FileBlobs(tmp_path / "objects", tmp_path / "tmp"))

    @pytest.mark.parametrize(("size", "tier"), [(2**16, Tier.HOT), (2**16 + 1, Tier.LARGE)])
    def test_what_is_large_is_a_file(self, objects: CasStore, size: int, tier: Tier) -> None:
        data = noise(size)
        assert objects.put(data) == Digest.of(data)
        assert objects.stat(Digest.of(data)).tier is tier
        assert objects.get(Digest.of(data)) == data
