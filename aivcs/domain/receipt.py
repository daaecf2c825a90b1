"""Receipts: what was read and hashed before an entry was appended."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from aivcs.domain.spec import AgentSpec


class Receipt(NamedTuple):
    """How many objects of a spec were read and hashed, and how many bytes they have.

    Because each has the digest that the spec's digest leads to, the spec is byte for byte
    what any entry with this spec digest released.
    """

    objects: int
    bytes: int


class Rehashed(NamedTuple):
    """A spec of which every object was read and hashed."""

    spec: AgentSpec
    receipt: Receipt
