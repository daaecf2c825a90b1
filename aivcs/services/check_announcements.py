"""Whether the keys that a log announces follow from one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.key_rotation import read_announcement
from aivcs.domain.report import Severity
from aivcs.errors import ProofInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aivcs.domain.key_rotation import Announced
    from aivcs.domain.signing import Verifier

# A release's entry begins with another field, in canonical JSON.
_BEGINS: Final = b'{"note":'


class KeyChain:
    """Follows the announcements of a log in their order."""

    def __init__(self) -> None:
        self._last: dict[str, Announced] = {}

    def problems(self, index: int, entry: bytes) -> Iterator[str]:
        """Say what is wrong with the entry at ``index``, if it announces a key."""
        if not entry.startswith(_BEGINS):
            return
        try:
            found = read_announcement(entry)
        except ProofInvalid as error:
            yield f"entry {index}: {error.message}"
            return
        before = self._last.get(found.origin)
        if before is None or before.new == found.old:
            self._last[found.origin] = found
            return
        was, told = before.new.text(), found.old.text()
        yield f"entry {index} goes over from the key {told}, and the log's was {was}"

    def ends(self, keys: Iterable[Verifier]) -> Iterator[tuple[str, Severity]]:
        """Say which of the keys that sign now were not announced."""
        for key in keys:
            last = self._last.get(key.name)
            # A rotation that was interrupted still signs with the old one.
            if last is not None and key not in {last.old, last.new}:
                told = f"the log went over to the key {last.new.text()}, and {key.text()} signs it"
                yield told, Severity.WARNING
