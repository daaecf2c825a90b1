"""What every ReleaseRegistry must do. Subclass it and give a fixture ``open_repo``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.batch import Batch
from aivcs.domain.digest import Digest
from aivcs.domain.release import ReleaseKind
from aivcs.domain.run import RunMetadata
from aivcs.domain.stored import Codec, StoredObject
from aivcs.errors import (
    AmbiguousId,
    GateFailed,
    IntegrityError,
    InvalidDigest,
    InvalidInputError,
    InvalidName,
    MissingObject,
    NoPreviousRelease,
    ReleaseNotFound,
    SpecNotFound,
    StaleCurrent,
)
from aivcs.testing.subject import NOON, RepoContract, add_spec, by

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.domain.release import ReleaseRecord
    from aivcs.errors import AivcsError
    from aivcs.repo import Repo
    from aivcs.testing.subject import OpenRepo

_ABSENT = Digest.of(b"never stored")
_NAME = "helper"


def promoted(repo: Repo, letters: str, name: str = _NAME) -> dict[str, Digest]:
    """Promote one spec a letter, each labelled by it; return the letters' digests."""
    specs = {letter: add_spec(repo, f"spec {letter}") for letter in dict.fromkeys(letters)}
    for letter in letters:
        repo.releases.promote(name, specs[letter], by(label=letter))
    return specs


def story(repo: Repo, name: str = _NAME) -> str:
    """Return the labels of a history, oldest first, as one text."""
    return "".join(r.metadata.version_label or "?" for r in reversed(repo.releases.history(name)))


def lost(repo: Repo, digest: Digest) -> None:
    """Take an object away though it is needed."""
    repo.objects.delete(digest, force=True)


def changed(repo: Repo, digest: Digest) -> None:
    """Put other bytes into an object's place."""
    lost(repo, digest)
    row = StoredObject(digest, 5, Codec.RAW, b"other")
    repo.objects.ledger.commit(Batch(objects=(row,)))


class ReleaseRegistryContract(RepoContract):
    """Promoting, rolling back and reading back; see RepoContract for the fixtures."""

    def test_the_first_release(self, repo: Repo, spec: Digest) -> None:
        """It says what it was told, and becomes the current one."""
        assert repo.releases.current(_NAME) is None
        record = repo.releases.promote(_NAME, spec, by("ann", "v1", "the first"))
        assert (record.name, record.seq, record.kind) == (_NAME, 1, ReleaseKind.PROMOTE)
        assert (record.spec_digest, record.metadata) == (spec, by("ann", "v1", "the first"))
        assert (record.actor, record.reason) == ("ann", None)
        assert (record.previous, record.restores, record.no_change) == (None, None, False)
        assert record.created_at.utcoffset() is not None
        assert repo.releases.current(_NAME) == record
        assert repo.releases.history(_NAME) == repo.releases.list() == [record]

    def test_history_is_newest_first(self, repo: Repo) -> None:
        """The newest is the current one; numbers are dense."""
        promoted(repo, "ABC")
        history = repo.releases.history(_NAME)
        assert [r.metadata.version_label for r in history] == ["C", "B", "A"]
        assert [(r.seq, r.previous) for r in history] == [(3, 2), (2, 1), (1, None)]
        assert repo.releases.current(_NAME) == history[0]
        assert list(repo.releases.iter_history(_NAME, limit=2)) == history[:2]

    def test_unknown_names(self, repo: Repo) -> None:
        """They have no current release and no history; nothing can be rolled back."""
        assert repo.releases.current("nobody") is None
        assert repo.releases.history("nobody") == []
        assert repo.releases.list() == []
        for undo in (None, 1, "v1"):
            with pytest.raises(ReleaseNotFound, match="nobody"):
                repo.releases.rollback("nobody", to=undo)
        with pytest.raises(ReleaseNotFound, match="nobody"):
            repo.releases.find("nobody", None)
        assert repo.releases.history("nobody") == []

    def test_a_rollback_restores_the_one_before(self, repo: Repo) -> None:
        """After v1 and v2 it appends v1 again."""
        specs = promoted(repo, "AB")
        record = repo.releases.rollback(_NAME)
        assert (record.spec_digest, record.seq, record.restores) == (specs["A"], 3, 1)
        assert repo.releases.current(_NAME) == record
        promoted(repo, "ABC", "other")
        repo.releases.rollback("other")
        assert story(repo, "other") == "ABCB"

    def test_the_start_of_the_lineage(self, repo: Repo) -> None:
        """There is nothing before it, and nothing is appended."""
        promoted(repo, "A")
        with pytest.raises(NoPreviousRelease, match=_NAME):
            repo.releases.rollback(_NAME)
        assert story(repo) == "A"

    def test_rollbacks_walk_the_lineage(self, repo: Repo) -> None:
        """A second one goes further back; a promote begins from where that led."""
        promoted(repo, "ABC")
        for label in "BA":
            assert repo.releases.rollback(_NAME).metadata.version_label == label
        assert story(repo) == "ABCBA"
        with pytest.raises(NoPreviousRelease):
            repo.releases.rollback(_NAME)
        assert story(repo) == "ABCBA"
        promoted(repo, "D")
        assert repo.releases.rollback(_NAME).metadata.version_label == "A"
        links = [(r.previous, r.restores) for r in reversed(repo.releases.history(_NAME))]
        assert links == [
            (None, None),
            (1, None),
            (2, None),
            (1, 2),
            (None, 1),
            (5, None),
            (None, 5),
        ]
        assert repo.verify().ok

    def test_any_earlier_entry_can_be_restored(self, repo: Repo) -> None:
        """By seq, by label and by digest, whole or its beginning."""
        specs = promoted(repo, "ABCD")
        for wanted, label in (
            (1, "A"),
            ("2", "B"),
            ("C", "C"),
            (specs["D"], "D"),
            (str(specs["A"]), "A"),
            (str(specs["B"])[:10].upper(), "B"),
            (f"sha256:{specs['C']}", "C"),
        ):
            record = repo.releases.rollback(_NAME, to=wanted)
            assert (record.metadata.version_label, record.spec_digest) == (label, specs[label])
        assert story(repo) == "ABCDABCDABC"
        assert repo.releases.rollback(_NAME).metadata.version_label == "B"

    @pytest.mark.parametrize("wanted", [0, 3, 9, -1, "3", "0", "C", "v", "ffff", "", _ABSENT])
    def test_what_is_no_earlier_entry(self, repo: Repo, wanted: Any) -> None:  # noqa: ANN401
        """The current one is not earlier; nothing is appended."""
        promoted(repo, "ABC")
        with pytest.raises(ReleaseNotFound, match=_NAME):
            repo.releases.rollback(_NAME, to=wanted)
        assert story(repo) == "ABC"

    def test_an_abbreviation_may_be_ambiguous(self, repo: Repo) -> None:
        """The error lists the digests it fits; nothing is appended."""
        found: dict[str, str] = {}
        begin, text = "", ""
        while begin not in found:
            found[begin] = text
            text = str(len(found))
            mapping = {"components": {"prompts": {"system.md": text}}}
            begin = str(repo.specs.prepare(mapping).spec.digest)[:4]
        specs = [add_spec(repo, some) for some in (found[begin], text, "the last")]
        for spec in specs:
            repo.releases.promote(_NAME, spec, by())
        with pytest.raises(AmbiguousId, match=str(specs[0])):
            repo.releases.rollback(_NAME, to=begin)
        assert len(repo.releases.history(_NAME)) == 3

    def test_the_newest_bearer_of_a_label_counts(self, repo: Repo) -> None:
        """Labels may repeat."""
        one, two = add_spec(repo, "one"), add_spec(repo, "two")
        for spec, label in ((one, "v"), (two, "v"), (one, "w")):
            repo.releases.promote(_NAME, spec, by(label=label))
        assert repo.releases.rollback(_NAME, to="v").restores == 2

    def test_what_a_rollback_says(self, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
        """It keeps what was said of the release, and adds who went back, when and why."""
        one, two = add_spec(repo, "one"), add_spec(repo, "two")
        first = repo.releases.promote(_NAME, one, by("ann", "v1", "good"))
        repo.releases.promote(_NAME, two, by("bob", "v2", "bad"))
        record = repo.releases.rollback(_NAME, actor="eve", reason="it failed")
        assert record.metadata == first.metadata
        assert (record.kind, record.actor) == (ReleaseKind.ROLLBACK, "eve")
        assert (record.reason, record.restores, record.previous) == ("it failed", 1, None)
        assert record.created_at >= first.created_at
        assert repo.releases.current(_NAME) == record
        monkeypatch.setenv("AIVCS_ACTOR", "from the environment")
        assert repo.releases.rollback(_NAME, to=2).actor == "from the environment"

    def test_a_rollback_to_the_same_spec(self, repo: Repo) -> None:
        """It succeeds and says that nothing changed."""
        promoted(repo, "AA")
        assert repo.releases.rollback(_NAME).no_change
        assert repo.releases.current(_NAME) == repo.releases.history(_NAME)[0]
        promoted(repo, "B")
        assert not repo.releases.rollback(_NAME).no_change

    def test_the_same_spec_may_be_promoted_again(self, repo: Repo) -> None:
        """Each time is an entry of its own."""
        promoted(repo, "AAA")
        assert [r.seq for r in repo.releases.history(_NAME)] == [3, 2, 1]

    def test_names_are_independent(self, repo: Repo) -> None:
        """A promote or rollback of one moves no other; the list is by name."""
        promoted(repo, "AB", "zoe")
        promoted(repo, "CD", "adam")
        repo.releases.rollback("zoe")
        assert (story(repo, "zoe"), story(repo, "adam")) == ("ABA", "CD")
        assert [r.name for r in repo.releases.list()] == ["adam", "zoe"]
        assert [r.metadata.version_label for r in repo.releases.list()] == ["D", "A"]

    def test_equal_times(self, open_repo: OpenRepo) -> None:
        """The order is that of the numbers; a clock that stands still disturbs nothing."""
        with open_repo(clock=lambda: NOON) as repo:
            promoted(repo, "ABC")
            repo.releases.rollback(_NAME)
            assert story(repo) == "ABCB"
            assert {r.created_at for r in repo.releases.history(_NAME)} == {NOON}

    def test_a_release_belongs_to_a_stored_spec(self, repo: Repo) -> None:
        """Another digest is refused, also one of an object that is no spec."""
        for digest in (_ABSENT, str(_ABSENT), repo.objects.put(b"{}")):
            with pytest.raises(SpecNotFound, match=str(digest)):
                repo.releases.promote(_NAME, digest, by())
        with pytest.raises(InvalidDigest):
            repo.releases.promote(_NAME, "v1", by())
        assert repo.releases.list() == []

    @pytest.mark.parametrize("name", ["", "-x", "a b", "a@b", "a~b", "a:b", "a\n", "x" * 129])
    def test_bad_names(self, repo: Repo, spec: Digest, name: str) -> None:
        """What the command line could not address is no name."""
        with pytest.raises(InvalidName):
            repo.releases.promote(name, spec, by())
        assert repo.releases.list() == []

    def test_bad_metadata(self, repo: Repo, spec: Digest) -> None:
        """Somebody must answer for a release; a blank label names nothing."""
        bad = (by(""), by("  "), by(label=""), by(label=" v1"), by(label="a\0"))
        for metadata in bad:
            with pytest.raises(InvalidInputError):
                repo.releases.promote(_NAME, spec, metadata)
        promoted(repo, "AB")
        with pytest.raises(InvalidInputError):
            repo.releases.rollback(_NAME, actor=" ")
        assert story(repo) == "AB"

    @pytest.mark.parametrize(
        ("damage", "error"), [(lost, MissingObject), (changed, IntegrityError)]
    )
    @pytest.mark.parametrize("part", ["spec", "component", "file"])
    def test_a_damaged_spec_is_not_released(
        self,
        repo: Repo,
        damage: Callable[[Repo, Digest], None],
        error: type[AivcsError],
        part: str,
    ) -> None:
        """Neither promoted nor rolled back to; the error names the object."""
        specs = promoted(repo, "AB")
        component = repo.specs.get(specs["A"]).components["prompts"]
        digest = {"spec": specs["A"], "component": component}.get(part, Digest.of(b"spec A"))
        assert digest is not None
        damage(repo, digest)
        with pytest.raises(error, match=str(digest)):
            repo.releases.promote(_NAME, specs["A"], by())
        with pytest.raises(error, match=str(digest)):
            repo.releases.rollback(_NAME)
        assert story(repo) == "AB"

    def test_gates_must_pass(self, repo: Repo) -> None:
        """Every violation is named, and nothing is appended."""
        specs = promoted(repo, "A")
        with pytest.raises(GateFailed, match=r"require_notes: .*; semver_format: .*'A'"):
            repo.releases.promote(
                _NAME, specs["A"], by(label="A"), require=("require_notes", "semver_format")
            )
        with pytest.raises(GateFailed, match="earlier release"):
            repo.releases.promote(_NAME, specs["A"], by(label="A"), require=["unique_version"])
        with pytest.raises(InvalidInputError, match="no_such_gate"):
            repo.releases.promote(_NAME, specs["A"], by(), require=["no_such_gate"])
        assert story(repo) == "A"
        metadata = by(label="1.0.0", notes="sound")
        repo.releases.promote(
            _NAME, specs["A"], metadata, require=["require_notes", "semver_format"]
        )
        assert repo.releases.current(_NAME) is not None

    @pytest.mark.parametrize("undo", [False, True])
    def test_the_expected_current_release(self, repo: Repo, undo: bool) -> None:  # noqa: FBT001
        """By digest, its text or seq; another one is refused and nothing is appended."""
        specs = promoted(repo, "ABC")

        def move(expected: Digest | str | int) -> ReleaseRecord:
            if undo:
                return repo.releases.rollback(_NAME, expected_current=expected)
            return repo.releases.promote(
                _NAME, specs["A"], by(label="A"), expected_current=expected
            )

        with pytest.raises(InvalidDigest):
            move("v1")
        for stale in (0, 1, 4, specs["A"], str(specs["B"]), _ABSENT):
            with pytest.raises(StaleCurrent, match="is seq 3"):
                move(stale)
        assert story(repo) == "ABC"
        assert move(3).seq == 4
        current = repo.releases.current(_NAME)
        assert current is not None
        assert move(current.spec_digest if undo else str(current.spec_digest)).seq == 5

    def test_expecting_no_release(self, repo: Repo, spec: Digest) -> None:
        """Zero is the seq before the first entry."""
        with pytest.raises(StaleCurrent, match="none"):
            repo.releases.promote(_NAME, spec, by(), expected_current=spec)
        assert repo.releases.promote(_NAME, spec, by(), expected_current=0).seq == 1
        with pytest.raises(StaleCurrent):
            repo.releases.promote(_NAME, spec, by(), expected_current=0)
        assert len(repo.releases.history(_NAME)) == 1

    def test_finding_an_entry(self, repo: Repo) -> None:
        """The current one, one by seq or label, and so many back in its lineage."""
        specs = promoted(repo, "ABC")
        repo.releases.rollback(_NAME)
        promoted(repo, "D")

        def found(wanted: int | str | Digest | None, steps: int = 0) -> int:
            return repo.releases.find(_NAME, wanted, steps).seq

        assert [found(None, steps) for steps in range(3)] == [5, 4, 1]
        assert [found(wanted) for wanted in (2, "3", "B", specs["C"])] == [2, 3, 4, 3]
        assert found("C", 2) == 1
        assert repo.releases.entry(_NAME, 2).metadata.version_label == "B"
        with pytest.raises(ReleaseNotFound, match="lineage"):
            found(None, 3)
        for seq in (-1, 0, 6, 2**70):
            with pytest.raises(ReleaseNotFound, match=f"{_NAME}@{seq}"):
                repo.releases.entry(_NAME, seq)

    def test_long_notes(self, repo: Repo, spec: Digest) -> None:
        """However much is said of a release, it reads alike."""
        record = repo.releases.promote(_NAME, spec, by(notes="ä" * 5000))
        assert repo.releases.current(_NAME) == record
        assert repo.verify().ok

    def test_releases_and_runs_of_one_name(self, repo: Repo) -> None:
        """An agent's releases are a log of their own."""
        specs = promoted(repo, "A")
        repo.runs.create_run(specs["A"], RunMetadata(_NAME))
        assert story(repo) == "A"
        assert repo.runs.list_runs(agent=_NAME)[0].total_events == 0

    def test_releases_are_there_again(self, open_repo: OpenRepo) -> None:
        """A storage that outlives its repository gives back the same log."""
        if not self.reopens:
            return
        with open_repo() as repo:
            promoted(repo, "ABC")
            repo.releases.rollback(_NAME)
            before = repo.releases.history(_NAME)
        with open_repo() as repo:
            assert repo.releases.history(_NAME) == before
            assert repo.releases.rollback(_NAME).metadata.version_label == "A"
