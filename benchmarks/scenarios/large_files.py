"""Row 6: one file of 512 MiB, incompressible and text."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

from benchmarks import durability
from benchmarks.documents import documents
from benchmarks.held_disk import held
from benchmarks.measure import Contender, prepare, timed
from benchmarks.model import Bar, Measured

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.model import Result

SIZE: Final = 512 * 2**20
_MEBI: Final = 2**20
_RATE: Final = 760_000_000
"""Bytes a second, of a disk that is no faster than the hashes a store has to take."""


def run(bench: Bench) -> list[Result]:
    """Store each file into a fresh repository of each store.

    The incompressible one also with a disk held to a rate, where the kernel can do that.
    """
    size = bench.scaled(SIZE)
    results = []
    for kind, write in (("incompressible", _write_random), ("text", _write_text)):
        source = bench.scratch / f"large-{kind}"
        write(source, size)
        results.append(_compare(bench, kind, source, size))
        if kind == "incompressible":
            with held(bench.scratch, _RATE) as prefix:
                if prefix:
                    results.append(_compare_held(bench, source, size, prefix))
        source.unlink()
    return results


def _compare(bench: Bench, kind: str, source: Path, size: int) -> Result:
    def whole(argv: Sequence[str | Path], folder: Path) -> Measured:
        ran = timed(argv, folder)
        facts = {"CPU s": ran.cpu, "peak MB": ran.peak / 1e6}
        return Measured(size / _MEBI / ran.seconds, facts)

    def aivcs(folder: Path) -> Measured:
        prepare([bench.peers.aivcs, "init"], folder)
        return whole([bench.peers.aivcs, "object", "put", source], folder)

    def copy(folder: Path) -> Measured:
        return whole(["sh", "-c", f"cp {source} copy && sync copy"], folder)

    def restic(folder: Path) -> Measured:
        prepare(["restic", "init", "--repo", "repo"], folder)
        return whole(["restic", "--repo", "repo", "backup", "--quiet", source], folder)

    def borg(folder: Path) -> Measured:
        prepare(["borg", "init", "--encryption", "none", "repo"], folder)
        return whole(["borg", "create", "repo::one", source], folder)

    bars = [Bar("aivcs", at_most=100, of="peak MB")]
    if kind == "incompressible":
        bars = [
            Bar("aivcs", "restic", at_least=4.5),
            Bar("aivcs", "cp + fsync", at_least=0.8),
            *bars,
        ]
    return bench.compare(
        6,
        f"one file of {size // _MEBI} MiB, {kind}",
        "Each store takes the same file into a fresh repository; the whole process is timed. "
        "The file is in the page cache for all of them.",
        "MiB/s",
        (
            Contender("aivcs", "aivcs object put FILE", durability.AIVCS_LARGE, aivcs),
            Contender("cp + fsync", "cp FILE copy && sync copy", durability.CP, copy),
            Contender("restic", "restic backup FILE", durability.RESTIC, restic),
            Contender("borg", "borg create repo::one FILE", durability.BORG, borg),
        ),
        bars,
    )


def _compare_held(bench: Bench, source: Path, size: int, prefix: list[str]) -> Result:
    def aivcs(folder: Path) -> Measured:
        prepare([bench.peers.aivcs, "init"], folder)
        return whole([bench.peers.aivcs, "object", "put", source], folder)

    def copy(folder: Path) -> Measured:
        return whole(["sh", "-c", f"cp {source} copy && sync copy"], folder)

    def whole(argv: Sequence[str | Path], folder: Path) -> Measured:
        ran = timed([*prefix, *argv], folder)
        return Measured(size / _MEBI / ran.seconds, {"CPU s": ran.cpu})

    return bench.compare(
        6,
        f"one file of {size // _MEBI} MiB, incompressible, the disk held",
        f"The kernel lets each process write {_RATE / 1e6:.0f} MB/s (cgroup, blkio.throttle). "
        "A copy waits for nothing but the disk; what hashes each byte, as a store must, also "
        "for the processor: so how the two compare depends on the disk, and the disk of the "
        "machine may be faster than SHA-256.",
        "MiB/s",
        (
            Contender("aivcs", "aivcs object put FILE", durability.AIVCS_LARGE, aivcs),
            Contender("cp + fsync", "cp FILE copy && sync copy", durability.CP, copy),
        ),
        [Bar("aivcs", "cp + fsync", at_least=0.8)],
    )


def _write_random(path: Path, size: int) -> None:
    random = Random(6)
    with path.open("wb") as file:
        for start in range(0, size, _MEBI):
            file.write(random.randbytes(min(_MEBI, size - start)))


def _write_text(path: Path, size: int) -> None:
    """Write documents, one a line, other ones all the way."""
    with path.open("wb") as file:
        left, seed = size, 0
        while left > 0:
            seed += 1
            for document in documents(20_000, seed):
                piece = (document + b"\n")[:left]
                file.write(piece)
                left -= len(piece)
                if not left:
                    break
