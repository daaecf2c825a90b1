"""What is decided about objects before they are packed."""

from __future__ import annotations

import pytest

from aivcs.services.grouping import Look, look
from aivcs.services.training import trained


def test_a_sample_that_is_too_small_trains_nothing() -> None:
    assert trained([b"few"], 2**20) is None
    assert trained([], 2**20) is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", Look.TEXT),
        (b' \n{"a": 1}', Look.JSON),
        (b"[1]", Look.JSON),
        ("é".encode() * 200, Look.TEXT),
        (b"x" + "é".encode() * 200, Look.TEXT),
        (b"text\0", Look.BINARY),
        (b"\xff" * 300, Look.BINARY),
        ("é".encode()[:1], Look.BINARY),
    ],
)
def test_what_objects_look_like(content: bytes, expected: Look) -> None:
    assert look(content) is expected
