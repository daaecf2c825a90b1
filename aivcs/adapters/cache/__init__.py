"""``cache.db``: what may be lost, in SQLite through sqlite-utils."""

from aivcs.adapters.cache.bookmarks import CachedBookmarks
from aivcs.adapters.cache.states import CachedStates

__all__ = ["CachedBookmarks", "CachedStates"]
