"""What verification says of files that could not be read: they may be sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.report import UNREADABLE, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aivcs.domain.digest import Digest
    from aivcs.services.breakage import Breakage


def unread(
    name: str, reason: str, objects: Iterable[Digest], breakage: Breakage
) -> Iterator[Problem]:
    """Name a file and why it could not be read, and the objects in it with what they break."""
    yield Problem(UNREADABLE, name, reason)
    said = {digest: f"object {digest} in {name} could not be read" for digest in objects}
    yield from breakage.unread(said)
