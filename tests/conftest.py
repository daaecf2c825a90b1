from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from aivcs.ports import Clock, Ids

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
BUNDLED = ROOT / "aivcs" / "demo" / "data"

settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


# Started in the background of a script, a program inherits that Ctrl-C is ignored, and so
# would every program that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def clock() -> Clock:
    """Tell 2026-01-01T00:00:00Z, and one millisecond more at each call."""
    ticks = count()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return lambda: start + timedelta(milliseconds=next(ticks))


@pytest.fixture
def ids() -> Ids:
    """Give 00000001-0000-4000-8000-000000000000, then 00000002-..., and so on."""
    numbers = count(1)
    return lambda: f"{next(numbers):08x}-0000-4000-8000-000000000000"


@pytest.fixture(scope="session")
def shared_data() -> Path | None:
    """Return the optional data folder beside the checkout, or None."""
    return SHARED if SHARED.is_dir() else None


@pytest.fixture(scope="session")
def data(shared_data: Path | None) -> Callable[[str], Path]:
    """Find real data by name: in the optional folder, else in what the package bundles."""

    def find(name: str) -> Path:
        for folder in (shared_data, BUNDLED):
            if folder is not None and (folder / name).exists():
                return folder / name
        pytest.skip(f"no data named {name}")

    return find


def _forbidden(skipped: bool, optional: bool) -> bool:
    """Tell whether a skip hides a missing part: under CI only optional data may be missing."""
    return skipped and bool(os.environ.get("CI")) and not (optional and not SHARED.is_dir())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    optional = item.get_closest_marker("optional_data") is not None
    if not hasattr(report, "wasxfail") and _forbidden(report.skipped, optional):
        report.outcome = "failed"
        report.longrepr = f"skipped although CI has every part: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if _forbidden(report.skipped, optional=False):
        report.outcome = "failed"
        report.longrepr = f"skipped although CI has every part: {report.longrepr}"
    return report
