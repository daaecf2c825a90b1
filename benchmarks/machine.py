"""What the machine is that the figures were found on."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def machine(folder: Path) -> dict[str, str]:
    """Return CPU, cores, memory, kernel, and the file system and disk of ``folder``."""
    point, kind, device = _mount(folder)
    free = os.statvfs(folder)
    return {
        "CPU": _cpu(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "file system": f"{kind} on {device} at {point}",
        "free there": f"{free.f_bavail * free.f_frsize / 2**30:.0f} GiB",
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() in {"model name", "Model"}:
            return value.strip()
    return platform.machine()


def _mount(folder: Path) -> tuple[str, str, str]:
    best = ("/", "unknown", "unknown")
    for line in Path("/proc/mounts").read_text().splitlines():
        device, point, kind = line.split()[:3]
        if folder.resolve().is_relative_to(point) and len(point) >= len(best[0]):
            best = (point, kind, device)
    return best
