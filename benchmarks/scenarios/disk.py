"""Row 3: what the documents take on disk once each store has tidied up."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from benchmarks import durability, stores
from benchmarks.measure import Contender, allocated, in_turn, inside, prepare
from benchmarks.model import Bar, Measured, Result
from benchmarks.scenarios.small_files import COUNT

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench


def run(bench: Bench) -> list[Result]:
    """Weigh each store once: nothing here depends on the clock."""
    corpus = bench.documents(COUNT)

    def restic(folder: Path) -> Measured:
        prepare(["restic", "init", "--repo", "repo"], folder)
        prepare(["restic", "--repo", "repo", "backup", "--quiet", corpus.folder], folder)
        return weight(folder / "repo")

    def borg(folder: Path) -> Measured:
        prepare(["borg", "init", "--encryption", "none", "repo"], folder)
        prepare(["borg", "create", "repo::one", corpus.folder], folder)
        return weight(folder / "repo")

    def dvc(folder: Path) -> Measured:
        prepare([bench.peers.dvc, "init", "--no-scm", "--quiet"], folder)
        shutil.copytree(corpus.folder, folder / "documents")
        prepare([bench.peers.dvc, "add", "--quiet", "documents"], folder)
        return weight(folder / ".dvc" / "cache")

    def objectstore(folder: Path) -> Measured:
        store = folder / "store"
        python = bench.peers.python
        inside(python, "objectstore_packs", folder, corpus.lines, store, "compress")
        return weight(store)

    def weight(*paths: Path) -> Measured:
        size = allocated(*paths)
        return Measured(size / 1e6, {"of the documents": size / corpus.size})

    contenders = (
        Contender(
            "aivcs, hot",
            "object put of all documents: the whole .aivcs",
            durability.AIVCS,
            lambda _: weight(stores.hot(bench, corpus) / ".aivcs"),
        ),
        Contender(
            "aivcs",
            "the same after aivcs seal: the whole .aivcs",
            durability.AIVCS,
            lambda _: weight(stores.sealed(bench, corpus) / ".aivcs"),
        ),
        Contender(
            "git",
            "one commit of all documents, git repack -adf, git gc: the whole .git",
            durability.GIT_PACK,
            lambda _: weight(stores.git(bench, corpus) / ".git"),
        ),
        Contender("restic", "restic backup: the repository", durability.RESTIC, restic),
        Contender("borg", "borg create: the repository", durability.BORG, borg),
        Contender("DVC", "dvc add: the cache", durability.DVC, dvc),
        Contender(
            "disk-objectstore, compressed",
            "add_objects_to_pack(documents, compress=True)",
            durability.DISK_OBJECTSTORE,
            objectstore,
        ),
    )
    return [
        Result(
            3,
            f"disk for {corpus.count:,} JSON documents",
            f"What the file system has allocated for {corpus.size / 1e6:.1f} MB of documents, "
            "weighed once: sizes do not depend on the clock.",
            "MB",
            in_turn(contenders, 1, bench.scratch),
            (Bar("aivcs", "git", at_most=0.65), Bar("aivcs", "restic", at_most=0.55)),
        )
    ]
