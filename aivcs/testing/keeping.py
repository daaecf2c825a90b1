"""What every repository must say of why objects are kept. Give a fixture ``open_repo``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.batch import Batch, Reference, Role
from aivcs.domain.diskuse import By
from aivcs.domain.retention import Retention
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.domain.stream import Family
from aivcs.errors import CorruptionError, InvalidInputError, NotFound, StillReferenced
from aivcs.repo import Repo
from aivcs.testing.collecting import LARGE, Meddler, litter, story, texts
from aivcs.testing.objects import noise, replace_stored
from aivcs.testing.subject import NOON, RepoContract, add_spec, by

if TYPE_CHECKING:
    from datetime import datetime

    from aivcs.domain.digest import Digest
    from aivcs.domain.log_writes import NewSpec
    from aivcs.domain.run import RunId


def governed(repo: Repo, rules: Retention, after: timedelta = timedelta()) -> Repo:
    """Return the same storage under rules of retention, so long after noon."""
    parts = repo.objects.ledger, repo.objects.blobs
    return Repo(*parts, clock=lambda: NOON + after, retention=rules)


def recorded(repo: Repo, spec: Digest, agent: str, text: str) -> tuple[RunId, Digest]:
    """Record a run with an artifact and a long event; return it and the artifact."""
    with repo.run(spec=spec, agent=agent) as run:
        artifact = run.artifact("report.md", text)
        run.event("note", text * 5000)
    return run.run_id, artifact


class RetentionContract(RepoContract):
    """Ended runs expire as the rules say; their logs stay."""

    def test_what_an_expired_run_needed_goes(self, repo: Repo) -> None:
        """Artifacts, checkpoints, states and the source; not the log, nor what others need."""
        kept = story(repo)
        shared = repo.objects.put(b"an artifact", pin=True)
        assert shared == kept["artifact"]
        runs = repo.runs.list_runs(status=RunStatus.COMPLETED)
        said = governed(repo, Retention(keep_runs=0, keep_released=False)).gc(dry_run=True)
        assert set(said.expired) == {run.run_id for run in runs}
        assert repo.runs.get_run(runs[0].run_id).expired_at is None
        let_go = {str(kept[what]) for what in ("large artifact", "checkpoint", "state", "source")}
        assert {one.id for one in said.removed} == let_go
        done = governed(repo, Retention(keep_runs=0, keep_released=False)).gc()
        assert (done.objects, set(done.expired)) == (4, set(said.expired))
        for what, digest in kept.items():
            assert repo.objects.contains(digest) == (str(digest) not in let_go), what
            assert str(digest) in let_go or repo.why(digest).kept, what
        for run in runs:
            record = repo.runs.get_run(run.run_id)
            assert record.expired_at == NOON
            assert record.total_events == len(repo.runs.get_events(run.run_id))
        assert repo.verify().ok
        assert governed(repo, Retention(keep_runs=0)).gc().expired == ()

    def test_what_is_gone_says_that_retention_let_it_go(self, repo: Repo, spec: Digest) -> None:
        """Not only that it is absent."""
        run_id, artifact = recorded(repo, spec, "agent", "text")
        governed(repo, Retention(keep_runs=0)).gc()
        with pytest.raises(NotFound, match=f"{run_id}.*expired"):
            repo.objects.get(artifact)
        found = repo.why(artifact)
        assert (found.stored, found.kept) == (False, False)
        assert [(one.kind, one.id) for one in found.let_go] == [("artifact", run_id)]

    def test_the_rules_are_applied(self, repo: Repo, spec: Digest) -> None:
        """The newest runs stay, the young ones, and those of a released spec."""
        other = add_spec(repo, "other")
        repo.releases.promote("bob", other, by())
        ann = [recorded(repo, spec, "ann", f"ann {n}")[0] for n in range(3)]
        bob = recorded(repo, other, "bob", "bob")[0]
        long = timedelta(days=10_000)
        running = repo.runs.create_run(spec, RunMetadata("ann"))
        assert governed(repo, Retention(keep_runs=9)).gc().expired == ()
        assert governed(repo, Retention(min_age_days=20_000), long).gc().expired == ()
        assert governed(repo, Retention(), long).gc().expired == ()
        assert governed(repo, Retention(keep_runs=2), long).gc().expired == (ann[1], ann[0])
        rules = Retention(min_age_days=1)
        assert governed(repo, rules, long).gc().expired == (ann[2],)
        rules = Retention(min_age_days=1, keep_released=False)
        assert governed(repo, rules, long).gc(dry_run=True).expired == (bob,)
        assert repo.runs.get_run(running).status is RunStatus.RUNNING

    def test_a_release_that_is_made_meanwhile_counts(self, repo: Repo, spec: Digest) -> None:
        """The evidence for it stays, though it was looked at before."""
        run_id, _ = recorded(repo, spec, "ann", "ann")
        ledger = repo.objects.ledger

        class Late:
            """A clock that is asked between the two looks."""

            def __call__(self) -> datetime:
                if not ledger.streams(Family.RELEASE):
                    repo.releases.promote("ann", spec, by())
                return NOON

        parts = ledger, repo.objects.blobs
        late = Repo(*parts, clock=Late(), retention=Retention(keep_runs=0))
        assert late.gc().expired == ()
        assert repo.runs.get_run(run_id).expired_at is None


class ExplainingContract(RepoContract):
    """Why an object is kept, and how much what takes."""

    def test_every_chain_is_named(self, repo: Repo) -> None:
        """Pins, runs with their parts, specs by component and path, releases that need them."""
        kept = story(repo)
        kinds = {
            what: sorted({reason.kind for reason in repo.why(digest).reasons})
            for what, digest in kept.items()
        }
        assert kinds == {
            "pin": ["pin"],
            "event": ["event"],
            "early event": ["event"],
            "artifact": ["artifact"],
            "large artifact": ["artifact"],
            "checkpoint": ["checkpoint"],
            "state": ["state"],
            "source": ["source"],
            "spec": ["release", "spec"],
            "component": ["release", "spec"],
            "file": ["release", "spec"],
        }
        details = {reason.detail for reason in repo.why(kept["file"]).reasons}
        short = kept["spec"].short()
        assert details == {
            f"system.md in prompts of spec {short}",
            f"release agent@1 names spec {short}",
        }
        (reason,) = repo.why(kept["event"]).reasons
        assert reason.detail == f"body of run {reason.id.replace('#', ' #')}"

    def test_what_nothing_keeps(self, repo: Repo) -> None:
        """It is said of what is stored; what is neither stored nor named is not found."""
        (digest,) = litter(repo, b"garbage")
        found = repo.why(digest)
        assert (found.stored, found.kept, found.reasons, found.let_go) == (True, False, (), ())
        repo.gc()
        with pytest.raises(NotFound, match=f"no object {digest}"):
            repo.why(digest)

    def test_what_is_needed_and_gone(self, repo: Repo) -> None:
        """The reasons are the same, and that it is not there."""
        kept = story(repo)
        repo.objects.delete(kept["file"], force=True)
        found = repo.why(str(kept["file"]))
        assert (found.stored, found.kept) == (False, True)

    def test_each_object_counts_once_in_the_whole(self, repo: Repo) -> None:
        """And for each who shares it, as shared."""
        story(repo)
        litter(repo, b"garbage", noise(LARGE, 9))
        for shared in (b"an artifact", b"the state"):
            repo.objects.put(shared, pin=True)
        repo.objects.put(b"held")
        plain = repo.du()
        assert (plain.by, plain.shares) == (None, ())
        count = len(repo.objects.list())
        for kind in By:
            found = repo.du(kind.value)
            assert found.total.objects == count
            assert found.tiers == plain.tiers
            alone = sum(share.bytes - share.shared for share in found.shares)
            assert alone <= found.total.bytes <= sum(share.bytes for share in found.shares)
            sizes = [share.bytes for share in found.shares]
            assert sizes == sorted(sizes, reverse=True)
        shares = {share.name: share for share in repo.du("kind").shares}
        assert shares["not needed"].objects == 2
        assert shares["pinned"].objects == 3
        assert shares["pinned"].shared == len(b"an artifact" + b"the state")
        assert shares["state"].shared == len(b"the state")
        agents = {share.name for share in repo.du(By.AGENT).shares}
        assert agents == {"agent", "(no agent) pinned", "(no agent) held", "(no agent) not needed"}
        runs = {str(run.run_id) for run in repo.runs.list_runs()}
        assert {share.name for share in repo.du(By.RUN).shares} == runs | {
            "(no run) pinned",
            "(no run) held",
            "(no run) spec file",
            "(no run) release body",
            "(no run) not needed",
        }

    def test_the_tiers_and_the_files(self, repo: Repo) -> None:
        """Sealed objects share their pack; what is dead in it is said."""
        digests = litter(repo, *texts(50))
        repo.objects.pin(digests)
        large = repo.objects.put(noise(LARGE), pin=True)
        hot = repo.du()
        assert [hot.tiers[tier].objects for tier in ("hot", "sealed", "large")] == [50, 0, 1]
        repo.seal()
        sealed = repo.du()
        assert [sealed.tiers[tier].objects for tier in ("hot", "sealed", "large")] == [0, 50, 1]
        (pack,) = repo.objects.ledger.packs()
        assert (sealed.packs, sealed.dead) == (pack.size, 0)
        assert sealed.tiers["sealed"].bytes == pack.size
        assert sealed.large == repo.objects.blobs.size(f"large/{str(large)[:2]}/{large}.zst")
        for digest in digests[:5]:
            repo.objects.delete(digest)
        assert 0 < repo.du().dead < pack.size // 5

    def test_one_cannot_group_by_anything(self, repo: Repo) -> None:
        """The words are named."""
        with pytest.raises(InvalidInputError, match="nothing to group by: 'colour'"):
            repo.du("colour")


class RemovingContract(RepoContract):
    """An object and its file go together, whatever happens meanwhile."""

    def test_the_file_goes_with_the_object(self, repo: Repo) -> None:
        """Also right after it was stored, pinned or not, new or known."""
        for pin in (False, True):
            digest = repo.objects.put(noise(LARGE), pin=pin)
            assert repo.objects.put(noise(LARGE), pin=pin) == digest
            repo.objects.delete(digest)
            assert list(repo.objects.blobs.names()) == []

    def test_the_file_stays_for_who_is_about_to_store_it(self, repo: Repo) -> None:
        """He holds the digest, and his row comes later."""
        data = noise(LARGE)
        repo.objects.put(data)
        row = repo.objects.prepare(data)
        repo.objects.delete(row.digest)
        assert not repo.objects.contains(row.digest)
        assert repo.gc().files == 0
        run_id = repo.runs.create_run(add_spec(repo), RunMetadata("agent"))
        references = (Reference(row.digest, Role.ARTIFACT, run_id),)
        repo.objects.ledger.commit(Batch(objects=(row,), references=references))
        assert repo.objects.get(row.digest) == data

    def test_a_spec_that_comes_meanwhile_keeps_its_file(self, repo: Repo) -> None:
        """The check and the deletion are one."""
        (digest,) = litter(repo, b"Be kind.")
        ledger = repo.objects.ledger

        class Late(Meddler):
            """A ledger where a spec is added after the first look at the specs."""

            def specs(self, digest: Digest | None = None) -> list[NewSpec]:
                found = ledger.specs(digest)
                self.survey(limit=1)
                return found

        late = Late(ledger, lambda: add_spec(repo, "Be kind."))
        with pytest.raises(StillReferenced, match=r"system\.md in prompts of spec"):
            Repo(late.port, repo.objects.blobs).objects.delete(digest)
        assert repo.objects.get(digest) == b"Be kind."

    def test_a_damaged_document_stops_the_deletion(self, repo: Repo, spec: Digest) -> None:
        """Unless it is forced: nobody can tell what the document needs."""
        (digest,) = litter(repo, b"needed perhaps")
        replace_stored(repo.objects, repo.objects.stat(spec), b"damage")
        with pytest.raises(CorruptionError):
            repo.objects.delete(digest)
        assert repo.objects.contains(digest)
        repo.objects.delete(digest, force=True)
        assert not repo.objects.contains(digest)
