"""Going over to a new key: the old one announces it in the log of releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from aivcs.domain.batch import Batch
from aivcs.domain.key_rotation import announcement
from aivcs.domain.note import Signer
from aivcs.domain.published import RELEASES, log_origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.note import Verifier
    from aivcs.domain.published import Published
    from aivcs.ports import Ledger, Salts
    from aivcs.services.publishing import Publisher

_PAGE = 1000


class Keys(Protocol):
    """Where keys are kept."""

    def prepare(self, signer: Signer) -> Signer:
        """Keep the key that comes next; return the one that was kept for that before."""
        ...

    def change(self, old: Signer) -> object:
        """Put the prepared key in the place of the old one."""
        ...


class Rotated(NamedTuple):
    """The keys before and after, and what was published, signed by both."""

    old: Verifier
    new: Verifier
    published: tuple[Published, ...]


def rotate(
    ledger: Ledger, publishers: Mapping[str, Publisher], keys: Keys, old: Signer, salts: Salts
) -> Rotated:
    """Announce a new key and use it; what was interrupted is taken up where it stopped."""
    new = keys.prepare(Signer(old.name, salts(len(old.seed))))
    origin = log_origin(old.name, RELEASES)
    text = announcement(origin, Signer(origin, old.seed), Signer(origin, new.seed)).decode()
    if not _is_announced(ledger, text):
        ledger.commit(Batch(announcements=(text,)))
    keys.change(old)
    published = [publisher.publish(also=(old,)) for publisher in publishers.values()]
    return Rotated(old.verifier(), new.verifier(), tuple(one for one in published if one))


def _is_announced(ledger: Ledger, text: str) -> bool:
    after = 0
    while page := ledger.release_log(after, _PAGE):
        if any(line.announcement == text for line in page):
            return True
        after = page[-1].number
    return False
