from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.batch import Batch
from aivcs.domain.blobname import pack_digest, pack_name
from aivcs.domain.digest import Digest
from aivcs.domain.sealed import Sealed
from aivcs.domain.stored import Tier
from aivcs.errors import IntegrityError, StorageError
from aivcs.repo import init, open_repo
from aivcs.services import merging, resuming, sealing
from aivcs.services.grouping import look
from aivcs.services.objects import CasStore
from aivcs.services.pack_read import PackReader
from aivcs.services.pack_write import write_pack
from aivcs.services.sealing import Sealer
from aivcs.testing.faults import Death, FailingLedger, Fuse, dying_blobs, dying_ledger
from aivcs.testing.objects import noise, replace_stored
from tests.packs.packing import sentences, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aivcs.ports import BlobStore
    from aivcs.repo import Repo


@pytest.fixture(params=["memory", "disk"])
def repo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Repo]:
    with open_repo("memory:") if request.param == "memory" else init(tmp_path) as opened:
        yield opened


@pytest.fixture
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let 100 objects move in one transaction, which are read by tens."""
    monkeypatch.setattr(resuming, "MOVES", 100)
    monkeypatch.setattr(sealing, "_PAGE", 10)
    return 100


def sealer(repo: Repo, *, pack_objects: int = 1000) -> Sealer:
    return Sealer(repo._ledger, repo._blobs, repo.objects, pack_objects=pack_objects)


def tiers(repo: Repo, digests: list[Digest]) -> Counter[Tier]:
    return Counter(row.tier for row in repo._ledger.objects(digests).values())


def published(repo: Repo) -> list[Digest]:
    return [pack for name in repo._blobs.names() if (pack := pack_digest(name))]


def check_all_sealed(repo: Repo, digests: list[Digest], contents: list[bytes]) -> None:
    assert tiers(repo, digests) == {Tier.SEALED: len(set(digests))}
    assert [repo.objects.get(digest) for digest in digests] == contents
    assert [data for _, data in repo.objects.get_many(digests)] == contents
    assert sorted(published(repo)) == sorted(pack.digest for pack in repo._ledger.packs())
    assert repo._ledger.check() == []


def test_what_was_hot_is_sealed_and_reads_the_same(repo: Repo) -> None:
    digests = repo.objects.put_many(texts(50))
    count = 0

    def advance() -> None:
        nonlocal count
        count += 1

    sealed = repo.seal(advance=advance)
    assert (sealed.objects, sealed.packs, sealed.damaged, sealed.busy) == (52, 1, 0, False)
    assert sealed.bytes_after == repo._blobs.size(pack_name(published(repo)[0]))
    assert sealed.bytes_before > 0
    assert count == 52
    check_all_sealed(repo, digests, texts(50))
    assert repo.seal() == Sealed()


def test_nothing_to_seal(repo: Repo) -> None:
    assert repo.seal() == Sealed()
    assert repo.seal(auto=True) == Sealed()


def test_many_objects_make_several_packs(repo: Repo) -> None:
    contents = [b"object %d" % number for number in range(1205)]
    digests = repo.objects.put_many(contents)
    sealed = sealer(repo, pack_objects=500).seal()
    assert (sealed.objects, sealed.packs) == (1205, 3)
    check_all_sealed(repo, digests, contents)


def test_packs_end_at_their_size_too(repo: Repo) -> None:
    digests = repo.objects.put_many(texts(1200))
    ended = Sealer(repo._ledger, repo._blobs, repo.objects, pack_bytes=100).seal()
    assert (ended.objects, ended.packs) == (1202, 3)
    check_all_sealed(repo, digests, texts(1200))


def test_what_is_stored_later_is_sealed_later(repo: Repo) -> None:
    first = repo.objects.put_many([b"one", b"two"])
    repo.seal()
    second = repo.objects.put_many([b"two", b"three"])
    assert tiers(repo, first + second) == {Tier.SEALED: 2, Tier.HOT: 1}
    assert repo.seal().objects == 1
    check_all_sealed(repo, first + second, [b"one", b"two", b"two", b"three"])


def test_alike_objects_lie_side_by_side_in_the_order_of_storing(repo: Repo) -> None:
    contents = [b"\0binary", b"text 1", b'{"a": 1}', b"\xff\xfe", b"text 2", b' ["b"]']
    repo.objects.put_many(contents)
    repo.seal()
    reader = PackReader(repo._blobs)
    order = [data for _, data in reader.objects(published(repo)[0])]
    assert order == [b'{"a": 1}', b' ["b"]', b"text 1", b"text 2", b"\0binary", b"\xff\xfe"]


def test_much_that_is_alike_shares_a_dictionary(repo: Repo) -> None:
    digests = repo.objects.put_many(sentences(1000))
    sealed = repo.seal()
    check_all_sealed(repo, digests, sentences(1000))
    (pack,) = repo._ledger.packs()
    assert pack.dictionary_length
    assert sealed.bytes_after < sealed.bytes_before / 2


def test_a_damaged_object_stays_where_it_is(repo: Repo) -> None:
    digests = repo.objects.put_many(texts())
    stored = repo.objects.stat(digests[3])
    replace_stored(repo.objects, stored, b"something else")
    sealed = repo.seal()
    assert (sealed.objects, sealed.damaged) == (len(digests) - 1, 1)
    assert tiers(repo, digests) == {Tier.SEALED: len(digests) - 1, Tier.HOT: 1}
    with pytest.raises(IntegrityError):
        repo.objects.get(digests[3])
    assert repo.seal() == Sealed(damaged=1)


class Meddling:
    """A blob store that does something else beside publishing."""

    def __init__(self, blobs: BlobStore, meddle: Callable[[str], None]) -> None:
        self._blobs = blobs
        self._meddle = meddle

    def stage(self, *_: int) -> Any:
        staged = self._blobs.stage()
        publish = staged.publish

        class Staged:
            def __enter__(self) -> Any:
                staged.__enter__()
                return self

            def __exit__(self, *raised: object) -> None:
                staged.__exit__(*raised)

            write = staged.write

            def publish(_self, name: str) -> None:  # noqa: N805 - self is the store
                publish(name)
                self._meddle(name)

        return Staged()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._blobs, name)


def test_what_is_deleted_meanwhile_stays_deleted(repo: Repo) -> None:
    digests = repo.objects.put_many(texts())
    gone = digests[2]
    blobs: Any = Meddling(repo._blobs, lambda _: repo.objects.delete(gone))
    Sealer(repo._ledger, blobs, repo.objects).seal()
    assert not repo.objects.contains(gone)
    left = [one for one in zip(digests, texts(), strict=True) if one[0] != gone]
    check_all_sealed(repo, [digest for digest, _ in left], [data for _, data in left])


@pytest.mark.parametrize("place", [30, 100, -20, -100])
def test_a_pack_that_cannot_be_read_back_is_given_up(repo: Repo, place: int) -> None:
    digests = repo.objects.put_many(texts())

    def spoil(name: str) -> None:
        data = bytearray(repo._blobs.read(name, 0, repo._blobs.size(name)))
        data[place] ^= 1
        repo._blobs.delete(name)
        with repo._blobs.stage() as staged:
            staged.write(bytes(data))
            staged.publish(name)

    blobs: Any = Meddling(repo._blobs, spoil)
    with pytest.raises(IntegrityError, match=r"packs/[0-9a-f]{64}\.pack"):
        Sealer(repo._ledger, blobs, repo.objects).seal()
    assert tiers(repo, digests) == {Tier.HOT: len(digests)}
    assert published(repo) == []
    repo.seal()
    check_all_sealed(repo, digests, texts())


@pytest.mark.parametrize("others", [[b"other"], texts()[:3], [*texts(), b"other"]])
def test_another_pack_under_the_name_is_given_up(repo: Repo, others: list[bytes]) -> None:
    digests = repo.objects.put_many(texts())

    def replace(name: str) -> None:
        repo._blobs.delete(name)
        ordered = sorted(others, key=lambda data: look(data).value)
        with repo._blobs.stage() as staged:
            write_pack(((Digest.of(data), data) for data in ordered), staged)
            staged.publish(name)

    blobs: Any = Meddling(repo._blobs, replace)
    with pytest.raises(IntegrityError, match="objects than were written"):
        Sealer(repo._ledger, blobs, repo.objects).seal()
    assert tiers(repo, digests) == {Tier.HOT: len(digests)}


@pytest.mark.parametrize("landed", [False, True])
def test_dying_at_any_write_loses_nothing(repo: Repo, few_at_a_time: int, landed: bool) -> None:
    contents: list[bytes] = []
    digests: list[Digest] = []
    deaths = 0
    while True:
        new = [b"%d in round %d" % (number, deaths) for number in range(few_at_a_time + 10)]
        digests += repo.objects.put_many(new)
        contents += new
        fuse = Fuse(deaths + 1, landed=landed)
        ledger, blobs = dying_ledger(repo._ledger, fuse), dying_blobs(repo._blobs, fuse)
        mortal = Sealer(ledger, blobs, CasStore(ledger, blobs), pack_objects=few_at_a_time)
        try:
            mortal.seal()
        except Death:
            deaths += 1
        else:
            break
        assert [repo.objects.get(digest) for digest in digests] == contents
        assert repo._ledger.check() == []
        before = len(published(repo))
        repo.seal()
        check_all_sealed(repo, digests, contents)
        # Whatever was published is used, so at most the rest needs another pack.
        assert len(published(repo)) - before <= 2
    assert deaths >= 7


def test_an_interrupted_seal_goes_on_where_it_was(repo: Repo, few_at_a_time: int) -> None:
    contents = [b"object %d" % number for number in range(25 * few_at_a_time // 10)]
    digests = repo.objects.put_many(contents)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repo.seal(advance=interrupt)
    assert tiers(repo, digests) == {
        Tier.SEALED: few_at_a_time,
        Tier.HOT: len(contents) - few_at_a_time,
    }
    again = repo.seal()
    assert (again.objects, again.packs) == (len(contents) - few_at_a_time, 0)
    assert again.bytes_after == 0
    check_all_sealed(repo, digests, contents)
    assert len(published(repo)) == 1


def test_a_pack_that_nobody_lists_is_taken_in(repo: Repo) -> None:
    digests = repo.objects.put_many(texts())
    failing = FailingLedger(repo._ledger, landed=False)
    failing.failures = 1
    with pytest.raises(StorageError):
        Sealer(failing.port, repo._blobs, repo.objects).seal()
    assert len(published(repo)) == 1
    assert repo._ledger.packs() == []
    sealed = repo.seal()
    assert (sealed.objects, sealed.packs) == (len(digests), 1)
    check_all_sealed(repo, digests, texts())


def test_a_stray_pack_that_is_damaged_or_needless_is_left_alone(repo: Repo) -> None:
    needless = repo.objects.put_many([b"needless"])
    failing = FailingLedger(repo._ledger, landed=False)
    failing.failures = 1
    with pytest.raises(StorageError):
        Sealer(failing.port, repo._blobs, repo.objects).seal()
    repo._ledger.commit(Batch(deletions=tuple(needless)))
    with repo._blobs.stage() as staged:
        staged.write(b"no pack")
        staged.publish(pack_name(Digest.of(b"no pack")))
    with repo._blobs.stage() as staged:
        staged.write(b"no pack")
        staged.publish("packs/readme.txt")
    digests = repo.objects.put_many(texts())
    assert repo.seal().objects == len(digests)
    assert tiers(repo, digests) == {Tier.SEALED: len(digests)}
    assert len(published(repo)) == 3
    assert len(repo._ledger.packs()) == 1


def test_who_does_not_wait_gives_up_when_another_is_at_upkeep(tmp_path: Path) -> None:
    with init(tmp_path) as repo, open_repo(tmp_path) as other:
        repo.objects.put_many(texts())
        with other._ledger.upkeep(wait=False) as alone:
            assert alone
            assert sealer(repo).seal(wait=False) == Sealed(busy=True)
        assert sealer(repo).seal(wait=False).objects == len(texts())


def test_two_sealers_share_the_work(tmp_path: Path) -> None:
    contents = [b"object %d" % number for number in range(3000)]
    with init(tmp_path) as repo, open_repo(tmp_path) as other:
        digests = repo.objects.put_many(contents)
        done: list[Sealed] = []
        threads = [
            threading.Thread(
                target=lambda one=one: done.append(sealer(one, pack_objects=500).seal())
            )
            for one in (repo, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(one.objects for one in done) == 3000
        check_all_sealed(repo, digests, contents)


def test_a_failing_disk_is_told_and_nothing_is_lost(repo: Repo) -> None:
    digests = repo.objects.put_many(texts())

    class Full:
        def stage(self, *_: int) -> Any:
            msg = "no space left"
            raise StorageError(msg)

        def __getattr__(self, name: str) -> Any:
            return getattr(repo._blobs, name)

    full: Any = Full()
    with pytest.raises(StorageError, match="no space"):
        Sealer(repo._ledger, full, repo.objects).seal()
    repo.seal()
    check_all_sealed(repo, digests, texts())


def test_content_that_has_nothing_in_common_gets_no_dictionary(repo: Repo) -> None:
    digests = repo.objects.put_many([noise(40_000, seed) for seed in range(4)])
    repo.seal()
    assert [pack.dictionary_length for pack in repo._ledger.packs()] == [0]
    check_all_sealed(repo, digests, [noise(40_000, seed) for seed in range(4)])


def test_many_small_packs_become_one(repo: Repo) -> None:
    digests: list[Digest] = []
    contents = sentences(20 * merging.MANY)
    for turn in range(merging.MANY):
        assert len(published(repo)) == turn
        digests += repo.objects.put_many(contents[20 * turn : 20 * (turn + 1)])
        assert repo.seal().objects == 20
    check_all_sealed(repo, digests, contents)
    (pack,) = repo._ledger.packs()
    assert pack.objects == len(contents)
    # Alone none of them had enough to train from.
    assert pack.dictionary_length


@pytest.mark.parametrize("place", [30, -20])
def test_a_small_pack_that_is_damaged_stays_and_the_others_are_merged(
    repo: Repo, place: int
) -> None:
    digests: list[Digest] = []
    packs: list[Digest] = []
    for turn in range(merging.MANY):
        digests.append(repo.objects.put(b"object %d" % turn))
        repo.seal()
        if turn == 3:
            (name,) = (row for row in repo._blobs.names() if pack_digest(row) not in packs)
            data = bytearray(repo._blobs.read(name, 0, repo._blobs.size(name)))
            data[place] ^= 1
            repo._blobs.delete(name)
            with repo._blobs.stage() as staged:
                staged.write(bytes(data))
                staged.publish(name)
        packs = published(repo)
    assert len(packs) == merging.MANY
    digests.append(repo.objects.put(b"the last"))
    repo.seal()
    assert len(published(repo)) == 2
    del digests[3]
    assert len(dict(repo.objects.get_many(digests))) == len(digests)
