from __future__ import annotations

import json
from itertools import islice

import zstandard

from benchmarks.documents import LARGEST, SMALLEST, documents

COUNT = 1500


def test_the_same_seed_gives_the_same_documents() -> None:
    first = list(documents(200, seed=3))
    assert list(documents(200, seed=3)) == first
    assert list(documents(200, seed=4)) != first


def test_documents_are_json_of_the_sizes_promised_and_all_different() -> None:
    made = list(documents(COUNT))
    assert len(set(made)) == COUNT
    assert min(map(len, made)) >= SMALLEST
    assert max(map(len, made)) <= LARGEST
    assert {type(json.loads(one)) for one in made} == {dict}
    assert not any(b"\n" in one for one in made)


def test_they_compress_about_as_much_as_the_events_of_real_runs() -> None:
    made = list(islice(documents(COUNT), COUNT))
    packer = zstandard.ZstdCompressor(level=3)
    alone = sum(map(len, made)) / sum(len(packer.compress(one)) for one in made)
    blocks = [b"".join(made[start : start + 30]) for start in range(0, COUNT, 30)]
    solid = sum(map(len, made)) / sum(len(packer.compress(one)) for one in blocks)
    # The events of the bundled runs: 1.9 to 2.6 alone, 4.5 to 7 in blocks of 48 KiB.
    assert 1.7 < alone < 2.6
    assert 3.2 < solid < 7
