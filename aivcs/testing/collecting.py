"""What every collection must do. Subclass it and give a fixture ``open_repo``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from aivcs.domain.batch import Batch, Reference, Role
from aivcs.domain.blobname import large_name, pack_name
from aivcs.domain.collection import Removal
from aivcs.domain.digest import Digest
from aivcs.domain.release import ReleaseMetadata
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.errors import CorruptionError
from aivcs.repo import Repo
from aivcs.testing.aftermath import surveyed
from aivcs.testing.objects import noise
from aivcs.testing.subject import RepoContract, add_spec, end, note

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.domain.pack_writes import Surveyed
    from aivcs.ports import Ledger

LARGE = 140_000


def litter(repo: Repo, *contents: bytes) -> list[Digest]:
    """Store objects that nothing names and no process holds; a long one has a file."""
    rows = tuple(repo.objects.prepare(content) for content in contents)
    repo.objects.ledger.commit(Batch(objects=rows))
    return [row.digest for row in rows]


def texts(count: int, first: int = 0) -> list[bytes]:
    """Return so many different texts of about 100 bytes."""
    return [b"%08d " % number * 12 for number in range(first, first + count)]


class Meddler:
    """A ledger where something happens between a survey and what follows from it."""

    def __init__(self, ledger: Ledger, happens: Callable[[], object]) -> None:
        self._ledger = ledger
        self._happens: Callable[[], object] | None = happens

    @property
    def port(self) -> Ledger:
        """Return this as what it stands for."""
        return cast("Ledger", self)

    def survey(self, *, after: Digest | None = None, limit: int = 1000) -> list[Surveyed]:
        """Survey; then it happens, once."""
        page = self._ledger.survey(after=after, limit=limit)
        if self._happens is not None:
            happens, self._happens = self._happens, None
            happens()
        return page

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the ledger has
        """Pass everything else on."""
        return getattr(self._ledger, name)


def meddled(repo: Repo, happens: Callable[[], object]) -> Repo:
    """Return the same storage, where something happens in the middle of a collection."""
    return Repo(Meddler(repo.objects.ledger, happens).port, repo.objects.blobs)


def story(repo: Repo) -> dict[str, Digest]:
    """Store one object for every reason that there is; return each by that reason."""
    mapping = {"name": "agent", "components": {"prompts": {"system.md": "Be kind."}}}
    spec = repo.specs.add(mapping)
    run_id = repo.runs.create_run(spec.digest, RunMetadata("agent"))
    long = note(1, "x" * 9000)
    repo.runs.append_event(run_id, long)
    repo.runs.append_event(run_id, note(3, "y" * 9000))
    with repo.run(spec=spec, agent="agent") as run:
        artifact = run.artifact("report.md", b"an artifact")
        large = run.artifact("big", noise(LARGE, 3))
        checkpoint = run.checkpoint({"step": 1})
        state = run.final_state(b"the state")
    repo.releases.promote("agent", spec.digest, ReleaseMetadata(None, "ann", "n" * 9000))
    source = b'{"kind": "note"}\n'
    from aivcs.services.importing import Wanted

    repo.importer.record(source, Wanted(), spec=spec, default_spec=lambda _: spec)
    component = spec.components["prompts"]
    assert component is not None
    return {
        "pin": repo.objects.put(b"pinned", pin=True),
        "event": Digest.of(b'"%s"' % (b"x" * 9000)),
        "early event": Digest.of(b'"%s"' % (b"y" * 9000)),
        "artifact": artifact,
        "large artifact": large,
        "checkpoint": checkpoint,
        "state": state,
        "source": Digest.of(source),
        "spec": spec.digest,
        "component": component,
        "file": Digest.of(b"Be kind."),
    }


class CollectingContract(RepoContract):
    """Nothing that is needed goes, and nothing else stays."""

    def test_what_nothing_names_goes(self, repo: Repo) -> None:
        """Rows and files; a second collection finds nothing to do."""
        garbage = litter(repo, b"one", b"two", noise(LARGE))
        found = repo.gc()
        assert (found.objects, found.dry_run, found.ok) == (3, False, True)
        assert found.bytes > LARGE
        assert not any(map(repo.objects.contains, garbage))
        assert list(repo.objects.blobs.names()) == []
        again = repo.gc()
        assert (again.objects, again.files, again.bytes) == (0, 0, 0)

    @pytest.mark.parametrize("sealed", [False, True])
    def test_all_that_is_named_stays(self, repo: Repo, sealed: bool) -> None:  # noqa: FBT001
        """Whatever names it, in whichever tier; each can say why."""
        kept = story(repo)
        garbage = litter(repo, *texts(30))
        if sealed:
            repo.seal()
        found = repo.gc(full=True)
        assert found.objects == len(garbage)
        for why, digest in kept.items():
            assert repo.objects.contains(digest), why
            repo.objects.check(digest)
            assert repo.why(digest).kept
        assert not any(map(repo.objects.contains, garbage))
        assert repo.verify().ok

    def test_a_rehearsal_says_what_goes_and_changes_nothing(self, repo: Repo) -> None:
        """Its figures are those of the collection."""
        story(repo)
        sealed = litter(repo, *texts(9))
        repo.seal()
        garbage = {*sealed, *litter(repo, b"one", noise(LARGE))}
        blobs = repo.objects.blobs
        with blobs.stage() as staged:
            staged.write(b"nobody's")
            staged.publish(large_name(Digest.of(b"nobody")))
        before = (surveyed(repo), list(blobs.names()))
        said = repo.gc(dry_run=True, full=True)
        assert (surveyed(repo), list(blobs.names())) == before
        assert said.dry_run
        assert {one.id for one in said.removed if one.why is Removal.UNNEEDED} == {
            str(digest) for digest in garbage
        }
        assert [one.id for one in said.removed if one.why is Removal.STRAY] == [
            large_name(Digest.of(b"nobody"))
        ]
        done = repo.gc(full=True)
        for field in ("objects", "bytes", "packs_rewritten", "packs_dropped", "files", "held"):
            assert getattr(said, field) == getattr(done, field), field
        assert done.freed_on_disk > 0

    @pytest.mark.parametrize("data", [b"small", noise(LARGE)], ids=["hot", "large"])
    @pytest.mark.parametrize("way", ["put", "pin", "state", "checkpoint", "spec"])
    def test_what_is_named_after_the_mark_stays(self, repo: Repo, way: str, data: bytes) -> None:
        """It was garbage when it was looked at, and is not when it would be deleted."""
        spec = add_spec(repo, "another")
        run_id = repo.runs.create_run(spec, RunMetadata("agent"))
        (digest,) = litter(repo, data)
        ledger = repo.objects.ledger

        def named() -> None:
            if way == "put":
                repo.objects.put(data)
            elif way == "pin":
                repo.objects.pin([digest])
            elif way == "state":
                end(repo, run_id, RunStatus.FAILED, digest)
            elif way == "checkpoint":
                ledger.commit(Batch(references=(Reference(digest, Role.CHECKPOINT, run_id),)))
            else:
                repo.specs.add({"components": {"prompts": {"system.md": data}}})

        assert meddled(repo, named).gc().objects == 0
        assert repo.objects.get(digest) == data
        assert repo.gc().objects == 0
        assert repo.objects.get(digest) == data

    @pytest.mark.parametrize("data", [b"small", noise(LARGE)], ids=["hot", "large"])
    def test_what_was_collected_can_be_stored_again(self, repo: Repo, data: bytes) -> None:
        """The other order: first it goes, then it comes."""
        (digest,) = litter(repo, data)
        repo.gc()
        assert repo.objects.put(data) == digest
        assert repo.gc().objects == 0
        assert repo.objects.get(digest) == data

    def test_what_a_live_process_stored_is_left(self, repo: Repo) -> None:
        """And the collection says how much it is, and for whom."""
        digests = repo.objects.put_many([b"one", b"two", noise(LARGE)])
        found = repo.gc(full=True)
        assert (found.objects, found.held.objects) == (0, 3)
        assert found.held.bytes > LARGE
        assert len(found.held.by) == 1
        assert all(map(repo.objects.contains, digests))
        (reason,) = repo.why(digests[0]).reasons
        assert (reason.kind, reason.id) == ("lease", found.held.by[0])

    @pytest.mark.parametrize("what", ["spec", "component"])
    def test_nothing_goes_while_a_document_cannot_be_read(self, repo: Repo, what: str) -> None:
        """Nobody can tell what it needs; when it is back, the collection goes on."""
        kept = story(repo)
        (garbage,) = litter(repo, b"garbage")
        repo.objects.delete(kept[what], force=True)
        for dry_run in (True, False):
            with pytest.raises(CorruptionError, match="nobody can tell what spec"):
                repo.gc(dry_run=dry_run)
        assert repo.objects.contains(garbage)
        assert repo.objects.contains(kept["file"])
        story(repo)
        assert repo.gc().objects == 1
        assert not repo.objects.contains(garbage)

    def test_a_pack_is_rewritten_when_a_fifth_is_dead(self, repo: Repo) -> None:
        """Or, when everything is wanted, for one dead byte."""
        objects = repo.objects
        contents = texts(100)
        digests = litter(repo, *contents)
        objects.pin(digests)
        repo.seal()
        (pack,) = objects.ledger.packs()
        objects.unpin(digests[:10])
        found = repo.gc()
        assert (found.objects, found.packs_rewritten, found.packs_dropped) == (10, 0, 0)
        assert objects.ledger.packs() == [pack]
        said = repo.gc(dry_run=True, full=True)
        assert (said.objects, said.packs_rewritten) == (0, 1)
        assert [one.why for one in said.removed].count(Removal.DEAD) == 10
        assert repo.gc(full=True).packs_rewritten == 1
        (second,) = objects.ledger.packs()
        assert second.objects == 90
        assert list(objects.blobs.names()) == [pack_name(second.digest)]
        objects.unpin(digests[10:40])
        found = repo.gc()
        assert (found.objects, found.packs_rewritten) == (30, 1)
        assert list(objects.get_many(digests[40:])) == list(
            zip(digests[40:], contents[40:], strict=True)
        )
        objects.unpin(digests[40:])
        found = repo.gc()
        assert (found.objects, found.packs_rewritten, found.packs_dropped) == (60, 0, 1)
        assert list(objects.blobs.names()) == []
        assert repo.verify().ok

    def test_several_packs_become_one(self, repo: Repo) -> None:
        """And whoever read them before finds the objects again."""
        objects = repo.objects
        digests: list[Digest] = []
        for first in (0, 50, 100):
            some = litter(repo, *texts(50, first))
            objects.pin(some)
            digests += some
            repo.seal()
        assert len(objects.ledger.packs()) == 3
        before = dict(objects.get_many(digests))
        objects.unpin(digests[::3])
        found = repo.gc()
        assert (found.objects, found.packs_rewritten) == (50, 3)
        assert len(objects.ledger.packs()) == 1
        left = [digest for digest in digests if digest not in digests[::3]]
        assert dict(objects.get_many(left)) == {digest: before[digest] for digest in left}

    def test_a_pack_that_cannot_be_read_stays(self, repo: Repo) -> None:
        """It is told, and the others are rewritten."""
        objects = repo.objects
        for first in (0, 50):
            some = litter(repo, *texts(50, first))
            objects.pin(some[:25])
            repo.seal()
        bad, good = objects.ledger.packs()
        name = pack_name(bad.digest)
        data = bytearray(objects.blobs.read(name, 0, bad.size))
        data[60] ^= 1
        objects.blobs.delete(name)
        with objects.blobs.stage() as staged:
            staged.write(bytes(data))
            staged.publish(name)
        found = repo.gc()
        assert [problem.id for problem in found.problems] == [str(bad.digest)]
        assert found.packs_rewritten == 1
        packs = [pack.digest for pack in objects.ledger.packs()]
        assert bad.digest in packs
        assert good.digest not in packs

    def test_files_of_nobody_go(self, repo: Repo) -> None:
        """Those that interrupted work left, but not what others put there."""
        objects = repo.objects
        digests = litter(repo, *texts(20))
        repo.seal()
        (pack,) = objects.ledger.packs()
        data = objects.blobs.read(pack_name(pack.digest), 0, pack.size)
        repo.gc()
        names = [pack_name(pack.digest), large_name(digests[0]), "packs/readme", "large/aa/note"]
        for name in names:
            with objects.blobs.stage() as staged:
                staged.write(data)
                staged.publish(name)
        assert repo.gc(dry_run=True).files == 2
        assert repo.gc().files == 2
        assert sorted(objects.blobs.names()) == sorted(names[2:])

    def test_a_file_that_is_needed_is_no_stray(self, repo: Repo) -> None:
        """The index of packs was lost; a collection must not finish the work."""
        kept = story(repo)
        spec_free = litter(repo, *texts(20))
        repo.objects.pin(spec_free)
        specs = [kept[name] for name in ("spec", "component", "file")]
        contents = dict(repo.objects.get_many(specs))
        repo.seal()
        repo.objects.ledger.reset_index()
        litter(repo, *contents.values())
        found = repo.gc(full=True)
        (problem,) = found.problems
        assert "objects that are needed, and nothing else does" in problem.detail
        assert found.files == 0
        assert problem.id in repo.objects.blobs.names()

    @pytest.mark.parametrize("left", [0, 20])
    def test_a_pack_under_a_wrong_name_is_no_stray(self, repo: Repo, left: int) -> None:
        """While it has the only whole copy; so it is when the right one is cut off."""
        blobs = repo.objects.blobs
        kept = repo.objects.put(b"kept" * 100, pin=True)
        repo.seal()
        (pack,) = repo.objects.ledger.packs()
        data = blobs.read(pack_name(pack.digest), 0, pack.size)
        blobs.delete(pack_name(pack.digest))
        files = {pack_name(Digest.of(b"another name")): data}
        if left:
            files[pack_name(pack.digest)] = data[:left]
        for name, content in files.items():
            with blobs.stage() as staged:
                staged.write(content)
                staged.publish(name)
        assert repo.gc(dry_run=True).files == 0
        found = repo.gc(full=True)
        assert found.files == 0
        assert "nothing else does" in "".join(problem.detail for problem in found.problems)
        assert repo.repair().healed == (kept,)
        assert repo.objects.get(kept) == b"kept" * 100
        repo.gc(full=True)
        assert pack_name(Digest.of(b"another name")) not in blobs.names()

    def test_a_large_file_under_a_wrong_name_is_no_stray(self, repo: Repo) -> None:
        """While it has the only whole copy."""
        blobs = repo.objects.blobs
        kept = repo.objects.put(noise(LARGE), pin=True)
        data = blobs.read(large_name(kept), 0, 2 * LARGE)
        blobs.delete(large_name(kept))
        wrong = large_name(Digest.of(b"another name"))
        with blobs.stage() as staged:
            staged.write(data)
            staged.publish(wrong)
        found = repo.gc()
        assert found.files == 0
        assert [problem.id for problem in found.problems] == [wrong]
        assert repo.repair().healed == (kept,)
        assert repo.objects.get(kept) == noise(LARGE)
        assert repo.gc().files == 1
        assert list(blobs.names()) == [large_name(kept)]

    def test_a_large_file_whose_row_is_lost_is_no_stray(self, repo: Repo) -> None:
        """As long as a row names the object."""
        kept = story(repo)
        digest = kept["large artifact"]
        data = repo.objects.blobs.read(large_name(digest), 0, 2 * LARGE)
        repo.objects.delete(digest, force=True)
        with repo.objects.blobs.stage() as staged:
            staged.write(data)
            staged.publish(large_name(digest))
        found = repo.gc()
        assert found.files == 0
        assert list(repo.objects.blobs.names()) == [large_name(digest)]
