"""What comes in besides plain options: tags, JSON, files and stdin, all bounded."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING, BinaryIO, Final

from aivcs.errors import InvalidInputError, InvalidSource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aivcs.domain.canonical import Json

STDIN: Final = "-"
STDIN_NAME: Final = "standard input"
_MAX_KEY: Final = 2**16
_VKEY: Final = r"[^\s\"+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*"
_EXAMPLE: Final = """for example --payload '{"tool_name": "search"}'"""


class FilePath:
    """A path as it was typed; a Path takes longer to make than a small file to read."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __fspath__(self) -> str:
        """Return the name."""
        return self._name


def tags(pairs: Iterable[str]) -> dict[str, Json]:
    """Return the tags of ``K=V`` texts; V is text. InvalidInputError without a ``=``."""
    found: dict[str, Json] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            msg = f"not a tag: {pair!r}"
            raise InvalidInputError(msg, hint="a tag is KEY=VALUE")
        found[key] = value
    return found


def payload(text: str | None) -> Json:
    """Return the JSON of an event's payload; ``-`` reads stdin, None is ``{}``.

    Raises InvalidEvent for what is not JSON, InvalidSource for too long an input.
    """
    if text is None:
        return {}
    from aivcs.domain import strictjson
    from aivcs.domain.jsontext import MAX_BODY
    from aivcs.errors import InvalidEvent
    from aivcs.trajectories.source import strict_loads

    try:
        return strict_loads(read(STDIN, MAX_BODY).decode() if text == STDIN else text)
    except InvalidInputError:
        raise
    except UnicodeDecodeError as error:
        msg = f"the payload is not JSON: {error}"
        raise InvalidEvent(msg, hint="JSON is UTF-8 text") from error
    except ValueError as error:
        msg = f"the payload is not JSON: {error}"
        raise InvalidEvent(msg, hint=strictjson.remedy(error) or _EXAMPLE) from error


def read(path: str, limit: int) -> bytes:
    """Return the content of a file, or of stdin for ``-``.

    Raises InvalidSource for more than ``limit`` bytes, before reading where the size is
    known; InvalidInputError for what cannot be read.
    """
    if path == STDIN:
        return _bounded(sys.stdin.buffer, STDIN_NAME, limit)
    check_readable(path)
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - the path as it was typed
            size = os.fstat(file.fileno()).st_size
            if size > limit:
                raise _too_long(path, size, limit)
            return _bounded(file, path, limit)
    except OSError as error:
        raise _unreadable(path, error) from error


def verifier_keys(texts: Iterable[str]) -> list[str]:
    """Return verifier keys: each text is one, or names a file that has some.

    A file may be what 'key show' prints, in any of its forms but PEM. Raises as ``read``, and
    InvalidInputError for a file without any.
    """
    return [key for text in texts for key in _verifier_keys(text)]


def _verifier_keys(text: str) -> list[str]:
    import re

    if "+" in text and not os.path.exists(text):  # noqa: PTH110 - the path as it was typed
        return [text]
    content = read(text, _MAX_KEY).decode("utf-8", "replace")
    if found := re.findall(_VKEY, content):
        return list(dict.fromkeys(found))
    pem = content.lstrip().startswith("-----BEGIN")
    msg = f"{text} holds {'a PEM, which has no name of a log' if pem else 'no verifier key'}"
    raise InvalidInputError(msg, hint="ask for what 'aivcs key show --vkey' prints")


def check_readable(path: str) -> None:
    """Raise InvalidInputError unless there is a file that may be read; opens nothing."""
    try:
        found = os.stat(path)  # noqa: PTH116 - the path as it was typed
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if stat.S_ISDIR(found.st_mode):
        msg = f"cannot read {path}: it is a folder"
        raise InvalidInputError(msg, hint="name a file")
    if not os.access(path, os.R_OK):
        msg = f"cannot read {path}: no permission"
        raise InvalidInputError(msg, hint="name a file that you may read")


def paths(source: str) -> list[str]:
    """Return the paths that ``source`` (a file, or stdin for ``-``) lists, one a line."""
    listed = read(source, _MAX_PATHS)
    return [os.fsdecode(line) for line in listed.split(b"\n") if line]


_MAX_PATHS: Final = 2**28


def _bounded(file: BinaryIO, name: str, limit: int) -> bytes:
    data = file.read(limit + 1)
    if len(data) > limit:
        raise _too_long(name, None, limit)
    return data


def _too_long(name: str, size: int | None, limit: int) -> InvalidSource:
    found = "longer than" if size is None else f"{size} bytes long, over"
    return InvalidSource(
        f"{name} is {found} the limit of {limit} bytes", hint="split it into several files"
    )


def _unreadable(path: str, error: OSError | ValueError) -> InvalidInputError:
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return InvalidInputError(f"cannot read {path}: {reason}", hint="name a file that you may read")
