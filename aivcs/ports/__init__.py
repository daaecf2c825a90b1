"""The ports: what the services need of storage, sorted by what it promises.

Adapters raise only errors of ``aivcs.errors``; they translate their driver's errors in
one place. Nobody above an adapter retries a storage error; a conflict may be retried by
the service that built the batch, after reading again.
"""

from aivcs.ports.backend import StorageBackend
from aivcs.ports.blobs import BlobStore, Staged
from aivcs.ports.caches import Bookmarks, StateCache
from aivcs.ports.git import GitRepository, HookFolder
from aivcs.ports.ledger import Ledger
from aivcs.ports.publication import LogFolder
from aivcs.ports.surroundings import Ahead, Clock, Ids, Pause, Salts, Spread

__all__ = [
    "Ahead",
    "BlobStore",
    "Bookmarks",
    "Clock",
    "GitRepository",
    "HookFolder",
    "Ids",
    "Ledger",
    "LogFolder",
    "Pause",
    "Salts",
    "Spread",
    "Staged",
    "StateCache",
    "StorageBackend",
]
