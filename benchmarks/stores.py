"""Repositories filled once and read by several scenarios."""

from __future__ import annotations

import hashlib
import shutil
import sys
from random import Random
from typing import TYPE_CHECKING

from benchmarks.measure import inside, prepare

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.corpus import Corpus


def hot(bench: Bench, corpus: Corpus) -> Path:
    """Return a repository of aivcs that holds the documents as rows, pinned.

    It never seals by itself: the rows would become packs while others are measured.
    """
    folder = bench.scratch / f"hot-{corpus.count}"
    if not folder.exists():
        beside = bench.scratch / "being-filled"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        prepare([bench.peers.aivcs, "init"], beside)
        with (beside / ".aivcs" / "config.toml").open("a") as config:
            config.write("\n[seal]\nauto = false\n")
        inside(sys.executable, "put_many", beside, corpus.lines, beside, "pin")
        beside.rename(folder)
    return folder


def sealed(bench: Bench, corpus: Corpus) -> Path:
    """Return a repository of aivcs that holds the documents in packs."""
    folder = bench.scratch / f"sealed-{corpus.count}"
    if not folder.exists():
        filled = hot(bench, corpus)
        beside = bench.scratch / "being-sealed"
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(filled, beside)
        prepare([bench.peers.aivcs, "seal"], beside)
        beside.rename(folder)
    return folder


def git(bench: Bench, corpus: Corpus) -> Path:
    """Return a git repository that holds the documents in a commit, after ``git gc``."""
    folder = bench.scratch / f"git-{corpus.count}"
    if not folder.exists():
        beside = bench.scratch / "being-packed"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        prepare(["git", "init", "--quiet", "--template="], beside)
        stream = beside / "stream"
        commit_stream(corpus, stream)
        prepare(["git", "fast-import", "--quiet"], beside, stream)
        stream.unlink()
        # gc alone would keep the deltas of fast-import, which are poor.
        prepare(["git", "repack", "-a", "-d", "-f", "-q"], beside)
        prepare(["git", "gc", "--quiet"], beside)
        beside.rename(folder)
    return folder


def commit_stream(corpus: Corpus, stream: Path) -> None:
    """Write the documents as one commit of the files that they are, for git fast-import."""
    with corpus.lines.open("rb") as source, stream.open("wb") as out:
        for number, line in enumerate(source, 1):
            out.write(b"blob\nmark :%d\ndata %d\n%b\n" % (number, len(line) - 1, line[:-1]))
        out.write(b"commit refs/heads/main\ncommitter bench <bench> 1700000000 +0000\ndata 0\n")
        for number in range(1, corpus.count + 1):
            name = b"%04d/%07d.json" % ((number - 1) // 500, number - 1)
            out.write(b"M 100644 :%d %b\n" % (number, name))


def orders(bench: Bench, corpus: Corpus) -> tuple[Path, Path]:
    """Return lists of all documents in one random order: aivcs' digests, git's."""
    ours, theirs = bench.scratch / "order-aivcs", bench.scratch / "order-git"
    documents = corpus.lines.read_bytes().splitlines()
    Random(7).shuffle(documents)
    ours.write_text("".join(f"sha256:{hashlib.sha256(one).hexdigest()}\n" for one in documents))
    theirs.write_text(
        "".join(
            f"{hashlib.sha1(b'blob %d' % len(one) + bytes(1) + one).hexdigest()}\n"  # noqa: S324
            for one in documents
        )
    )
    return ours, theirs
