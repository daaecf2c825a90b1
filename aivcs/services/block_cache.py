"""Unpacked blocks that are likely to be asked for again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TypeAlias

Key: TypeAlias = "tuple[bytes, int]"
"""A block: its pack's digest and where it begins in it."""


class BlockCache:
    """Holds up to ``limit`` bytes of blocks, the least recently used one given up first.

    Any number of threads may use it; a block that is longer than the limit is not held.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._blocks: OrderedDict[Key, bytes] = OrderedDict()
        self._size = 0

    def get(self, key: Key) -> bytes | None:
        """Return the content of a block, or None."""
        with self._lock:
            content = self._blocks.get(key)
            if content is not None:
                self._blocks.move_to_end(key)
            return content

    def keep(self, key: Key, content: bytes) -> None:
        """Hold a block."""
        if len(content) > self._limit:
            return
        with self._lock:
            self._size += len(content) - len(self._blocks.pop(key, b""))
            self._blocks[key] = content
            while self._size > self._limit:
                _, given_up = self._blocks.popitem(last=False)
                self._size -= len(given_up)

    def drop(self, key: Key) -> None:
        """Hold a block no longer."""
        with self._lock:
            self._size -= len(self._blocks.pop(key, b""))
