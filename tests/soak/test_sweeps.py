from __future__ import annotations

import pytest

from soak import crew, kills, machine


def test_a_crew_that_is_killed_and_started_again_loses_nothing() -> None:
    found = crew.run(1, 500, 3)
    assert found.wrong == ()
    assert found.counts["steps"] >= 500
    assert found.counts["kills"] >= len(crew.ROLES)
    assert {"put", "keep", "get"} <= found.counts.keys()


@pytest.mark.slow
def test_a_process_may_be_killed_at_any_moment() -> None:
    found = kills.run(1, 8)
    assert found.wrong == ()
    assert found.counts["kills"] == 8


def test_the_machine_tells_its_steps() -> None:
    found = machine.run(1, 60)
    assert found.wrong == ()
    assert found.counts["steps (disk)"] >= 45


def test_the_machine_tells_what_was_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aivcs.services.objects.CasStore.pin", lambda *_: None)
    found = machine.run(1, 400, shrink=False)
    assert found.wrong
    assert "state.pin(" in found.wrong[0]
    assert "AssertionError" in found.wrong[0] or "NotFound" in found.wrong[0]
