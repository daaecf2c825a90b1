"""How the engine works on a file that may be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.errors import StorageError

if TYPE_CHECKING:
    import apsw

_PAGE_SIZE: Final = 8192
_CACHE_KIB: Final = 16 * 2**10
_CHECKPOINT_PAGES: Final = 4000
"""One merge of the log for so many pages: each costs two syncs, and a page that changed many
times in between is written once. After a crash, a log of 32 MiB is read in some 40 ms.
"""


def apply(db: apsw.Connection, path: str, *, new: bool) -> None:
    """Set what every connection has in common; of a ``new`` file also what it keeps for good.

    Raises StorageError for one that cannot be brought into the mode that all commits rely on.
    """
    if new:
        db.execute(f"PRAGMA page_size={_PAGE_SIZE}")
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")
    # Another program may have changed it; in other modes a commit is not as durable.
    mode = db.execute("PRAGMA journal_mode=WAL").get
    if mode != "wal":
        msg = f"the ledger {path} is in journal mode {mode} and cannot be brought into wal"
        raise StorageError(msg, hint="close the programs that have it open, then retry")
    db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    db.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    db.execute("PRAGMA foreign_keys=ON")
    db.execute("PRAGMA recursive_triggers=ON")
    db.execute("PRAGMA secure_delete=ON")
