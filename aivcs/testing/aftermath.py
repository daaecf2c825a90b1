"""What must hold of a repository when nobody works on it any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs import Digest
from aivcs.domain.stored import Tier
from aivcs.errors import AivcsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aivcs.domain.pack_writes import Surveyed
    from aivcs.repo import Repo

_PAGE = 500


def unreadable(repo: Repo, digests: Iterable[Digest]) -> Iterator[str]:
    """Yield a sentence for each of the digests whose bytes do not come back."""
    for digest in sorted(digests):
        try:
            data = repo.objects.get(digest)
        except AivcsError as error:
            yield f"{digest}: {type(error).__name__}: {error.message}"
        else:
            if Digest.of(data) != digest:
                yield f"{digest}: other bytes came"


def damage(repo: Repo) -> list[str]:
    """Return what a full verification calls damage."""
    report = repo.verify()
    return [
        f"verify: {one.kind} {one.id}: {one.detail}" for one in report.problems if not report.ok
    ]


def surveyed(repo: Repo) -> list[Surveyed]:
    """Return what the ledger knows of every stored object."""
    ledger = repo.objects.ledger
    found: list[Surveyed] = []
    while page := ledger.survey(after=found[-1].digest if found else None, limit=_PAGE):
        found.extend(page)
    return found


def leftovers(repo: Repo) -> Iterator[str]:
    """Yield a sentence for each object and byte that a full collection should have removed.

    Reads everything anew: which objects the rows name, which of them the specs name, which
    objects each pack has, which files there are. Nobody else may have the repository open.
    """
    everything = surveyed(repo)
    wanted = {one.digest for one in everything if one.named}
    for spec in repo.specs.list():
        wanted |= {spec.digest, *filter(None, spec.components.values())}
        for files in repo.specs.files(spec.digest).values():
            wanted |= {file.digest for file in files}
    for one in everything:
        if one.digest not in wanted:
            yield f"{one.digest} ({one.tier}) is stored and nothing names it"
    yield from _dead_bytes(repo, everything)
    yield from _stray_files(repo, everything)


def _dead_bytes(repo: Repo, everything: list[Surveyed]) -> Iterator[str]:
    living: dict[Digest, set[Digest]] = {}
    for one in everything:
        if one.pack is not None:
            living.setdefault(one.pack, set()).add(one.digest)
    for pack in repo.objects.ledger.packs():
        for digest, _ in repo.objects.packs.objects(pack.digest):
            if digest not in living.get(pack.digest, ()):
                yield f"{digest} is dead in pack {pack.digest}"


def _stray_files(repo: Repo, everything: list[Surveyed]) -> Iterator[str]:
    packs = {f"packs/{pack.digest}.pack" for pack in repo.objects.ledger.packs()}
    large = {
        f"large/{str(one.digest)[:2]}/{one.digest}.zst"
        for one in everything
        if one.tier is Tier.LARGE
    }
    for name in repo.objects.blobs.names():
        if name not in packs | large:
            yield f"nothing names the file {name}"
    if repo.folder is not None:
        for path in (repo.folder / "tmp").glob("*.part"):
            yield f"{path.name} is left in tmp"
