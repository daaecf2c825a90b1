from __future__ import annotations

import pytest

from soak import crew, kills, machine


def test_a_crew_that_is_killed_and_started_again_loses_nothing() -> None:
    found = crew.run(1, 1500, 4)
    assert found.wrong == ()
    assert found.counts["steps"] >= 1500
    assert found.counts["kills"] >= len(crew.ROLES)
    assert {"put", "keep", "get", "seal"} <= found.counts.keys()


@pytest.mark.slow
def test_a_process_may_be_killed_at_any_moment() -> None:
    found = kills.run(1, 12)
    assert found.wrong == ()
    assert found.counts["kills"] == 12


def test_the_machine_tells_its_steps() -> None:
    found = machine.run(1, 60)
    assert found.wrong == ()
    assert found.counts["steps (disk)"] >= 45


def test_the_machine_tells_what_was_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aivcs.services.objects.CasStore.pin", lambda *_: None)
    found = machine.run(1, 400)
    assert len(found.wrong) == 1
    assert "AssertionError" in found.wrong[0] or "NotFound" in found.wrong[0]
