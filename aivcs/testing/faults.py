"""Storage that fails or dies at a chosen write, before or after the write landed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from aivcs.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from aivcs.domain.batch import Batch, Receipt
    from aivcs.errors import AivcsError
    from aivcs.ports import BlobStore, Ledger

T = TypeVar("T")


class Death(BaseException):
    """The process ended here; nothing that comes after it counts."""


class FailingLedger:
    """A ledger whose next ``failures`` commits raise StorageError, ``landed`` or not."""

    def __init__(self, ledger: Ledger, *, landed: bool) -> None:
        self._ledger = ledger
        self._landed = landed
        self.failures = 0

    @property
    def port(self) -> Ledger:
        """Return this as what it stands for."""
        return cast("Ledger", self)

    def commit(self, batch: Batch) -> Receipt:
        """Commit, or fail."""
        return self._write(lambda: self._ledger.commit(batch))

    def commit_all(self, batches: Sequence[Batch]) -> list[Receipt | AivcsError]:
        """Commit a group, or fail."""
        return self._write(lambda: self._ledger.commit_all(batches))

    def _write(self, action: Callable[[], T]) -> T:
        if not self.failures:
            return action()
        self.failures -= 1
        if self._landed:
            action()
        msg = "the disk failed"
        raise StorageError(msg, hint="check the disk")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the ledger has
        """Pass everything else on."""
        return getattr(self._ledger, name)


class Fuse:
    """Counts the writes of a process and ends it at write ``at`` (0: never).

    ``landed`` says whether that write is done first. Afterwards every call raises Death,
    as a process that is gone makes none.
    """

    def __init__(self, at: int, *, landed: bool) -> None:
        self._at = at
        self.landed = landed
        self.writes = 0
        self.burnt = False

    def check(self) -> None:
        """Raise Death when the process has ended."""
        if self.burnt:
            raise Death

    def write(self, action: Callable[[], T]) -> T:
        """Do a write, or die of it."""
        self.check()
        self.writes += 1
        if self.writes != self._at:
            return action()
        self.burnt = True
        if self.landed:
            action()
        raise Death


class Dying:
    """A port behind a fuse: the methods named in ``writing`` are its writes."""

    def __init__(self, port: object, fuse: Fuse, writing: frozenset[str]) -> None:
        self._port = port
        self._fuse = fuse
        self._writing = writing

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        """Return the port's method behind the fuse."""
        method = getattr(self._port, name)
        if not callable(method):
            return method

        def call(*args: Any, **named: Any) -> Any:  # noqa: ANN401 - the method's own
            if name in self._writing:
                return self._fuse.write(lambda: method(*args, **named))
            self._fuse.check()
            found = method(*args, **named)
            if name == "exclusive":
                return self._until_its_end(found)
            return Dying(found, self._fuse, self._writing) if name == "stage" else found

        return call

    @contextmanager
    def _until_its_end(self, transaction: AbstractContextManager[None]) -> Iterator[None]:
        """Hold a transaction whose end is a write."""
        died = False
        with transaction:
            yield
            try:
                self._fuse.write(lambda: None)
            except Death:
                died = True
                if not self._fuse.landed:
                    raise
        if died:
            raise Death

    def __enter__(self) -> Self:
        """Enter the blob that is being staged."""
        self._port.__enter__()  # type: ignore[attr-defined]
        return self

    def __exit__(self, *raised: object) -> None:
        """Leave it; a staged file of a dead process is only closed."""
        self._port.__exit__(*raised)  # type: ignore[attr-defined]


def dying_ledger(ledger: Ledger, fuse: Fuse) -> Ledger:
    """Return the ledger behind a fuse."""
    return cast(
        "Ledger", Dying(ledger, fuse, frozenset({"commit", "commit_all", "reap", "compact"}))
    )


def dying_blobs(blobs: BlobStore, fuse: Fuse) -> BlobStore:
    """Return the blob store behind the same fuse."""
    return cast("BlobStore", Dying(blobs, fuse, frozenset({"publish", "delete"})))
