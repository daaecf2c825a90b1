"""What each side does so that its data outlives a power cut, in words for the page."""

from __future__ import annotations

from typing import Final

AIVCS: Final = "every commit is flushed (SQLite, WAL, synchronous=FULL)"
AIVCS_LARGE: Final = "fsync of the file and its folder, then the ledger's commit"
GIT: Final = "none: loose objects are not flushed (git's default)"
GIT_PACK: Final = "the pack and its index are flushed at the end (git's default)"
GIT_ALL: Final = "each object is flushed (core.fsync=all, core.fsyncMethod=fsync)"
RESTIC: Final = "each pack, index and snapshot file is flushed"
BORG: Final = "each segment is flushed when it is full and at the commit"
DVC: Final = "none: files of the cache are not flushed (its own databases are)"
PYGIT2: Final = "none: loose objects are not flushed (libgit2's default)"
PYGIT2_FSYNC: Final = "each object is flushed (enable_fsync_gitdir)"
DISK_OBJECTSTORE: Final = "the pack is flushed, then SQLite's commit (do_fsync=True)"
CP: Final = "fsync of the file"
RAW: Final = "fdatasync after each append"
SQLITE: Final = "every commit is flushed (WAL, synchronous=FULL)"
VERIFIED: Final = "reads only; every byte is hashed against its digest"
UNVERIFIED: Final = "reads only; nothing is hashed"
