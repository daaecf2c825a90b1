"""A disk that takes only so many bytes a second, for the programs of one scenario."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS: Final = Path("/sys/fs/cgroup/blkio")
_LIMIT: Final = "blkio.throttle.write_bps_device"


@contextmanager
def held(folder: Path, rate: int, groups: Path = GROUPS) -> Iterator[list[str] | None]:
    """Give the words before a command that hold what it writes to the disk of ``folder``.

    The kernel lets it write ``rate`` bytes a second (cgroup v1, ``blkio.throttle``, see
    Documentation/admin-guide/cgroup-v1/blkio-controller.rst). None where it cannot: without
    that controller, or for who may not make a group.
    """
    group = groups / f"aivcs-bench.{os.getpid()}"
    try:
        (groups / _LIMIT).stat()
        group.mkdir()
    except OSError:
        yield None
        return
    try:
        (group / _LIMIT).write_text(f"{_disk(folder)} {rate}")
        yield ["sh", "-c", f'echo $$ >{group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        group.rmdir()


def _disk(folder: Path) -> str:
    """Return the numbers of the whole disk, which alone can be held."""
    device = folder.stat().st_dev
    numbers = f"{os.major(device)}:{os.minor(device)}"
    here = Path("/sys/dev/block") / numbers
    if (here / "partition").exists():
        return (here.resolve().parent / "dev").read_text().strip()
    return numbers
