"""What a program asks the kernel to write and to flush, counted by strace."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.measure import BenchmarkError, prepare
from benchmarks.recorders.stretch import BEGIN, END

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_FLUSHES: Final = ("fsync", "fdatasync", "msync", "sync_file_range")
_WRITES: Final = ("write", "pwrite64", "writev", "pwritev", "pwritev2")
_CALL: Final = re.compile(r"\d+ +(?P<name>\w+)\((?:\d+<(?P<path>[^>]*)>)?(?P<rest>.*)")
_SIZE: Final = re.compile(r", (\d+)(?:, \d+)?(?:\)| <unfinished)")
_PART: Final = re.compile(r"iov_len=(\d+)")


@dataclass(frozen=True, slots=True)
class Asked:
    """Flushes, and bytes written to files."""

    flushes: int
    written: int


def traced(argv: Sequence[str | Path], folder: Path) -> Asked:
    """Run a program and count what its measured stretch does to files below ``folder``.

    What it writes through mapped memory (SQLite's index of the log) is not seen.
    BenchmarkError if it fails or marks no stretch.
    """
    out = folder.with_name(f"{folder.name}.trace")
    calls = ",".join((*_FLUSHES, *_WRITES, "rmdir"))
    prepare(
        ["strace", "-f", "-y", "-qq", "-s", "0", "-e", f"trace={calls}", "-o", out, *argv], folder
    )
    try:
        with out.open(encoding="utf-8", errors="replace") as lines:
            return counted(lines, str(folder))
    finally:
        out.unlink()


def counted(lines: Iterable[str], folder: str) -> Asked:
    """Return what a trace has between its marks; BenchmarkError where one is missing."""
    flushes = written = 0
    marks: list[str] = []
    for line in lines:
        found = _CALL.match(line)
        if found is None:
            continue
        name, path, rest = found["name"], found["path"] or "", found["rest"]
        if name == "rmdir":
            marks += [mark for mark in (BEGIN, END) if f'"{mark}"' in rest]
        elif marks != [BEGIN] or not path.startswith(folder):
            continue
        elif name in _FLUSHES:
            flushes += 1
        else:
            written += _bytes(rest)
    if marks != [BEGIN, END]:
        msg = f"the trace has the marks {marks}, expected one of each"
        raise BenchmarkError(msg)
    return Asked(flushes, written)


def _bytes(rest: str) -> int:
    if parts := _PART.findall(rest):
        return sum(map(int, parts))
    size = _SIZE.search(rest)
    return int(size[1]) if size else 0
