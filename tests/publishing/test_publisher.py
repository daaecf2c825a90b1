from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.checkpoint import SignedCheckpoint
from aivcs.domain.merkle import leaf_hash, root
from aivcs.errors import CorruptionError, KeyNotFound, ProofInvalid
from tests.publishing.conftest import KEY, OTHER
from tests.publishing.subject import CHECKPOINT, Counting, MadeUp, files, publisher, whole

if TYPE_CHECKING:
    from aivcs.domain.published import Published

SIZES = (1, 2, 3, 255, 256, 257, 300, 511, 512, 513, 1500)


def published(found: Published | None) -> Published:
    assert found is not None
    return found


def test_a_log_that_grows_has_the_files_of_one_that_was_written_at_once() -> None:
    leaves, folder = MadeUp(), Counting()
    one = publisher(leaves, folder)
    assert one.publish() is None
    assert one.checkpoint() is None
    for size in SIZES:
        leaves.grow(size - len(leaves.entries))
        found = published(one.publish())
        assert found.checkpoint.checkpoint.size == size
        assert found.checkpoint.checkpoint.root == root([leaf_hash(e) for e in leaves.entries])
        assert whole(folder) == leaves.entries
        fresh = Counting()
        publisher(leaves, fresh).publish()
        made = files(fresh)
        assert made.items() <= files(folder).items()
        # What is more are narrower partial ones, which older checkpoints refer to.
        more = files(folder).keys() - made
        assert all(".p/" in path for path in more)
        assert not any(path.partition(".p/")[0] in made for path in more)


def test_nothing_new_writes_nothing() -> None:
    leaves, folder = MadeUp(300), Counting()
    publisher(leaves, folder, [KEY]).publish()
    before = files(folder)
    folder.forget()
    for one in (publisher(leaves, folder, [KEY]), publisher(leaves, folder, [KEY])):
        assert published(one.publish()).added == 0
    assert folder.writes == []
    assert files(folder) == before


def test_who_has_nothing_to_catch_up_with_looks_at_the_checkpoint_only() -> None:
    leaves, folder = MadeUp(300), Counting()
    one, other = publisher(leaves, folder), publisher(leaves, folder)
    one.catch_up()
    for _ in range(2):
        folder.forget()
        one.catch_up()
        assert (folder.reads, folder.writes) == ([CHECKPOINT], [])
    leaves.grow(1)
    other.catch_up()
    folder.forget()
    one.catch_up()
    assert folder.writes == []
    leaves.grow(1)
    one.catch_up()
    assert whole(folder) == leaves.entries


@pytest.mark.parametrize("size", [10, 1_000, 100_000])
def test_the_work_of_a_publishing_does_not_grow_with_the_log(size: int) -> None:
    leaves, folder = MadeUp(size), Counting()
    publisher(leaves, folder).publish()
    for one in (publisher(leaves, folder), publisher(leaves, folder)):
        for _ in range(3):
            folder.forget()
            leaves.grow(1)
            assert published(one.publish()).added == 1
            assert len(folder.reads) <= 12
            assert len(folder.writes) <= 4


def test_an_unsigned_checkpoint_says_so() -> None:
    leaves, folder = MadeUp(2), Counting()
    found = published(publisher(leaves, folder, name=None).publish())
    assert not found.signed
    lines = (folder.read(CHECKPOINT) or b"").decode().splitlines()
    assert lines[0].startswith("aivcs.local/")
    assert lines[0].endswith("/releases")
    assert lines[3:] == ["unsigned: integrity only, nobody vouches for this log"]
    other = MadeUp()
    other.entries = [b"another first entry"]
    assert publisher(other, Counting(), name=None).origin() != lines[0]
    assert publisher(MadeUp(), Counting(), name=None).origin().startswith("aivcs.local/")


def test_a_key_signs_under_the_name_of_the_log() -> None:
    leaves, folder = MadeUp(3), Counting()
    publisher(leaves, folder, name=None).publish()
    found = published(publisher(leaves, folder, [KEY], None).publish())
    assert (found.signed, found.added) == (True, 0)
    named = replace(KEY, name=f"{KEY.name}/releases")
    assert found.checkpoint.checkpoint.origin == named.name
    assert found.checkpoint.checkpoint.extensions == ()
    assert [one.key for one in found.checkpoint.verified([named.verifier()])] == [named.verifier()]


def test_who_has_no_key_leaves_a_signed_log_alone() -> None:
    leaves, folder = MadeUp(3), Counting()
    publisher(leaves, folder, [KEY]).publish()
    before = files(folder)
    leaves.grow(1)
    with pytest.raises(KeyNotFound, match="o/releases is signed"):
        publisher(leaves, folder).publish()
    assert files(folder) == before
    assert published(publisher(leaves, folder, [KEY]).publish()).added == 1


def test_another_key_signs_in_its_place_and_both_when_it_is_rotated() -> None:
    leaves, folder = MadeUp(3), Counting()
    publisher(leaves, folder, [KEY]).publish()
    both = published(publisher(leaves, folder, [OTHER]).publish(also=[KEY]))
    verifiers = [replace(key, name="o/releases").verifier() for key in (OTHER, KEY)]
    assert [one.key for one in both.checkpoint.verified(verifiers)] == verifiers
    leaves.grow(1)
    alone = published(publisher(leaves, folder, [OTHER]).publish())
    assert [one.key for one in alone.checkpoint.verified(verifiers)] == verifiers[:1]


@pytest.mark.parametrize("signers", [[], [KEY]])
@pytest.mark.parametrize("size", [1, 255, 256, 300, 700])
def test_every_file_that_is_lost_or_wrong_is_written_anew(size: int, signers: list[object]) -> None:
    keys = [KEY] if signers else []
    leaves, folder = MadeUp(size), Counting()
    publisher(leaves, folder, keys).publish()
    for path, data in files(folder).items():
        if path == CHECKPOINT and not keys:
            continue
        for wrong in (b"", data[:-1], bytes([data[0] ^ 1]) + data[1:]):
            folder.write(path, wrong, final=False)
            leaves.grow(1)
            # What is written in a full tile is looked at when it is read, else by a rebuild.
            publisher(leaves, folder, keys).publish(rebuild=wrong == data[:-1])
            if folder.read(path) == wrong:
                publisher(leaves, folder, keys).publish(rebuild=True)
            assert whole(folder) == leaves.entries


def test_without_its_checkpoint_the_log_is_written_anew() -> None:
    leaves, folder = MadeUp(600), Counting()
    publisher(leaves, folder).publish()
    before = files(folder)
    for path in before:
        folder._files.pop(path)
    publisher(leaves, folder).publish()
    assert files(folder) == before


def test_a_checkpoint_of_another_past_is_kept_and_named() -> None:
    leaves, folder = MadeUp(300), Counting()
    publisher(leaves, folder, [KEY]).publish()
    before = files(folder)
    other = MadeUp(300)
    other.entries[7] = b"changed"
    other.grow(5)
    for wrong in (other, MadeUp(299), MadeUp()):
        for changed in (other, wrong):
            one = publisher(changed, folder, [KEY])
            if changed is other:
                # Its last entry is the one that was published; only a look at all shows it.
                folder.write("tile/0/001.p/44", b"", final=False)
            with pytest.raises(CorruptionError, match="300 entries that the ledger has not"):
                one.publish()
            assert folder.read(CHECKPOINT) == before[CHECKPOINT]
    found = published(publisher(other, folder, [KEY]).publish(rebuild=True))
    assert found.checkpoint.checkpoint.size == 305
    assert whole(folder) == other.entries


def test_a_checkpoint_that_nobody_signed_or_that_cannot_be_read_is_replaced() -> None:
    leaves, folder = MadeUp(4), Counting()
    publisher(leaves, folder, [KEY]).publish()
    good = folder.read(CHECKPOINT) or b""
    for wrong in (b"", b"no checkpoint", good.replace(b"4\n", b"3\n"), good[:-9] + b"AAAAAAA=\n"):
        folder.write(CHECKPOINT, wrong, final=False)
        assert published(publisher(leaves, folder, [KEY]).publish()).checkpoint.data() == good
    folder.write(CHECKPOINT, b"no checkpoint", final=False)
    with pytest.raises(ProofInvalid, match="not a checkpoint"):
        publisher(leaves, folder).checkpoint()


def test_an_empty_checkpoint_of_somebody_else_is_grown() -> None:
    leaves, folder = MadeUp(2), Counting()
    empty = SignedCheckpoint.parse(b"o/releases\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")
    folder.write(CHECKPOINT, empty.data(), final=False)
    assert published(publisher(leaves, folder).publish()).added == 2


def test_a_log_without_entries_is_asked_for_one_and_nothing_is_locked() -> None:
    leaves, folder = MadeUp(), Counting()
    one = publisher(leaves, folder)
    with folder.alone():
        one.catch_up()
    assert (folder.reads, folder.writes) == ([CHECKPOINT], [])
    leaves.grow(1)
    one.catch_up()
    assert whole(folder) == leaves.entries
