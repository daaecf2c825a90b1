"""Row 2: the same documents from memory, in one process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks import durability
from benchmarks.measure import Contender, allocated, inside
from benchmarks.model import Bar, Measured
from benchmarks.scenarios.small_files import COUNT

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.model import Result


def run(bench: Bench) -> list[Result]:
    """Store the documents by the batch call of each library, in a process of its own."""
    corpus = bench.documents(COUNT)

    def contender(name: str, ran: str, durable: str, module: str, *how: str) -> Contender:
        python = sys.executable if module == "put_many" else bench.peers.python

        def measure(folder: Path) -> Measured:
            store = folder / "store"
            found = inside(python, module, folder, corpus.lines, store, *how)
            size = allocated(store) / 1e6
            return Measured(corpus.count / found["seconds"], {"disk MB": size})

        return Contender(name, ran, durable, measure)

    contenders = (
        contender("aivcs", "repo.objects.put_many(documents)", durability.AIVCS, "put_many"),
        contender("pygit2", "create_blob for each", durability.PYGIT2, "pygit2_blobs"),
        contender(
            "pygit2, durable", "create_blob for each", durability.PYGIT2_FSYNC, "pygit2_blobs", "f"
        ),
        contender(
            "disk-objectstore",
            "add_objects_to_pack(documents, compress=False)",
            durability.DISK_OBJECTSTORE,
            "objectstore_packs",
        ),
        contender(
            "disk-objectstore, compressed",
            "add_objects_to_pack(documents, compress=True)",
            durability.DISK_OBJECTSTORE,
            "objectstore_packs",
            "compress",
        ),
    )
    return [
        bench.compare(
            2,
            f"{corpus.count:,} JSON documents in process",
            "The documents are in memory; only the call that stores them is timed, in a fresh "
            "process and a fresh repository. The disk is what the store takes right after.",
            "documents/s",
            contenders,
            (
                Bar("aivcs", "pygit2", at_least=6),
                Bar("aivcs", "disk-objectstore", at_least=1.7),
            ),
        )
    ]
