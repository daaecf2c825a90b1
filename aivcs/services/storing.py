"""Storing objects: while a thread packs one window of them, the next one is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from aivcs.domain.batch import Batch, Reference, Role
from aivcs.domain.digest import Digest
from aivcs.services.encoding import encode_all
from aivcs.services.intake import take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future, ThreadPoolExecutor
    from typing import Self

    from aivcs.domain.batch import StoredObject
    from aivcs.ports import Ledger
    from aivcs.services.intake import Content, Source

    Large: TypeAlias = Callable[[Source], StoredObject]

HOT_LIMIT: Final = 128 * 2**10
"""Up to so many bytes an object is a row of the ledger; a larger one is a file."""

_ITEMS: Final = 2500
_BYTES: Final = 8 * 2**20

Contents: TypeAlias = "dict[Digest, bytes]"
Rows: TypeAlias = "list[StoredObject]"


def store(ledger: Ledger, large: Large, item: Content, *, pin: bool) -> Digest:
    """Store one object, durably, and pin it or hold it for this process."""
    content = take(item, HOT_LIMIT)
    if isinstance(content, bytes):
        digest = Digest.of(content)
        window = _Window(ledger, {digest: content})
        window.commit(encode_all(window.new), pin=pin)
        return digest
    row = large(content)
    commit_rows(ledger, [row], pin=pin)
    return row.digest


def store_many(
    ledger: Ledger, large: Large, items: Iterable[Content], *, pin: bool
) -> list[Digest]:
    """Store many objects, durably; return their digests in the items' order.

    Each commit takes up to 2500 of them or 8 MiB. When an item cannot be read, some of
    those before it are stored and its error is raised.
    """
    digests: list[Digest] = []
    contents: Contents = {}
    weight = 0
    with _Pipeline(ledger, pin=pin) as pipeline:
        for item in items:
            content = take(item, HOT_LIMIT)
            if not isinstance(content, bytes):
                row = large(content)
                commit_rows(ledger, [row], pin=pin)
                digests.append(row.digest)
                continue
            digest = Digest.of(content)
            digests.append(digest)
            contents[digest] = content
            weight += len(content)
            if len(contents) >= _ITEMS or weight >= _BYTES:
                pipeline.add(contents)
                contents, weight = {}, 0
        pipeline.finish(contents)
    return digests


def commit_rows(ledger: Ledger, rows: Rows, holds: Iterable[Digest] = (), *, pin: bool) -> None:
    """Commit rows, and see to it that they and ``holds`` stay: pinned, or held by this process."""
    named = (*(row.digest for row in rows), *holds)
    if not named:
        return
    if pin:
        pins = tuple(Reference(digest, Role.PIN) for digest in named)
        ledger.commit(Batch(objects=tuple(rows), references=pins))
    else:
        ledger.commit(Batch(objects=tuple(rows), hold=True, holds=tuple(holds)))


class _Window:
    """Objects that are stored together: ``new`` has those that are not there yet.

    One that has another size where it is stored is damaged there and counts as new.
    """

    def __init__(self, ledger: Ledger, contents: Contents) -> None:
        self._ledger = ledger
        self._contents = contents
        self._sizes = ledger.sizes(tuple(contents))
        sizes = self._sizes
        self.new = {d: content for d, content in contents.items() if d not in sizes}

    def commit(self, rows: Rows, *, pin: bool) -> None:
        """Store the rows of the new ones, and keep the known ones."""
        known = self._sizes.keys()
        commit_rows(self._ledger, rows, known, pin=pin)
        if not known:
            return
        # A collection may have taken one before it was kept; now none can any more.
        sizes = self._ledger.sizes(tuple(known))
        again = {d: self._contents[d] for d in known if sizes.get(d) != len(self._contents[d])}
        if again:
            self._ledger.commit(Batch(restored=tuple(encode_all(again))))


class _Pipeline:
    """Windows on their way: the one added last is being packed, those before are stored."""

    def __init__(self, ledger: Ledger, *, pin: bool) -> None:
        self._ledger = ledger
        self._pin = pin
        self._pool: ThreadPoolExecutor | None = None
        self._packed: tuple[_Window, Future[Rows]] | None = None

    def add(self, contents: Contents) -> None:
        """Begin to pack a window, and store the one before it."""
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(1)
        window = _Window(self._ledger, contents)
        packed = window, self._pool.submit(encode_all, window.new)
        self._store()
        self._packed = packed

    def finish(self, contents: Contents) -> None:
        """Store everything, with ``contents`` as the last window."""
        if self._pool is not None:
            self.add(contents)
            self._store()
            return
        window = _Window(self._ledger, contents)
        window.commit(encode_all(window.new), pin=self._pin)

    def _store(self) -> None:
        if self._packed is not None:
            window, rows = self._packed
            self._packed = None
            window.commit(rows.result(), pin=self._pin)

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the thread to end; what is not stored yet is given up."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
