"""Trees, seals and erasing: what every Ledger must do. Give a fixture ``ledger``."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.batch import Batch
from aivcs.domain.commitment import commitment, leaf_of
from aivcs.domain.erasing import erased
from aivcs.domain.leaves import Leaves
from aivcs.domain.log_rows import stored_row
from aivcs.domain.log_writes import Append, EndRun, Erasure
from aivcs.domain.merkle import Frontier
from aivcs.domain.run import RunStatus
from aivcs.domain.seal import seal_hash
from aivcs.domain.stream import Family, Sealing
from aivcs.errors import InvalidInputError, InvalidRunState, RunNotFound
from aivcs.testing.ledger import (
    BODY,
    SALT,
    append,
    draft,
    entry,
    everything,
    finish,
    new_run,
    new_spec,
    stored,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.domain.stream import Entry, Stream
    from aivcs.ports import Ledger


def tree(ledger: Ledger, name: str = "run", family: Family = Family.RUN) -> Frontier:
    """Return the tree over what a log holds."""
    return Frontier().grown(leaf_of(entry) for entry in ledger.entries(family, name))


def head(ledger: Ledger, name: str = "run", family: Family = Family.RUN) -> Stream:
    """Return the head of a log that is there."""
    found = ledger.stream(family, name)
    assert found is not None
    return found


def log(ledger: Ledger, name: str = "run") -> Sequence[Entry]:
    """Return a run's entries."""
    return list(ledger.entries(Family.RUN, name))


class LedgerTreesContract:
    """``ledger`` is an empty Ledger."""

    @pytest.fixture
    def started(self, ledger: Ledger) -> Ledger:
        """Return the ledger with the RUNNING runs ``run`` and ``other``."""
        ledger.commit(Batch(specs=(new_spec(),), runs=(new_run(), new_run("other"))))
        return ledger

    def test_a_head_carries_the_tree_of_its_log(self, started: Ledger) -> None:
        """Whatever the batches, the gaps and where bodies are."""
        body = stored(b"a long body")
        for drafts in (
            (draft(),),
            (draft(3), draft(body="[1]"), draft(5, large=BODY)),
            tuple(draft(body=str(n)) for n in range(70)),
            (),
            (draft(),),
        ):
            started.commit(Batch(objects=(body,), appends=(append(*drafts),)))
            assert head(started).frontier == tree(started)
        assert head(started).size == head(started).frontier.size == 75
        assert head(started, "other").frontier == Frontier()
        release = Append(Family.RELEASE, "agent", (draft(), draft()))
        started.commit(Batch(appends=(release, release)))
        found = head(started, "agent", Family.RELEASE)
        assert found.frontier == tree(started, "agent", Family.RELEASE)
        assert found.frontier.size == 4

    def test_rows_are_read_as_they_are_stored(self, started: Ledger) -> None:
        """A page at a time; each has its leaf, and is the entry that is read otherwise."""
        drafts = [draft(body=str(n)) for n in range(2100)]
        started.commit(
            Batch(objects=(stored(b"a long body"),), appends=(append(draft(large=BODY)),))
        )
        started.commit(Batch(appends=(append(*drafts),)))
        for after, limit in ((0, None), (0, 1), (1500, None), (1500, 600), (2101, None), (5, 0)):
            found = list(started.stored_rows(Family.RUN, "run", after=after, limit=limit))
            rows = [tuple(row) for page in found for row in page]
            entries = started.entries(Family.RUN, "run", after=after, limit=limit)
            assert rows == [stored_row(entry) for entry in entries]
            leaves = Leaves(after)
            hashes = [leaf for page in found for leaf in leaves.take(page)]
            assert hashes == [leaf_of(one) for one in log(started)][after : after + len(rows)]
            assert (leaves.wrong, leaves.gap) == ([], None)
        assert list(started.stored_rows(Family.RUN, "other")) == []
        assert list(started.stored_rows(Family.RELEASE, "run")) == []

    def test_the_same_events_have_the_same_tree(self, started: Ledger) -> None:
        """However they were grouped; another salt, time or order gives another one."""
        drafts = [draft(body=str(n)) for n in range(5)]
        started.commit(Batch(appends=(append(*drafts),)))
        for one in drafts:
            started.commit(Batch(appends=(append(one, name="other"),)))
        assert head(started).frontier == head(started, "other").frontier
        first, *rest = drafts
        others = (
            [replace(first, salt=bytes(16)), *rest],
            [replace(first, timestamp=first.recorded_at), *rest],
            [*rest, first],
        )
        for number, changed in enumerate(others):
            run = new_run(f"run {number}")
            started.commit(Batch(runs=(run,), appends=(append(*changed, name=run.run_id),)))
            assert head(started, run.run_id).frontier != head(started).frontier

    @pytest.mark.parametrize("status", [status for status in RunStatus if status.terminal])
    def test_an_end_fixes_the_root_and_seals_the_run(
        self, started: Ledger, status: RunStatus
    ) -> None:
        """Root and seal land with the terminal move, in the same batch as the last events."""
        started.commit(Batch(appends=(append(draft()),)))
        started.commit(Batch(appends=(append(draft(), draft()),), ends=(finish(status),)))
        run = started.run("run")
        assert run is not None
        assert run.root == tree(started).root()
        assert started.seals() == [Sealing(1, "run", seal_hash(run, run.root))]
        other = started.run("other")
        assert other is not None
        assert other.root is None

    def test_a_run_without_events_is_sealed_too(self, started: Ledger) -> None:
        """Its root is the SHA-256 of nothing."""
        started.commit(Batch(ends=(finish(RunStatus.FAILED),)))
        run = started.run("run")
        assert run is not None
        assert run.root == sha256(b"").digest()

    def test_early_events_that_stay_outside_are_in_no_tree(self, started: Ledger) -> None:
        """A run that fails with a gap is sealed over its log alone."""
        started.commit(Batch(appends=(append(draft(1), draft(3)),)))
        started.commit(Batch(ends=(finish(RunStatus.FAILED),)))
        assert head(started).frontier.size == 1
        assert tree(started).root() == Frontier().grown([leaf_of(entry(1))]).root()

    def test_seals_are_numbered_in_the_order_of_ending(self, started: Ledger) -> None:
        """1, 2, 3 ... without a gap, also when an end was refused in between."""
        runs = tuple(new_run(f"r{number}") for number in range(5))
        started.commit(Batch(runs=runs))
        for name in ("r3", "r0", "r4"):
            started.commit(Batch(ends=(finish(run_id=name),)))
            with pytest.raises(InvalidRunState):
                started.commit(Batch(ends=(finish(run_id="r2"), finish(run_id=name))))
        started.commit(Batch(ends=(finish(run_id="r2"), finish(run_id="run"))))
        names = ["r3", "r0", "r4", "r2", "run"]
        found = started.seals()
        assert [(one.number, one.run_id) for one in found] == list(enumerate(names, 1))
        assert len({one.hash for one in found}) == 5
        assert started.seals(after=3) == found[3:]
        assert started.seals(after=1, limit=2) == found[1:3]
        assert started.seals(after=5) == started.seals(limit=0) == []
        assert started.seals_of(["r4", "r0", "none"]) == {"r0": found[1], "r4": found[2]}
        assert started.seals_of(["r1"]) == started.seals_of([]) == {}
        assert started.seals_of(["\ud800"]) == {}
        many = [*(f"n{number}" for number in range(2000)), *names]
        assert sorted(started.seals_of(many)) == sorted(names)

    def test_a_seal_covers_what_is_known_of_the_run(self, started: Ledger) -> None:
        """Nothing of it may be said otherwise afterwards."""
        end = replace(finish(), reason="done", final_state=BODY, duration_ms=7)
        started.commit(Batch(appends=(append(draft()),), ends=(end,)))
        run = started.run("run")
        (sealed,) = started.seals()
        assert run is not None
        assert run.root is not None
        assert seal_hash(run, run.root) == sealed.hash
        assert seal_hash(replace(run, reason="else"), run.root) != sealed.hash
        assert seal_hash(run, bytes(32)) != sealed.hash


class LedgerErasingContract:
    """``ledger`` is an empty Ledger."""

    @pytest.fixture
    def ended(self, ledger: Ledger) -> Ledger:
        """Return the ledger with the FAILED run ``run``: events 1, 2, 3 and an early 5."""
        ledger.commit(
            Batch(
                objects=(stored(b"a long body"),),
                specs=(new_spec(),),
                runs=(new_run(), new_run("open")),
                appends=(
                    append(draft(), draft(large=BODY), draft(body='"secret"'), draft(5)),
                    append(draft(), name="open"),
                ),
                ends=(finish(RunStatus.FAILED),),
            )
        )
        return ledger

    def test_all_bodies_go_and_the_proof_stays(self, ended: Ledger) -> None:
        """The early ones too; seq, kind, times, tree, root and seal stay as they were."""
        before, early, run = log(ended), dict(ended.waiting("run")), ended.run("run")
        old_tree, seals, old_head = tree(ended), ended.seals(), head(ended)
        assert ended.holders(BODY) == ["run run #2"]
        ended.commit(Batch(erasures=(Erasure("run"),)))
        after = log(ended)
        assert after == [erased(one) for one in before]
        assert {(one.body, one.object, one.salt) for one in after} == {(None, None, None)}
        assert after[2].commitment == commitment(SALT, sha256(b'"secret"').digest())
        assert after[1].commitment == commitment(SALT, BODY.raw)
        assert dict(ended.waiting("run")) == {seq: erased(one) for seq, one in early.items()}
        assert (tree(ended), ended.seals(), head(ended)) == (old_tree, seals, old_head)
        assert ended.run("run") == run
        assert ended.holders(BODY) == []

    def test_some_bodies_go(self, ended: Ledger) -> None:
        """Those that are named, however often; the others are read as before."""
        before = log(ended)
        ended.commit(Batch(erasures=(Erasure("run", (3, 1, 3, 5)), Erasure("run", (1,)))))
        assert log(ended) == [erased(before[0]), before[1], erased(before[2])]
        assert ended.waiting("run") == {5: erased(entry(5))}
        once = everything(ended)
        ended.commit(Batch(erasures=(Erasure("run", (1, 3)), Erasure("run", ()))))
        assert everything(ended) == once

    @pytest.mark.parametrize("seq", [0, -1, 4, 6, 2**53 - 1])
    def test_an_event_that_is_not_there(self, ended: Ledger, seq: int) -> None:
        """It is refused by its number, and nothing of the batch is erased."""
        before = everything(ended)
        with pytest.raises(InvalidInputError, match=f"no event {seq}$"):
            ended.commit(Batch(erasures=(Erasure("run", (1, seq)),)))
        assert everything(ended) == before

    def test_only_of_runs_that_have_ended(self, ended: Ledger) -> None:
        """A run that goes on needs its events; nobody has an unknown one."""
        before = everything(ended)
        with pytest.raises(InvalidRunState, match="open"):
            ended.commit(Batch(erasures=(Erasure("run"), Erasure("open"))))
        with pytest.raises(RunNotFound):
            ended.commit(Batch(erasures=(Erasure("run"), Erasure("nobody"))))
        assert everything(ended) == before
        end = EndRun(
            "open",
            RunStatus.COMPLETED,
            success=True,
            duration_ms=1,
            final_state=None,
            completed_at=finish().completed_at,
        )
        ended.commit(Batch(ends=(end,), erasures=(Erasure("open"),)))
        assert [one.body for one in log(ended, "open")] == [None]

    def test_many_bodies_go(self, ended: Ledger) -> None:
        """More than one page of any adapter."""
        ended.commit(
            Batch(
                runs=(new_run("long"),),
                appends=(append(*(draft(body=str(n)) for n in range(2100)), name="long"),),
                ends=(finish(run_id="long"),),
            )
        )
        before = tree(ended, "long")
        ended.commit(Batch(erasures=(Erasure("long"),)))
        assert {one.body for one in log(ended, "long")} == {None}
        assert tree(ended, "long") == before
