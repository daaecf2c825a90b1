"""What unpacks the blocks of a pack: a context with the pack's dictionary, a thread its own."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from aivcs.domain.blobname import pack_name
from aivcs.errors import CorruptionError
from aivcs.services import frames, pack_format

if TYPE_CHECKING:
    from zstandard import ZstdCompressionDict, ZstdDecompressor

    from aivcs.domain.stored import Pack
    from aivcs.ports import BlobStore

_DICTIONARIES: Final = 64
_CONTEXTS: Final = 16


class _Contexts(threading.local):
    """The contexts of one thread, by pack; the least recently used one is given up first."""

    def __init__(self) -> None:
        self.by_pack: OrderedDict[bytes, ZstdDecompressor] = OrderedDict()
        self.plain: ZstdDecompressor | None = None


class Unpackers:
    """Contexts for the packs of a blob store; a dictionary is read once for all threads."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._contexts = _Contexts()
        self._lock = threading.Lock()
        self._dictionaries: OrderedDict[bytes, ZstdCompressionDict] = OrderedDict()

    def of(self, pack: Pack) -> ZstdDecompressor:
        """Return this thread's context for a pack.

        Raises MissingObject when the pack is gone, CorruptionError when its dictionary
        is damaged.
        """
        contexts = self._contexts
        if not pack.dictionary_length:
            if contexts.plain is None:
                contexts.plain = frames.unpacker_of(None)
            return contexts.plain
        key = pack.digest.raw
        context = contexts.by_pack.get(key)
        if context is None:
            context = contexts.by_pack[key] = frames.unpacker_of(self._shared(pack))
            if len(contexts.by_pack) > _CONTEXTS:
                contexts.by_pack.popitem(last=False)
        else:
            contexts.by_pack.move_to_end(key)
        return context

    def dictionary(self, pack: Pack) -> bytes | None:
        """Return the bytes of a pack's dictionary, None without one. Raises like ``of``."""
        return self._shared(pack).as_bytes() if pack.dictionary_length else None

    def _shared(self, pack: Pack) -> ZstdCompressionDict:
        key = pack.digest.raw
        with self._lock:
            found = self._dictionaries.get(key)
        if found is None:
            found = self._read(pack)
            with self._lock:
                self._dictionaries[key] = found
                if len(self._dictionaries) > _DICTIONARIES:
                    self._dictionaries.popitem(last=False)
        return found

    def _read(self, pack: Pack) -> ZstdCompressionDict:
        from zstandard import ZstdCompressionDict, ZstdError, frame_content_size

        frame = self._blobs.read(
            pack_name(pack.digest), pack.dictionary_offset, pack.dictionary_length
        )
        try:
            size = frame_content_size(frame)
        except ZstdError as error:
            msg = f"its dictionary is no zstd frame ({error})"
            raise CorruptionError(msg) from error
        if not 0 < size <= pack_format.DICTIONARY_LIMIT:
            msg = f"its dictionary is said to have {size} bytes"
            raise CorruptionError(msg)
        try:
            return ZstdCompressionDict(frames.unpack(frame, size))
        except CorruptionError as error:
            msg = f"its dictionary: {error.message}"
            raise CorruptionError(msg) from error
