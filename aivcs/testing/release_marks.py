"""What deprecations, ``last-good`` and receipts must do, however releases were moved before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aivcs.domain.digest import Digest
from aivcs.domain.release import ReleaseKind
from aivcs.errors import (
    InvalidInputError,
    MissingObject,
    NoPreviousRelease,
    ReleaseNotFound,
    StaleCurrent,
)
from aivcs.testing.releases import lost, promoted, story
from aivcs.testing.subject import RepoContract, add_spec, by

if TYPE_CHECKING:
    from aivcs.repo import Repo

_NAME = "helper"
_GATE = ("spec_digest_valid",)
_MOVES = st.lists(
    st.one_of(
        st.sampled_from(["promote", "promote", "rollback"]).map(lambda kind: (kind, 0)),
        st.tuples(st.sampled_from(["deprecate", "rollback to"]), st.integers(0, 30)),
    ),
    max_size=25,
)


def good(repo: Repo, letters: str) -> dict[str, Digest]:
    """Promote one spec a letter through a gate."""
    specs = {letter: add_spec(repo, f"spec {letter}") for letter in letters}
    for letter in letters:
        repo.releases.promote(_NAME, specs[letter], by(label=letter), require=_GATE)
    return specs


class ReleaseMarksContract(RepoContract):
    """See RepoContract for the fixtures."""

    examples = 30

    def test_a_deprecation_changes_nothing_that_is_current(self, repo: Repo) -> None:
        """It is an entry of its own, which says what it marks, why and who said so."""
        promoted(repo, "ABC")
        current = repo.releases.current(_NAME)
        mark = repo.releases.deprecate(_NAME, "B", reason="too slow", actor="eve")
        assert (mark.seq, mark.kind, mark.restores) == (4, ReleaseKind.DEPRECATE, 2)
        assert (mark.actor, mark.reason, mark.keeps, mark.previous) == ("eve", "too slow", 3, 2)
        assert current is not None
        assert (mark.spec_digest, mark.metadata) == (current.spec_digest, current.metadata)
        assert repo.releases.current(_NAME) == current
        assert repo.releases.list() == [current]
        assert repo.releases.head(_NAME) == repo.releases.history(_NAME)[0] == mark
        assert repo.releases.find(_NAME, "C").seq == 3
        assert repo.releases.find(_NAME, None, 1).seq == 2
        assert repo.verify().ok

    def test_what_is_current_may_be_expected_after_a_deprecation(self, repo: Repo) -> None:
        """A deprecation is no move: whoever expected the release before it still wins."""
        specs = promoted(repo, "AB")
        repo.releases.deprecate(_NAME, 1, reason="bad", expected_current=2)
        with pytest.raises(StaleCurrent):
            repo.releases.deprecate(_NAME, 1, reason="bad", expected_current=3)
        record = repo.releases.promote(_NAME, specs["A"], by(), expected_current=2)
        assert (record.seq, record.previous, record.deprecation) == (4, 2, 3)
        assert repo.releases.rollback(_NAME, expected_current=4).restores == 2
        assert repo.verify().ok

    def test_a_rollback_obeys_and_tells(self, repo: Repo) -> None:
        """A deprecated release can be restored; whoever asks is told of the mark."""
        promoted(repo, "ABC")
        repo.releases.deprecate(_NAME, 2, reason="too slow")
        mark = repo.releases.deprecate(_NAME, 2, reason="and too rude")
        back = repo.releases.rollback(_NAME)
        assert back.restores == 2
        assert repo.releases.deprecation(back) == mark
        further = repo.releases.rollback(_NAME)
        assert further.restores == 1
        assert repo.releases.deprecation(further) is None
        again = repo.releases.rollback(_NAME, to=back.seq)
        assert (again.restores, again.promoted) == (back.seq, 2)
        assert repo.releases.deprecation(again) == mark
        assert repo.verify().ok

    def test_deprecating_a_rollback_marks_what_it_restored(self, repo: Repo) -> None:
        """It is the same release."""
        promoted(repo, "AB")
        back = repo.releases.rollback(_NAME)
        assert repo.releases.deprecate(_NAME, back.seq, reason="bad").restores == 1

    @pytest.mark.parametrize("wanted", [0, 3, 9, "3", "X", "ffff"])
    def test_what_is_no_release_cannot_be_marked(self, repo: Repo, wanted: int | str) -> None:
        """A deprecation is none either; nothing is appended."""
        promoted(repo, "AB")
        repo.releases.deprecate(_NAME, 1, reason="bad")
        with pytest.raises(ReleaseNotFound):
            repo.releases.deprecate(_NAME, wanted, reason="bad")
        with pytest.raises(ReleaseNotFound):
            repo.releases.rollback(_NAME, to=wanted)
        assert len(repo.releases.history(_NAME)) == 3

    def test_a_reason_and_an_actor_are_needed(self, repo: Repo) -> None:
        """Without a reason nobody knows later why; without a release there is nothing to mark."""
        promoted(repo, "AB")
        for reason in ("", " ", "a\0"):
            with pytest.raises(InvalidInputError):
                repo.releases.deprecate(_NAME, 1, reason=reason)
        with pytest.raises(InvalidInputError):
            repo.releases.deprecate(_NAME, 1, reason="bad", actor="")
        with pytest.raises(ReleaseNotFound):
            repo.releases.deprecate("nobody", 1, reason="bad")
        assert story(repo) == "AB"

    def test_last_good(self, repo: Repo) -> None:
        """The newest earlier release whose gates passed and that nothing speaks against."""
        good(repo, "ABCD")
        assert repo.releases.rollback(_NAME, to="last-good").restores == 3
        repo.releases.deprecate(_NAME, "B", reason="too slow")
        assert repo.releases.rollback(_NAME, to="last-good").restores == 1
        with pytest.raises(ReleaseNotFound, match="known to be good"):
            repo.releases.rollback(_NAME, to="last-good")
        good(repo, "E")
        assert repo.releases.rollback(_NAME, to="last-good").restores == 1
        assert repo.verify().ok

    def test_what_passed_no_gate_is_not_known_to_be_good(self, repo: Repo) -> None:
        """Nobody looked at it."""
        good(repo, "A")
        promoted(repo, "BC")
        assert repo.releases.rollback(_NAME, to="last-good").metadata.version_label == "A"

    def test_a_receipt(self, repo: Repo) -> None:
        """A rollback counts what was read and hashed; a damaged object stops it."""
        specs = good(repo, "AB")
        record = repo.releases.rollback(_NAME)
        assert record.receipt is not None
        spec = repo.specs.get(specs["A"])
        named = {spec.digest, *filter(None, spec.components.values()), Digest.of(b"spec A")}
        assert record.receipt.objects == len(named)
        assert record.receipt.bytes == sum(len(repo.objects.get(digest)) for digest in named)
        assert repo.releases.current(_NAME) == record
        repo.releases.rollback(_NAME, to=2)
        lost(repo, Digest.of(b"spec A"))
        for to in (None, 1, "A"):
            with pytest.raises(MissingObject):
                repo.releases.rollback(_NAME, to=to)
        assert story(repo) == "ABAB"

    def test_k_rollbacks_restore_the_kth_ancestor(self, repo: Repo) -> None:
        """After any moves before, byte for byte, and the log stays one that follows."""
        bodies = [f"spec {number}" for number in range(6)]
        specs = [add_spec(repo, body) for body in bodies]
        names = iter(range(10**6))

        @settings(max_examples=self.examples, deadline=None)
        @given(_MOVES)
        def check(moves: list[tuple[str, int]]) -> None:
            name = f"helper-{next(names)}"
            model: list[list[int]] = []  # after each entry, the lineage: numbers of specs
            for turn, (kind, place) in enumerate(moves):
                now = model[-1] if model else []
                if kind == "promote":
                    number = turn % len(specs)
                    repo.releases.promote(name, specs[number], by(label=str(turn)))
                    model.append([*now, number])
                elif kind == "rollback" and len(now) > 1:
                    repo.releases.rollback(name, actor="eve")
                    model.append(now[:-1])
                elif not now:
                    with pytest.raises(ReleaseNotFound):
                        repo.releases.rollback(name, actor="eve")
                elif kind == "rollback":
                    with pytest.raises(NoPreviousRelease):
                        repo.releases.rollback(name, actor="eve")
                else:
                    self._move(repo, name, kind, place, model)
            history = repo.releases.history(name)
            assert [one.seq for one in history] == list(range(len(model), 0, -1))
            for number in reversed(model[-1] if model else []):
                current = repo.releases.current(name)
                assert current is not None
                assert current.spec_digest == specs[number]
                assert repo.specs.read(specs[number], "prompts", "system.md") == (
                    bodies[number].encode()
                )
                if current.previous is not None:
                    repo.releases.rollback(name, actor="eve")
            report = repo.verify(runs=False, objects=False)
            assert report.problems == ()

        check()

    @staticmethod
    def _move(repo: Repo, name: str, kind: str, place: int, model: list[list[int]]) -> None:
        """Deprecate or restore the entry at ``place``; a deprecation is none to restore."""
        seq = place % len(model) + 1
        current, chosen = repo.releases.current(name), repo.releases.entry(name, seq)
        assert current is not None
        no_release = chosen.kind is ReleaseKind.DEPRECATE
        if kind == "deprecate":
            if no_release:
                with pytest.raises(ReleaseNotFound):
                    repo.releases.deprecate(name, seq, reason="bad", actor="eve")
                return
            repo.releases.deprecate(name, seq, reason="bad", actor="eve")
            model.append(model[-1])
        elif no_release or seq >= current.seq:
            with pytest.raises(ReleaseNotFound):
                repo.releases.rollback(name, to=seq, actor="eve")
        else:
            repo.releases.rollback(name, to=seq, actor="eve")
            model.append(model[seq - 1])
