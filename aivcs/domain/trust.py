"""What a verification saw of the logs, so that the next one reads only what is new."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from aivcs.domain.merkle import Frontier
from aivcs.domain.stream import Family

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHECK: Final = 16


@dataclass(frozen=True, slots=True)
class Trusted:
    """How far the logs were verified.

    All runs with a seal up to the number ``seals``, whose hash is ``last``, and of each other
    log its tree, by family and name.
    """

    seals: int = 0
    last: bytes = b""
    logs: Mapping[tuple[Family, str], Frontier] = field(default_factory=dict)

    def text(self) -> str:
        """Return it as one text with a checksum."""
        logs = [
            [family.value, name, tree.size, tree.packed().hex()]
            for (family, name), tree in self.logs.items()
        ]
        said = json.dumps([self.seals, self.last.hex(), logs])
        return f"{_checksum(said)} {said}"

    @classmethod
    def parse(cls, text: str) -> Trusted | None:
        """Return what ``text`` gave; None for anything else."""
        checksum, _, said = text.partition(" ")
        if checksum != _checksum(said):
            return None
        try:
            seals, last, logs = json.loads(said)
            return cls(
                seals,
                bytes.fromhex(last),
                {
                    (Family(family), name): Frontier.unpacked(size, bytes.fromhex(peaks))
                    for family, name, size, peaks in logs
                },
            )
        except (ValueError, TypeError):
            return None


def _checksum(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:_CHECK]
