"""Storing objects: while one window of them is read, others are packed and committed."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, TypeAlias

from aivcs.domain.batch import Batch, Reference, Role
from aivcs.domain.digest import Digest
from aivcs.domain.stored import Tier
from aivcs.errors import CorruptionError, NotFound
from aivcs.services.encoding import encode, encode_all
from aivcs.services.intake import take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future, ThreadPoolExecutor
    from typing import Self

    from aivcs.domain.stored import StoredObject
    from aivcs.ports import Ledger
    from aivcs.services.intake import Content, Source

    Large: TypeAlias = Callable[[Source], StoredObject]
    Read: TypeAlias = Callable[[StoredObject], bytes]
    Threads: TypeAlias = tuple[ThreadPoolExecutor, ThreadPoolExecutor]

_ITEMS: Final = 3200
_FIRST: Final = 500
"""The first window is small, so that there is soon something to pack and to commit."""
_BYTES: Final = 8 * 2**20
_WAITING: Final = 4
_LOOK: Final = 500

Contents: TypeAlias = "dict[Digest, bytes]"
Rows: TypeAlias = "list[StoredObject]"


def store(ledger: Ledger, large: Large, read: Read, item: Content, *, pin: bool) -> Digest:
    """Store one object, durably, and pin it or hold it for this process."""
    content = take(item, ledger.hot_limit)
    row = encode(content) if isinstance(content, bytes) else large(content)
    commit_rows(ledger, read, [row], pin=pin)
    return row.digest


def store_many(
    ledger: Ledger, large: Large, read: Read, items: Iterable[Content], *, pin: bool
) -> list[Digest]:
    """Store many objects, durably; return their digests in the items' order.

    A window has up to 3200 of them or 8 MiB, the first one 500. Where there are several,
    another thread commits them, up to four at once, so this must not be called inside
    ``Ledger.exclusive``. When an item cannot be read, some of those before it are stored and
    its error is raised.
    """
    digests: list[Digest] = []
    contents: Contents = {}
    weight = 0
    window = _FIRST
    with Pipeline(ledger, read, pin=pin) as pipeline:
        for item in items:
            content = take(item, ledger.hot_limit)
            if not isinstance(content, bytes):
                digests.append(pipeline.alone(large(content)))
                continue
            digest = Digest.of(content)
            digests.append(digest)
            contents[digest] = content
            weight += len(content)
            if len(contents) >= window or weight >= _BYTES:
                pipeline.add(contents)
                contents, weight = {}, 0
                window = min(4 * window, _ITEMS)
        pipeline.finish(contents)
    return digests


def commit_rows(ledger: Ledger, read: Read, rows: Rows, *, pin: bool) -> None:
    """Commit rows and see to it that they stay, new or not: pinned, or held by this process.

    One that was there already is read; its row is replaced when it cannot be.
    """
    if not rows:
        return
    # In their index's order they go in faster; that of the objects tells which are alike.
    pins = tuple(Reference(d, Role.PIN) for d in sorted(r.digest for r in rows)) if pin else ()
    done = ledger.commit(Batch(objects=tuple(rows), references=pins, hold=not pin))
    if done.known:
        heal(ledger, read, rows, hold=not pin)


def heal(ledger: Ledger, read: Read, rows: Sequence[StoredObject], *, hold: bool = False) -> None:
    """Put the rows of small objects in the place of those that cannot be read.

    For objects that a commit found stored already; others it would read for nothing.
    """
    broken = tuple(_broken(ledger, read, rows))
    if broken:
        ledger.commit(Batch(restored=broken, hold=hold))


def _broken(ledger: Ledger, read: Read, rows: Sequence[StoredObject]) -> Iterator[StoredObject]:
    """Yield those of the small objects whose stored bytes are missing or damaged."""
    for start in range(0, len(rows), _LOOK):
        some = [row for row in rows[start : start + _LOOK] if row.data is not None]
        found = ledger.objects([row.digest for row in some])
        for row in some:
            stored = found.get(row.digest)
            if stored is None or stored.data == row.data or stored.tier is Tier.LARGE:
                continue
            try:
                read(stored)
            except CorruptionError:
                yield row
            except NotFound:
                continue  # somebody has deleted it since


class Pipeline:
    """Windows on their way: one is packed by a thread, the one before committed by another."""

    def __init__(self, ledger: Ledger, read: Read, *, pin: bool) -> None:
        self._ledger = ledger
        self._read = read
        self._pin = pin
        self._threads: Threads | None = None
        self._packed: deque[Future[Rows]] = deque()
        self._commits: deque[Future[None]] = deque()

    def add(self, contents: Contents) -> None:
        """Send a window on its way; wait while too many are. Raises what an earlier one met."""
        packer, _ = self._start()
        self._send(packer.submit(encode_all, contents))

    def add_rows(self, rows: Rows) -> None:
        """Send a window that is packed already on its way, like ``add``."""
        from concurrent.futures import Future

        done: Future[Rows] = Future()
        done.set_result(rows)
        self._send(done)

    def alone(self, row: StoredObject) -> Digest:
        """Commit the row of a large object at once; return its digest."""
        commit_rows(self._ledger, self._read, [row], pin=self._pin)
        return row.digest

    def finish(self, contents: Contents) -> None:
        """Store everything, with ``contents`` as the last window."""
        if self._threads is None:
            commit_rows(self._ledger, self._read, encode_all(contents), pin=self._pin)
            return
        if contents:
            self.add(contents)
        while self._commits:
            self._commits.popleft().result()

    def _start(self) -> Threads:
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor

            self._threads = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        return self._threads

    def _send(self, rows: Future[Rows]) -> None:
        _, committer = self._start()
        self._packed.append(rows)
        self._commits.append(committer.submit(self._commit))
        while len(self._commits) >= _WAITING:
            self._commits.popleft().result()

    def _commit(self) -> None:
        """Commit a window, with those that were packed while the disk was busy."""
        rows: Rows = []
        while self._packed and (not rows or self._packed[0].done()):
            rows += self._packed.popleft().result()
        commit_rows(self._ledger, self._read, rows, pin=self._pin)

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the threads to end; windows that nobody has begun to commit are given up."""
        if self._threads is not None:
            packer, committer = self._threads
            committer.shutdown(wait=False, cancel_futures=True)
            packer.shutdown()
            committer.shutdown()
