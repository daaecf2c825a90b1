from __future__ import annotations

import random
import subprocess
import sys
from itertools import islice
from typing import TYPE_CHECKING

import pytest

import aivcs
from aivcs.domain.batch import Batch
from aivcs.domain.blobname import large_name, pack_name
from aivcs.domain.digest import Digest
from aivcs.domain.stored import Tier
from aivcs.errors import IntegrityError, MissingObject, NotFound
from aivcs.services import frames
from aivcs.testing.objects import noise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs.domain.batch import Receipt
    from aivcs.domain.stored import StoredObject
    from aivcs.repo import Repo

DOCUMENTS = [b'{"number": %d, "text": "%s"}' % (n, b"again " * (n % 40)) for n in range(300)]
LARGE = noise(200_000)


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with aivcs.init(tmp_path / "repo") as repo:
        yield repo


def in_three_tiers(repo: Repo) -> dict[Digest, bytes]:
    sealed = repo.objects.put_many(DOCUMENTS)
    repo.seal()
    hot = repo.objects.put_many(b"hot %d" % number for number in range(50))
    large = repo.objects.put(LARGE)
    tiers = {repo.objects.stat(found[0]).tier for found in (sealed, hot, [large])}
    assert tiers == {Tier.SEALED, Tier.HOT, Tier.LARGE}
    contents = [*DOCUMENTS, *(b"hot %d" % number for number in range(50)), LARGE]
    return dict(zip([*sealed, *hot, large], contents, strict=True))


def pack_of(stored: StoredObject) -> Digest:
    assert stored.place is not None
    return stored.place.block.pack.digest


def test_every_way_to_read_works_in_every_tier(repo: Repo) -> None:
    stored = in_three_tiers(repo)
    wanted = list(stored) * 6
    random.Random(1).shuffle(wanted)  # noqa: S311 - test data, no secret
    assert list(repo.objects.get_many(wanted)) == [(digest, stored[digest]) for digest in wanted]
    for digest, content in stored.items():
        assert repo.objects.get(digest) == content
        repo.objects.check(digest)
        with repo.objects.open(digest) as file:
            assert file.read() == content
    assert repo.objects.sizes(stored) == {d: len(content) for d, content in stored.items()}
    rows = repo.objects.stat_many(stored)
    assert {digest: row.size for digest, row in rows.items()} == repo.objects.sizes(stored)


def test_putting_again_what_is_stored_anywhere_changes_nothing(repo: Repo) -> None:
    stored = in_three_tiers(repo)
    before = repo.objects.stat_many(stored)
    repo.objects.put_many(stored.values())
    for content in stored.values():
        repo.objects.put(content)
    assert repo.objects.stat_many(stored) == before


def test_get_many_hands_out_what_comes_before_the_damage(repo: Repo) -> None:
    digests = repo.objects.put_many(DOCUMENTS)
    repo.seal()
    pack = pack_of(repo.objects.stat(digests[0]))
    hot = repo.objects.put(b"hot")
    repo.objects.blobs.delete(pack_name(pack))
    found = repo.objects.get_many([hot, digests[0]])
    assert next(found) == (hot, b"hot")
    with pytest.raises(MissingObject, match=str(pack)):
        next(found)


@pytest.mark.parametrize("data", [frames.pack(DOCUMENTS[30][::-1]), b"no frame", b""])
def test_one_damaged_row_spoils_no_other(repo: Repo, data: bytes) -> None:
    """Many are unpacked at once, and each is held to its digest."""
    digests = repo.objects.put_many(DOCUMENTS)
    row = repo.objects.stat(digests[30])
    repo.objects.ledger.commit(Batch(restored=(row._replace(data=data),)))
    found = repo.objects.get_many(digests)
    assert [data for _, data in islice(found, 30)] == DOCUMENTS[:30]
    with pytest.raises(IntegrityError, match=str(digests[30])):
        next(found)
    behind = repo.objects.get_many([*digests[31:], digests[40]])
    assert [data for _, data in behind] == [*DOCUMENTS[31:], DOCUMENTS[40]]


def test_a_row_that_is_out_of_date_is_looked_up_again(repo: Repo) -> None:
    digests = repo.objects.put_many(DOCUMENTS)
    repo.seal()
    row = repo.objects.stat(digests[7])
    assert row.place is not None
    lost = row.place.block.pack._replace(digest=Digest.of(b"another pack"))
    old = row._replace(place=row.place._replace(block=row.place.block._replace(pack=lost)))
    assert repo.objects.read(old) == DOCUMENTS[7]
    as_large = row._replace(place=None)
    assert repo.objects.read(as_large) == DOCUMENTS[7]
    repo.objects.delete(digests[7])
    with pytest.raises(NotFound, match=str(digests[7])):
        repo.objects.read(old)


def test_a_pack_that_is_missing_is_no_reason_to_ask_for_ever(repo: Repo) -> None:
    digest = repo.objects.put_many(DOCUMENTS)[3]
    repo.seal()
    repo.objects.blobs.delete(pack_name(pack_of(repo.objects.stat(digest))))
    for read in (repo.objects.get, repo.objects.open, repo.objects.check):
        with pytest.raises(MissingObject):
            read(digest)


@pytest.mark.parametrize("harm", ["missing", "shorter", "longer", "footer", "other"])
def test_putting_a_large_object_again_heals_what_is_seen(repo: Repo, harm: str) -> None:
    digest, other = repo.objects.put(LARGE), repo.objects.put(noise(200_000, seed=2))
    blobs, name = repo.objects.blobs, large_name(digest)
    good = blobs.read(name, 0, 2**20)
    harmed = {
        "shorter": good[:-1],
        "longer": good + b"\0",
        "footer": good[:-30] + bytes([good[-30] ^ 1]) + good[-29:],
        "other": blobs.read(large_name(other), 0, 2**20),
    }
    blobs.delete(name)
    if harm in harmed:
        with blobs.stage() as staged:
            staged.write(harmed[harm])
            staged.publish(name)
    with pytest.raises((IntegrityError, MissingObject)):
        repo.objects.get(digest)
    assert repo.objects.put(LARGE) == digest
    assert repo.objects.get(digest) == LARGE


def test_the_longest_list_is_bounded(repo: Repo) -> None:
    repo.objects.put_many(b"%d" % number for number in range(10_050))
    assert len(repo.objects.list(limit=10**9)) == 10_000
    assert repo.objects.list(limit=-1) == []


def test_unpinning_takes_back_only_the_pin(repo: Repo) -> None:
    digest = repo.objects.put(b"data", pin=True)
    repo.objects.unpin([digest, str(digest)])
    assert repo.objects.ledger.references(digest) == []
    repo.objects.unpin([digest])
    assert repo.objects.get(digest) == b"data"
    with pytest.raises(NotFound):
        repo.objects.unpin([Digest.of(b"absent")])


def test_a_large_file_is_held_before_it_is_seen(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[Digest] = []
    real = repo.objects.ledger.commit

    def commit(batch: Batch) -> Receipt:
        if batch.holds:
            assert list(repo.objects.blobs.names()) == []
            held.extend(batch.holds)
        return real(batch)

    monkeypatch.setattr(repo.objects.ledger, "commit", commit)
    for put in (repo.objects.put, repo.objects.prepare):
        held.clear()
        put(LARGE)
        assert held == [Digest.of(LARGE)]
        repo.objects.blobs.delete(large_name(Digest.of(LARGE)))


FULL = """
import resource, sys
import aivcs
from aivcs.errors import StorageError
from aivcs.services import frames
from aivcs.testing.objects import noise
with aivcs.init(sys.argv[1]) as repo:
    kept = repo.objects.put_many(noise(3000, seed) for seed in range(100))
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 * 2**20, resource.RLIM_INFINITY))
    documents = [noise(4000, seed) for seed in range(1000, 9000)]
    for content in (documents, [noise(9 * 2**20)]):
        try:
            repo.objects.put_many(content)
        except StorageError as error:
            assert sys.argv[1] in error.message, error.message
        else:
            sys.exit("the limit had no effect")
    for digest in kept:
        repo.objects.check(digest)
    for number, digest in enumerate(repo.objects.list(limit=10_000)):
        repo.objects.check(digest)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    stored = repo.objects.put_many(documents)
    assert [data for _, data in repo.objects.get_many(stored)] == documents
    assert repo.verify().ok
"""


def test_a_full_disk_loses_nothing_and_a_retry_succeeds(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path / "repo")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
