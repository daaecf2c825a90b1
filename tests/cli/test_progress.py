"""The bar of long work: on a terminal, late, and gone at the end."""

from __future__ import annotations

import io
import sys
import time
from itertools import count
from typing import TYPE_CHECKING

from aivcs.cli import progress

if TYPE_CHECKING:
    import pytest


class Terminal(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def _work(monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO, step: float) -> str:
    ticks = count(0, step)
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    with progress.counting("checked", 200) as advance:
        for _ in range(200):
            advance()
    return stderr.getvalue()


def test_long_work_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "checked" in _work(monkeypatch, Terminal(), 10)


def test_short_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "checked" not in _work(monkeypatch, Terminal(), 0)


def test_no_terminal_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _work(monkeypatch, io.StringIO(), 10) == ""
