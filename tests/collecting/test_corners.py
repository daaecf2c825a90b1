"""What seldom happens: files that vanish meanwhile, documents and packs that cannot be read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.batch import Batch
from aivcs.domain.blobname import large_name, pack_name
from aivcs.domain.digest import Digest
from aivcs.domain.pack_writes import Packed
from aivcs.errors import ConflictError, CorruptionError, StorageError, Unreachable
from aivcs.repo import MEMORY, init, open_repo
from aivcs.services.reachability import Chains, Closure
from aivcs.services.removing import drop_file
from aivcs.services.repacking import Repacker, Worn, drop_pack_file
from aivcs.services.strays import Stray, Strays
from aivcs.testing.collecting import LARGE, litter, texts
from aivcs.testing.objects import noise
from aivcs.testing.subject import add_spec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs.domain.stored import Pack
    from aivcs.repo import Repo


@pytest.fixture
def repo() -> Iterator[Repo]:
    with open_repo(MEMORY) as repo:
        yield repo


@pytest.fixture
def strays(repo: Repo) -> Strays:
    parts = repo.objects.ledger, repo.objects.blobs, repo.objects.packs
    closure = Closure(repo.objects.ledger, repo.objects)
    return Strays(*parts, closure, repo.objects.check)


@pytest.fixture
def repacker(repo: Repo) -> Repacker:
    return Repacker(repo.objects.ledger, repo.objects.blobs, repo.objects.packs)


def publish(repo: Repo, name: str, data: bytes) -> None:
    with repo.objects.blobs.stage() as staged:
        staged.write(data)
        staged.publish(name)


def sealed(repo: Repo, count: int = 20) -> tuple[Pack, list[Digest]]:
    digests = litter(repo, *texts(count))
    repo.seal()
    (pack,) = repo.objects.ledger.packs()
    return pack, digests


def spoil(repo: Repo, pack: Pack, at: int) -> None:
    name = pack_name(pack.digest)
    data = bytearray(repo.objects.blobs.read(name, 0, pack.size))
    data[at] ^= 1
    repo.objects.blobs.delete(name)
    publish(repo, name, bytes(data))


def test_a_pack_without_a_footer_stays_while_something_lives(repo: Repo) -> None:
    pack, digests = sealed(repo)
    repo.objects.pin(digests[:1])
    spoil(repo, pack, -1)
    for dry_run in (True, False):
        found = repo.gc(full=True, dry_run=dry_run)
        (problem,) = found.problems
        assert (problem.kind, problem.id) == ("pack", str(pack.digest))
        assert problem.detail.startswith("its dead bytes stay: ")
        assert (found.ok, found.packs_rewritten, found.packs_dropped) == (True, 0, 0)
        assert repo.objects.ledger.packs() == [pack]


def test_a_pack_of_which_nothing_lives_goes_whatever_it_holds(repo: Repo) -> None:
    pack, _ = sealed(repo)
    spoil(repo, pack, -1)
    assert repo.gc(dry_run=True).packs_dropped == 1
    assert repo.gc().packs_dropped == 1
    assert repo.objects.ledger.packs() == []


def test_a_pack_whose_file_is_gone(repo: Repo) -> None:
    pack, digests = sealed(repo)
    repo.objects.pin(digests[:1])
    repo.objects.blobs.delete(pack_name(pack.digest))
    (problem,) = repo.gc(full=True).problems
    assert "missing" in problem.detail
    assert repo.du().packs == pack.size
    repo.objects.unpin(digests[:1])
    assert repo.gc().packs_dropped == 1


def test_what_lives_may_die_before_a_pack_is_rewritten(repo: Repo, repacker: Repacker) -> None:
    pack, digests = sealed(repo)
    repo.objects.ledger.commit(Batch(deletions=tuple(digests)))
    repacker.renew([Worn(pack, 5, 10, 10)], lambda: None)
    assert repo.objects.ledger.packs() == []
    assert list(repo.objects.blobs.names()) == []


def test_a_pack_in_which_an_object_was_found_again_stays(repo: Repo, repacker: Repacker) -> None:
    pack, digests = sealed(repo)
    repacker.renew([Worn(pack, pack.size, pack.size, 0)], lambda: None)
    assert repo.objects.ledger.packs() == [pack]
    assert (repacker.dropped, repacker.freed) == (0, 0)
    with pytest.raises(ConflictError):
        repo.objects.ledger.commit(Batch(dropped_packs=(pack.digest,)))
    assert drop_pack_file(repo.objects.ledger, repo.objects.blobs, pack.digest) == 0
    assert list(dict(repo.objects.get_many(digests))) == digests


def test_a_rewritten_pack_is_read_before_anything_depends_on_it(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, digests = sealed(repo)
    repo.objects.pin(digests[:10])
    real = repo.objects.packs.objects
    read: list[Digest] = []

    def lying(wanted: Digest) -> Iterator[tuple[Digest, bytes | CorruptionError]]:
        read.append(wanted)
        for digest, data in real(wanted):
            yield digest, CorruptionError("bad memory") if wanted != pack.digest else data

    monkeypatch.setattr(repo.objects.packs, "objects", lying)
    (problem,) = repo.gc().problems
    assert problem.detail == "its dead bytes stay: bad memory"
    assert len(read) == 2
    assert repo.objects.ledger.packs() == [pack]
    monkeypatch.undo()
    assert repo.gc().packs_rewritten == 1


def test_an_unreadable_file_without_a_row_stays(repo: Repo, strays: Strays) -> None:
    name = pack_name(Digest.of(b"pack"))
    publish(repo, name, b"no pack at all")
    assert list(strays.find()) == []
    (problem,) = strays.problems
    assert (problem.kind, problem.id) == ("blob", name)
    assert problem.detail.startswith("nobody can tell what it holds: ")


@pytest.mark.parametrize("raised", [StorageError, Unreachable])
def test_a_stray_that_a_disk_cannot_read_stays_and_a_server_that_is_away_is_told(
    repo: Repo, strays: Strays, monkeypatch: pytest.MonkeyPatch, raised: type[StorageError]
) -> None:
    name = large_name(Digest.of(b"large"))
    publish(repo, name, b"something")

    def fail(*_: object) -> bytes:
        msg = "cannot be read"
        raise raised(msg)

    monkeypatch.setattr(repo.objects.blobs, "read", fail)
    if raised is Unreachable:
        with pytest.raises(Unreachable):
            list(strays.find())
        return
    assert list(strays.find()) == []
    assert [problem.id for problem in strays.problems] == [name]


@pytest.mark.parametrize("raised", [StorageError, Unreachable])
def test_what_cannot_be_checked_is_not_whole_unless_the_server_is_away(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, raised: type[StorageError]
) -> None:
    kept = repo.objects.put(bytes(200_000), pin=True)
    name = large_name(kept)
    wrong = large_name(Digest.of(b"another name"))
    publish(repo, wrong, repo.objects.blobs.read(name, 0, 10_000))

    def fail(_: Digest) -> None:
        msg = "cannot be read"
        raise raised(msg)

    monkeypatch.setattr(repo.objects, "check", fail)
    if raised is Unreachable:
        with pytest.raises(Unreachable):
            repo.gc()
    else:
        assert repo.gc().files == 0
    monkeypatch.undo()
    assert repo.gc().files == 1
    assert list(repo.objects.blobs.names()) == [name]


def test_what_is_no_file_is_told_and_the_rest_is_collected(tmp_path: Path) -> None:
    stray = large_name(Digest.of(b"stray"))
    with init(tmp_path) as repo:
        objects = tmp_path / ".aivcs" / "objects"
        for name in (large_name(Digest.of(b"pipe")), pack_name(Digest.of(b"pipe"))):
            (objects / name).parent.mkdir(parents=True)
            os.mkfifo(objects / name)
        publish(repo, stray, b"stray")
        found = repo.gc()
        assert found.files == 1
        assert [problem.detail.rpartition(" is ")[2] for problem in found.problems] == [
            "not a regular file",
            "not a regular file",
        ]
        # What is no file is left to whoever put it there.
        assert repo.repair().quarantined == ()


def test_files_that_vanish_while_they_are_looked_at(
    repo: Repo, strays: Strays, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [pack_name(Digest.of(b"pack")), large_name(Digest.of(b"large"))]
    monkeypatch.setattr(repo.objects.blobs, "names", lambda: iter(names))
    assert list(strays.find()) == []
    assert strays.problems == []


def test_a_stray_that_becomes_somebodys_stays(repo: Repo, strays: Strays) -> None:
    data = noise(LARGE)
    row = repo.objects.prepare(data)
    name = large_name(row.digest)
    assert list(strays.find()) == []
    assert strays.problems == []
    stray = Stray(name, 1, row.digest, pack=False)
    assert strays.remove(stray) == 0
    assert repo.objects.put(data) == row.digest
    assert strays.remove(stray) == 0
    assert list(repo.objects.blobs.names()) == [name]


def test_a_file_that_is_no_longer_there_frees_nothing(repo: Repo) -> None:
    assert drop_file(repo.objects.ledger, repo.objects.blobs, Digest.of(b"absent")) == 0
    pack = Digest.of(b"absent")
    assert drop_pack_file(repo.objects.ledger, repo.objects.blobs, pack) == 0
    (digest,) = litter(repo, noise(LARGE))
    repo.objects.blobs.delete(large_name(digest))
    assert repo.du().large == 0
    repo.objects.delete(digest)
    repo.objects.delete(digest)
    assert not repo.objects.contains(digest)


def test_documents_that_are_gone_lead_to_nothing(repo: Repo) -> None:
    one, two = add_spec(repo, "one"), add_spec(repo, "two")
    (digest,) = litter(repo, b"one")
    repo.objects.delete(one, force=True)
    component = repo.specs.get(two).components["prompts"]
    assert component is not None
    repo.objects.delete(component, force=True)
    assert [reason.kind for reason in repo.why(component).reasons] == ["spec"]
    assert repo.why(digest).reasons == ()
    repo.objects.delete(digest)
    assert not repo.objects.contains(digest)


def test_a_spec_is_followed_once(repo: Repo) -> None:
    add_spec(repo, "one")
    read: list[Digest] = []

    def find(digest: Digest) -> bytes:
        read.append(digest)
        return repo.objects.get(digest)

    chains = Chains(repo.objects.ledger, find, Digest.of(b"one"))
    assert len(chains.refresh()) == 1
    assert len(chains.refresh()) == 1
    assert len(read) == 2
    repo.specs.add({"components": {"prompts": {"system.md": "one"}, "tools": {"a.md": "one"}}})
    assert [str(chain).partition(" of")[0] for chain in chains.refresh()] == [
        "system.md in prompts",
        "system.md in prompts",
        "a.md in tools",
    ]


def test_a_closure_is_whole_or_asked_again(repo: Repo) -> None:
    spec = add_spec(repo, "text")
    component = repo.specs.get(spec).components["prompts"]
    assert component is not None
    data = repo.objects.get(component)
    repo.objects.delete(component, force=True)
    closure = Closure(repo.objects.ledger, repo.objects)
    with pytest.raises(CorruptionError, match="its prompts"):
        closure.refresh()
    repo.objects.put(data)
    closure.refresh()
    assert Digest.of(b"text") in closure


def test_a_move_of_what_is_gone_does_nothing(repo: Repo) -> None:
    pack, digests = sealed(repo)
    repo.objects.delete(digests[0])
    repo.objects.ledger.commit(Batch(moves=(Packed(digests[0], pack.digest, 0, 84, 108),)))
    assert not repo.objects.contains(digests[0])


def test_new_packs_are_not_too_large(
    repo: Repo, repacker: Repacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for first in (0, 20, 40):
        repo.objects.pin(litter(repo, *texts(20, first))[:10])
        repo.seal()
    sizes = [pack.size for pack in repo.objects.ledger.packs()]
    monkeypatch.setattr("aivcs.services.repacking._TARGET", max(sizes))
    assert repo.gc().packs_rewritten == 3
    assert [pack.objects for pack in repo.objects.ledger.packs()] == [20, 10]
    assert repacker.problems == []


def test_a_file_with_another_name_than_a_digest_is_foreign(repo: Repo, strays: Strays) -> None:
    for name in ("packs/x.pack", f"large/00/{Digest.of(b'x')}.zst", "large/x.zst", "else"):
        publish(repo, name, b"foreign")
    assert list(strays.find()) == []
    assert repo.gc(full=True).files == 0
