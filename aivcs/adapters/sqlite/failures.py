"""The one place where apsw's errors become errors of aivcs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import apsw

from aivcs.errors import AivcsError, CorruptionError, InvalidInputError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_WRITES: Final = frozenset({apsw.SQLITE_IOERR_WRITE, apsw.SQLITE_IOERR_TRUNCATE})


@contextmanager
def translated(path: str, *, reads: bool = False) -> Iterator[None]:
    """Raise what apsw raises inside as StorageError or CorruptionError naming the file.

    ``reads`` says that nothing is written inside, for the hint.
    """
    try:
        yield
    except AivcsError:
        raise
    except (apsw.CorruptError, apsw.NotADBError) as error:
        msg = f"the ledger {path} is damaged: {error}"
        raise CorruptionError(
            msg, hint="keep a copy of the folder before anything else; 'aivcs verify' says more"
        ) from error
    except apsw.SQLError as error:
        # The statements are fixed: one that cannot be prepared met other tables.
        msg = f"the ledger {path} has not the tables of its format: {error}"
        raise CorruptionError(
            msg, hint="restore the file from a copy; 'aivcs verify' names what is missing"
        ) from error
    except UnicodeDecodeError as error:
        msg = f"the ledger {path} holds a text that is not UTF-8: {error.reason}"
        raise CorruptionError(msg, hint="'aivcs verify' says where; restore the file") from error
    except (UnicodeEncodeError, OverflowError) as error:
        msg = f"the ledger {path} cannot hold a value: {error}"
        raise InvalidInputError(msg, hint="texts are UTF-8, numbers have up to 63 bits") from error
    except apsw.FullError as error:
        raise _no_space(path, reads=reads) from error
    except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError, apsw.AuthError) as error:
        msg = f"the ledger {path} cannot be opened for this: {error}"
        raise StorageError(msg, hint="check that the folder exists and may be written") from error
    except apsw.Error as error:
        raise _failed(path, error, reads=reads) from error


def lacks_index(error: apsw.Error) -> bool:
    """Tell whether the disk has no room for the index of the log, which readers need, too."""
    return getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_SHMSIZE


def _failed(path: str, error: apsw.Error, *, reads: bool) -> StorageError:
    if lacks_index(error):
        return _no_space(path, reads=reads)
    msg = f"the ledger {path} failed: {type(error).__name__}: {error}"
    if limit := _limit_of_size(error):
        msg += f"; no file of this process may be longer than {limit} bytes"
        hint = "'ulimit -f' shows and raises the limit; what did not fit was not kept"
        return StorageError(msg, hint=hint)
    return StorageError(msg, hint="check the disk; the action may be repeated")


def _limit_of_size(error: apsw.Error) -> int:
    """Return how long files may be, in bytes, where that may have stopped a write; else 0.

    SQLite keeps what the system said to itself.
    """
    import resource

    if getattr(error, "extendedresult", 0) not in _WRITES:
        return 0
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return 0 if limit == resource.RLIM_INFINITY else limit


def _no_space(path: str, *, reads: bool) -> StorageError:
    if reads:
        msg = f"no space left to read the ledger {path}"
        return StorageError(msg, hint="free some space, then ask again; nothing is lost")
    msg = f"no space left for the ledger {path}"
    return StorageError(msg, hint="free some space; what did not fit was not kept")
