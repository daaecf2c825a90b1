"""Many writers of single durable puts: STORE threads|processes LINES FOLDER CREW EACH.

STORE is ``aivcs`` or ``sqlite``: bare SQLite, a table of digests and documents. Each writer
stores documents of its own, all begin at once. Afterwards every document is looked for.
"""

from __future__ import annotations

import multiprocessing
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.inside.timing import lines, middle, say

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, TypeAlias

    import apsw

    class Gate(Protocol):
        """A barrier, of threads or of processes."""

        def wait(self) -> int:
            """Return when all writers have come."""
            ...

    Put: TypeAlias = "Callable[[bytes], object]"

_BUSY_MS = 60_000


class Done(NamedTuple):
    """What one writer did: its moments, the seconds of each put, and its errors."""

    start: float
    end: float
    took: list[float]
    errors: int


def main() -> None:
    """Measure it."""
    _, store, how, source, folder, crew, each = sys.argv
    documents = lines(source)
    shares = [documents[one * int(each) : (one + 1) * int(each)] for one in range(int(crew))]
    _make(store, folder)
    done = (
        _threads(store, folder, shares) if how == "threads" else _processes(store, folder, shares)
    )
    took = [seconds for one in done for seconds in one.took]
    say(
        rate=len(took) / (max(one.end for one in done) - min(one.start for one in done)),
        p50=middle(took),
        p99=middle(took, 0.99),
        worst=max(took),
        errors=sum(one.errors for one in done),
        lost=_lost(store, folder, [document for share in shares for document in share]),
    )


def _threads(store: str, folder: str, shares: list[list[bytes]]) -> list[Done]:
    gate = threading.Barrier(len(shares))
    if store == "aivcs":
        import aivcs

        with aivcs.open(folder) as repo, ThreadPoolExecutor(len(shares)) as pool:
            put = repo.objects.put
            return list(pool.map(lambda share: _write(put, share, gate), shares))

    def alone(share: list[bytes]) -> Done:
        return _write(_bare_put(folder), share, gate)

    with ThreadPoolExecutor(len(shares)) as pool:
        return list(pool.map(alone, shares))


def _processes(store: str, folder: str, shares: list[list[bytes]]) -> list[Done]:
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(len(shares))
    with context.Pool(len(shares), _remember, (gate,)) as pool:
        return pool.starmap(_process, [(store, folder, share) for share in shares], chunksize=1)


_gates: list[Gate] = []


def _remember(gate: Gate) -> None:
    _gates.append(gate)


def _process(store: str, folder: str, share: list[bytes]) -> Done:
    if store == "aivcs":
        import aivcs

        with aivcs.open(folder) as repo:
            return _write(repo.objects.put, share, _gates[0])
    return _write(_bare_put(folder), share, _gates[0])


def _write(put: Put, share: list[bytes], gate: Gate) -> Done:
    took, errors = [], 0
    gate.wait()
    begin = perf_counter()
    for document in share:
        start = perf_counter()
        try:
            put(document)
        except Exception as error:  # noqa: BLE001 - whatever is raised is counted
            print(repr(error), file=sys.stderr)
            errors += 1
        took.append(perf_counter() - start)
    return Done(begin, perf_counter(), took, errors)


def _make(store: str, folder: str) -> None:
    if store == "aivcs":
        import aivcs

        aivcs.init(folder).close()
        return
    bare = _bare(folder)
    bare.execute("CREATE TABLE o (digest BLOB PRIMARY KEY, document BLOB)").fetchall()
    bare.close()


def _bare(folder: str) -> apsw.Connection:
    import apsw

    bare = apsw.Connection(str(Path(folder) / "bare.db"))
    bare.set_busy_timeout(_BUSY_MS)
    for words in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"):
        bare.execute(words).fetchall()
    return bare


def _bare_put(folder: str) -> Put:
    bare = _bare(folder)

    def put(document: bytes) -> None:
        bare.execute("INSERT INTO o VALUES (?, ?)", (sha256(document).digest(), document))

    return put


def _lost(store: str, folder: str, documents: list[bytes]) -> int:
    if store == "aivcs":
        import aivcs

        with aivcs.open(folder) as repo:
            found = {
                document
                for one in documents
                if repo.objects.contains(digest := f"sha256:{sha256(one).hexdigest()}")
                for document in [repo.objects.get(digest)]
            }
    else:
        rows = _bare(folder).execute("SELECT document FROM o").fetchall()
        found = {row[0] for row in rows if isinstance(row[0], bytes)}
    return len(set(documents) - found)


if __name__ == "__main__":
    main()
