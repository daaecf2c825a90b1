"""Leases: what tells a process that lives from one that died, without any clock.

A lease is a row and a file that its process has locked. The operating system lets go of the
lock when the process ends, however it ends; a forked child keeps it, because what the parent
stored may be the child's to name.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import weakref
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from aivcs.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import apsw

_MODE: Final = 0o666
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
_NO_FILE: Final = frozenset({errno.ENOENT, errno.ENXIO, errno.ELOOP, errno.ENODEV})
_PREFIX: Final = "lease-"
_UPKEEP: Final = "upkeep.lock"
_TOKEN_BYTES: Final = 8
_TAKE_OVER: Final = """
WITH old(id) AS (SELECT id FROM leases WHERE token = :token)
INSERT OR IGNORE INTO holds (digest, lease) SELECT digest, :lease FROM (
  SELECT digest, lease FROM hot UNION ALL SELECT digest, lease FROM sealed
  UNION ALL SELECT digest, lease FROM large UNION ALL SELECT digest, lease FROM holds
) WHERE lease IN old
"""


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.EISDIR, errno.EEXIST}:
            msg = f"no lock can be taken: {error.filename} is in its place"
            raise StorageError(msg, hint="move it away; it is none of aivcs") from error
        msg = f"no lock can be taken in {folder}: {error.strerror or error}"
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        hint = "free some space" if full else "check that the folder may be written"
        raise StorageError(msg, hint=hint) from error


class Lease:
    """This process's lease on the objects that it stored and that nothing names yet.

    Taken when it is first asked for. All its methods raise StorageError.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = os.getpid()
        self._token = ""
        self._file = -1
        self._lost: list[str] = []
        self._let_go: Callable[[], object] = lambda: None

    @property
    def taken(self) -> bool:
        """Whether this process may hold anything."""
        return bool(self._token)

    def number(self, db: apsw.Connection) -> int:
        """Return the number of the lease's row, which is inserted where it is missing.

        Inside the write transaction; the file is locked before the row can be seen.
        """
        with _translated(self._folder):
            if not self._token:
                self._take()
            elif not os.fstat(self._file).st_nlink:
                # Somebody cleared the folder away, so we count as dead.
                self._lost.append(self._token)
                self._let_go()
                self._take()
        # Asked each time: the transaction that inserted the row may have been rolled back.
        found = db.execute("SELECT id FROM leases WHERE token = ?", (self._token,)).get
        if found is None:
            db.execute("INSERT INTO leases (token) VALUES (?)", (self._token,))
            found = db.last_insert_rowid()
            for token in self._lost:
                db.execute(_TAKE_OVER, {"token": token, "lease": found})
        return int(found)

    def _take(self) -> None:
        self._folder.mkdir(exist_ok=True)
        while True:
            token = f"{self._process}.{os.urandom(_TOKEN_BYTES).hex()}"
            file = os.open(_path(self._folder, token), _FLAGS | os.O_EXCL, _MODE)
            self._let_go = weakref.finalize(self, os.close, file)
            self._file = file
            fcntl.flock(file, fcntl.LOCK_EX)
            # Who clears away dead files may have had it for an instant.
            if os.fstat(file).st_nlink:
                self._token = token
                return
            self._let_go()

    def release(self) -> None:
        """Let go of the file; the row is forgotten by the next collection. Idempotent."""
        if self._token and self._process == os.getpid():
            # What stays is cleared away by the next collection, or is no file of ours.
            with suppress(OSError):
                _path(self._folder, self._token).unlink(missing_ok=True)
        self._let_go()


def _path(folder: Path, token: str) -> Path:
    return folder / f"{_PREFIX}{token}"


def described(number: int, token: str) -> str:
    """Return what is known of the process that holds a lease."""
    return f"process {token.partition('.')[0]} (lease {number})"


def is_dead(folder: Path, token: str) -> bool:
    """Tell whether the process of a lease is gone; the answer True stays true."""
    file = _opened(_path(folder, token))
    if file is None:
        return True
    try:
        # Shared, so that two who ask do not take each other for its process.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True


def _opened(path: Path) -> int | None:
    """Open the file of a lease; None where there is none, or what is no file has its place."""
    try:
        # Opening a pipe would wait for its writer.
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in _NO_FILE:
            return None
        raise
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    return None


def dead(folder: Path, rows: Iterable[tuple[int, str]]) -> list[int]:
    """Return the numbers of the leases whose processes are gone."""
    with _translated(folder):
        return [number for number, token in rows if is_dead(folder, token)]


def clear(folder: Path) -> None:
    """Remove the files of dead processes."""
    with _translated(folder):
        for path in folder.glob(f"{_PREFIX}*"):
            file = _opened(path)
            if file is None:
                continue
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
            except BlockingIOError:
                continue
            finally:
                os.close(file)


@contextmanager
def upkeep(folder: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock of whoever seals, collects or repairs; yield whether it is held.

    On a file system that is only read nobody else can be at it, so there it is.
    """
    with _translated(folder):
        file = _lock_file(folder)
    if file is None:
        yield True
        return
    process = os.getpid()
    try:
        yield _locked(folder, file, wait=wait)
    finally:
        # A child that was forked meanwhile has the descriptor, too.
        if process == os.getpid():
            fcntl.flock(file, fcntl.LOCK_UN)
        os.close(file)


def _lock_file(folder: Path) -> int | None:
    """Open the file of the lock; None where there is none and none can be made."""
    try:
        folder.mkdir(exist_ok=True)
        return os.open(folder / _UPKEEP, _FLAGS, _MODE)
    except OSError as error:
        if error.errno not in {errno.EROFS, errno.EACCES}:
            raise
        try:
            # Who may only read the file can still ask for its lock.
            return os.open(folder / _UPKEEP, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            if error.errno == errno.EROFS:
                return None
            raise error from None


def _locked(folder: Path, file: int, *, wait: bool) -> bool:
    with _translated(folder):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
    return True
