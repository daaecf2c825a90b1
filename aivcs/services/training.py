"""Dictionaries for packs, trained from the objects that go into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.services import frames
from aivcs.services.aside import aside
from aivcs.services.pack_write import BLOCK_SIZE, DICTIONARY_LEVEL, LEVEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zstandard import ZstdCompressionDict

LARGEST: Final = 256 * 2**10
"""A dictionary is not longer: twice as long a one saves 6 % more, and costs every reader."""

SAMPLE_BYTES: Final = 8 * 2**20
"""So much content is enough to train from."""

_LEAST_CONTENT: Final = 64 * 2**10
_SHARE: Final = 4
_TRIED: Final = 32
# Found by measuring; given, they spare the trainer its search for them.
_SEGMENT: Final = 512
_DMER: Final = 8
_TABLE_BITS: Final = 20


def trained(sample: Sequence[bytes], content: int) -> bytes | None:
    """Return a dictionary for objects of ``content`` bytes together, or None.

    ``sample`` are some of them, neighbours side by side, up to SAMPLE_BYTES. None when the
    content is too little, or the dictionary would not save more than it takes.
    """
    if content < _LEAST_CONTENT:
        return None
    from zstandard import ZstdError, train_dictionary

    try:
        # One call of C that takes seconds; nobody could interrupt it.
        made = aside(
            lambda: train_dictionary(
                min(LARGEST, content // _SHARE),
                [*sample],
                k=_SEGMENT,
                d=_DMER,
                f=_TABLE_BITS,
                split_point=1.0,
                accel=1,
                level=LEVEL,
            )
        )
    except ZstdError:
        # The trainer says so when the objects have nothing in common.
        return None
    blocks = _blocks(sample)
    tried = blocks[:: max(1, len(blocks) // _TRIED)]
    share = content / max(1, sum(map(len, tried)))
    saved = (_size(tried, None) - _size(tried, made)) * share
    taken = len(frames.packer_of(DICTIONARY_LEVEL).compress(made.as_bytes()))
    return made.as_bytes() if saved > taken else None


def _blocks(sample: Sequence[bytes]) -> list[bytes]:
    whole = b"".join(sample)
    return [whole[start : start + BLOCK_SIZE] for start in range(0, len(whole), BLOCK_SIZE)]


def _size(blocks: Sequence[bytes], dictionary: ZstdCompressionDict | None) -> int:
    packer = frames.packer_of(LEVEL, dictionary)
    return sum(len(packer.compress(block)) for block in blocks)
