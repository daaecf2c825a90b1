"""Raw output as the payloads of events: gathered, text where it is text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.canonical import Json

LONGEST: Final = 64 * 2**10
"""The most bytes that one payload holds."""

_CONTINUES, _IN_CHARACTER = 0x80, 0xC0
_LEADS: Final = ((0xF5, 1), (0xF0, 4), (0xE0, 3), (0xC2, 2))
"""The smallest first byte of a UTF-8 character of so many bytes; from 0xF5 on there is none."""


_CONTROLS: Final = bytes(set(range(0x20)) - set(b"\b\t\n\f\r"))
"""What takes six bytes in JSON."""
_MOST_CONTROLS: Final = 3


def readable(data: bytes) -> dict[str, Json]:
    """Return ``{"text"}``, or ``{"base64"}`` where the bytes are not UTF-8.

    What is for more than a third control characters counts as bytes, too, so that in JSON
    it is never more than 10/3 as long.
    """
    controls = len(data) - len(data.translate(None, _CONTROLS))
    if controls * _MOST_CONTROLS <= len(data):
        try:
            return {"text": data.decode()}
        except UnicodeDecodeError:
            pass
    from base64 import b64encode

    return {"base64": b64encode(data).decode()}


class Gathering:
    """Joins consecutive output of one stream into payloads ``{"stream", "text" | "base64"}``.

    The payloads of a stream hold its bytes exactly, in order. No character is cut in two
    unless its stream ends inside it; a long piece ends at the end of a line if it has one.
    """

    def __init__(self) -> None:
        self._stream = ""
        self._data = bytearray()
        self._held: dict[str, bytes] = {}

    def add(self, stream: str, data: bytes) -> Iterator[dict[str, Json]]:
        """Take bytes in; yield what is complete by them."""
        if stream != self._stream:
            yield from self.take()
            self._stream = stream
            self._data += self._held.pop(stream, b"")
        self._data += data
        while len(self._data) > LONGEST:
            end = self._data.rfind(b"\n", 0, LONGEST) + 1
            yield self._payload(end or LONGEST - _unfinished(self._data[:LONGEST]))

    def take(self) -> Iterator[dict[str, Json]]:
        """Yield what was gathered, but a character that is not whole yet."""
        unfinished = _unfinished(self._data)
        if len(self._data) > unfinished:
            yield self._payload(len(self._data) - unfinished)
        if self._data:
            self._held[self._stream] = bytes(self._data)
            self._data.clear()
        self._stream = ""

    def finish(self) -> Iterator[dict[str, Json]]:
        """Yield all that is left."""
        yield from self.take()
        for stream, data in sorted(self._held.items()):
            yield {"stream": stream, **readable(data)}
        self._held.clear()

    def _payload(self, size: int) -> dict[str, Json]:
        data = bytes(self._data[:size])
        del self._data[:size]
        return {"stream": self._stream, **readable(data)}


def _unfinished(data: bytes | bytearray) -> int:
    """Return how many bytes at the end begin a character that may go on."""
    for count in range(1, min(3, len(data)) + 1):
        byte = data[-count]
        if byte < _CONTINUES:
            return 0
        if byte >= _IN_CHARACTER:
            length = next((length for least, length in _LEADS if byte >= least), 1)
            return count if length > count else 0
    return 0
