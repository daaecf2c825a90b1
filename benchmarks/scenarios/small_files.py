"""Row 1: many small documents from files, the whole process."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Final

from benchmarks import durability
from benchmarks.measure import ROOT, Contender, prepare, timed
from benchmarks.model import Bar, Measured

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.model import Result

COUNT: Final = 20_000
FEED: Final = ROOT / "benchmarks" / "inside" / "feed.py"
_FSYNC: Final = ("-c", "core.fsync=all", "-c", "core.fsyncMethod=fsync")


def run(bench: Bench) -> list[Result]:
    """Store the documents into a fresh repository of each store."""
    corpus = bench.documents(COUNT)
    stream = bench.scratch / "fast-import"
    _write_stream(corpus.lines, stream)

    def rate(ran: float, facts: dict[str, float]) -> Measured:
        return Measured(corpus.count / ran, facts)

    def whole(argv: Sequence[str | Path], folder: Path, stdin: Path | None = None) -> Measured:
        ran = timed(argv, folder, stdin)
        return rate(ran.seconds, {"CPU s": ran.cpu, "peak MB": ran.peak / 1e6})

    def aivcs(folder: Path) -> Measured:
        prepare([bench.peers.aivcs, "init"], folder)
        return whole([bench.peers.aivcs, "object", "put", "--paths-from", corpus.paths], folder)

    def git_add(folder: Path, *options: str) -> Measured:
        prepare(["git", "init", "--quiet"], folder)
        tree: list[str | Path] = [
            "--git-dir",
            folder / ".git",
            "--work-tree",
            corpus.folder,
        ]
        return whole(["git", *options, *tree, "add", "--all", corpus.folder], folder)

    def fast_import_files(folder: Path) -> Measured:
        prepare(["git", "init", "--quiet"], folder)
        feed = [sys.executable, "-I", "-S", FEED]
        line = f"{' '.join(map(str, feed))} {corpus.paths} | git fast-import --quiet"
        return whole(["sh", "-c", line], folder)

    def fast_import_stream(folder: Path) -> Measured:
        prepare(["git", "init", "--quiet"], folder)
        return whole(["git", "fast-import", "--quiet"], folder, stream)

    def restic(folder: Path) -> Measured:
        prepare(["restic", "init", "--repo", "repo"], folder)
        return whole(["restic", "--repo", "repo", "backup", "--quiet", corpus.folder], folder)

    def borg(folder: Path) -> Measured:
        prepare(["borg", "init", "--encryption", "none", "repo"], folder)
        return whole(["borg", "create", "repo::one", corpus.folder], folder)

    def dvc(folder: Path) -> Measured:
        prepare([bench.peers.dvc, "init", "--no-scm", "--quiet"], folder)
        shutil.copytree(corpus.folder, folder / "documents")
        return whole([bench.peers.dvc, "add", "--quiet", "documents"], folder)

    contenders = (
        Contender("aivcs", "aivcs object put --paths-from LIST", durability.AIVCS, aivcs),
        Contender("git add", "git add --all DOCUMENTS", durability.GIT, git_add),
        Contender(
            "git fast-import",
            "a program that reads the files | git fast-import",
            durability.GIT_PACK,
            fast_import_files,
        ),
        Contender(
            "git fast-import, stream ready",
            "git fast-import < STREAM, where one file holds all documents already",
            durability.GIT_PACK,
            fast_import_stream,
        ),
        Contender(
            "git add, durable",
            f"git {' '.join(_FSYNC)} add --all DOCUMENTS",
            durability.GIT_ALL,
            lambda folder: git_add(folder, *_FSYNC),
        ),
        Contender("restic", "restic backup DOCUMENTS", durability.RESTIC, restic),
        Contender("borg", "borg create repo::one DOCUMENTS", durability.BORG, borg),
        Contender("DVC", "dvc add documents", durability.DVC, dvc),
    )
    return [
        bench.compare(
            1,
            f"{corpus.count:,} JSON documents from files",
            "Each store takes the same files into a fresh repository; the whole process is "
            "timed, start to exit. The files are in the page cache for all of them.",
            "documents/s",
            contenders,
            (
                Bar("aivcs", "git add", at_least=3),
                Bar("aivcs", "git fast-import", at_least=3),
                Bar("aivcs", "git add, durable", at_least=9),
                Bar("aivcs", "restic", at_least=3),
                Bar("aivcs", "DVC", at_least=7),
            ),
        )
    ]


def _write_stream(lines: Path, stream: Path) -> None:
    with lines.open("rb") as source, stream.open("wb") as out:
        for line in source:
            document = line[:-1]
            out.write(b"blob\ndata %d\n%b\n" % (len(document), document))
