"""Storing many files: copies of the process read and pack them, this one commits."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeAlias

from aivcs.domain.digest import Digest
from aivcs.domain.stored import Codec, StoredObject
from aivcs.services.encoding import pack
from aivcs.services.storing import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from aivcs.ports import Ahead
    from aivcs.services.objects import CasStore

MANY: Final = 1000
"""From so many files on the copies cost less than they save."""

_FILES: Final = 64
_FIRST: Final = 1500
_ROWS: Final = 5000
_BYTES: Final = 8 * 2**20
"""Digests are random, so each commit writes most pages of their indexes anew: few commits."""
_READING: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
"""What has become a pipe since it was looked at is not waited for."""
_CODECS: Final = {codec.value: codec for codec in Codec}

Packed: TypeAlias = "tuple[list[bytes], list[int], list[int], list[bytes], frozenset[int]]"
"""Digests, sizes, codecs and stored bytes of files, and the places of those that are not small
regular files, which have none.
"""


def store_files(
    objects: CasStore,
    names: Sequence[str],
    ahead: Ahead,
    *,
    pin: bool,
    advance: Callable[[], None],
) -> list[Digest]:
    """Store the files of these names, durably; return their digests in the names' order.

    ``advance`` is called for each. A commit has up to 5,000 rows or 8 MiB
    of them, and those that come while one is going on; a large file has one of its own.
    Raises like ``put_many``.
    """
    windows = [names[start : start + _FILES] for start in range(0, len(names), _FILES)]

    limit = objects.ledger.hot_limit

    def work(number: int) -> Packed:
        return pack_files(windows[number], limit)

    digests: list[Digest] = []
    rows: dict[Digest, StoredObject] = {}
    weight = 0
    most = _FIRST
    pipeline = Pipeline(objects.ledger, objects.read, pin=pin)
    with ahead(work, len(windows)) as found, pipeline:
        for window, (raws, sizes, codecs, data, left) in zip(windows, found, strict=True):
            named = Digest.of_raw(raws)
            packed = map(StoredObject, named, sizes, map(_CODECS.__getitem__, codecs), data)
            rows.update(zip(named, packed, strict=True))
            weight += sum(map(len, data))
            simple = iter(named)
            for number, name in enumerate(window):
                if number not in left:
                    digests.append(next(simple))
                else:
                    row = objects.prepare(_Name(name))
                    digests.append(row.digest)
                    if row.data is None:
                        pipeline.alone(row)
                    else:
                        rows[row.digest] = row
                        weight += len(row.data)
                advance()
            if len(rows) >= most or weight >= _BYTES:
                pipeline.add_rows(list(rows.values()))
                rows, weight = {}, 0
                most = min(3 * most, _ROWS)
        if rows:
            pipeline.add_rows(list(rows.values()))
        pipeline.finish({})
    return digests


def paths(names: Iterable[str], advance: Callable[[], None]) -> Iterator[os.PathLike[str]]:
    """Yield the names as paths; ``advance`` is called when the next one is asked for."""
    for name in names:
        yield _Name(name)
        advance()


def pack_files(names: Sequence[str], limit: int) -> Packed:
    """Return what the rows of some files have, where they can simply be read.

    That is only for those of at most ``limit`` bytes.
    """
    found = [_small(name, limit) for name in names]
    contents = [content for content in found if content is not None]
    rows = list(pack(contents))
    left = frozenset(number for number, content in enumerate(found) if content is None)
    return (
        [sha256(content).digest() for content in contents],
        [size for size, _, _ in rows],
        [int(codec) for _, codec, _ in rows],
        [data for _, _, data in rows],
        left,
    )


def _small(name: str, limit: int) -> bytes | None:
    """Return the content of a small file; None for all that needs more than one look."""
    try:
        found = os.stat(name)  # noqa: PTH116 - a path takes longer to make than this
        # Asked before it is opened: a pipe would be read, and waits for its other end.
        if not stat.S_ISREG(found.st_mode) or not 0 < found.st_size <= limit:
            return None
        descriptor = os.open(name, _READING)
    except (OSError, ValueError):
        return None
    try:
        # One byte more than there should be tells whether the file has grown.
        content = os.read(descriptor, found.st_size + 1)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return content if len(content) == found.st_size else None


class _Name:
    """A path as it was given; a Path takes longer to make than a small file to read."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __fspath__(self) -> str:
        return self._name
