"""Several batches in one transaction: what every Ledger must do. Give a fixture ``ledger``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.domain.batch import Batch, Receipt
from aivcs.domain.execution import ExecutionState
from aivcs.domain.stream import Family
from aivcs.errors import (
    AivcsError,
    ConflictError,
    InvalidRunState,
    RepositoryClosed,
    RunNotFound,
    SequenceConflict,
    WrongExpectedSequence,
)
from aivcs.testing.ledger import append, draft, everything, finish, new_run, new_spec, stored
from aivcs.testing.ledger_states import stands

if TYPE_CHECKING:
    from aivcs.ports import Ledger


class LedgerGroupsContract:
    """``ledger`` is an empty Ledger."""

    @pytest.fixture
    def started(self, ledger: Ledger) -> Ledger:
        """Return the ledger with the RUNNING runs ``run`` and ``other``."""
        ledger.commit(Batch(specs=(new_spec(),), runs=(new_run(), new_run("other"))))
        return ledger

    def test_each_batch_is_answered(self, started: Ledger) -> None:
        """As if they were committed one after the other."""
        group = [
            Batch(appends=(append(draft(), draft()),)),
            Batch(),
            Batch(runs=(new_run("new"),), appends=(append(draft(), name="new"),)),
            Batch(appends=(append(draft()),), ends=(finish(),)),
        ]
        assert started.commit_all(group) == [
            Receipt(((1, 2),)),
            Receipt(),
            Receipt(((1,),)),
            Receipt(((3,),)),
        ]
        assert [one.run_id for one in started.seals()] == ["run"]
        assert started.commit_all([]) == []

    def test_one_that_fails_leaves_the_others(self, started: Ledger) -> None:
        """It lands not at all, and the others whole; what comes later sees what landed."""
        body = stored(b"a long body")
        group = [
            Batch(appends=(append(draft()),)),
            Batch(objects=(body,), appends=(append(draft()), append(draft(), name="nobody"))),
            Batch(appends=(append(draft(), expected=2),)),
            Batch(appends=(append(draft(), expected=1),)),
            Batch(runs=(new_run(),)),
            Batch(
                appends=(
                    append(
                        draft(1, body="[]"),
                    ),
                )
            ),
            Batch(ends=(finish(), finish())),
            Batch(ends=(finish(),)),
            Batch(appends=(append(draft()),)),
            Batch(appends=(append(draft(), name="other"),)),
        ]
        answers = started.commit_all(group)
        errors = [type(one) if isinstance(one, AivcsError) else None for one in answers]
        assert errors == [
            None,
            RunNotFound,
            WrongExpectedSequence,
            None,
            ConflictError,
            SequenceConflict,
            InvalidRunState,
            None,
            InvalidRunState,
            None,
        ]
        assert [one.seqs for one in answers if isinstance(one, Receipt)] == [
            ((1,),),
            ((2,),),
            (),
            ((1,),),
        ]
        assert started.objects([body.digest]) == {}
        assert [one.seq for one in started.entries(Family.RUN, "run")] == [1, 2]
        assert [one.number for one in started.seals()] == [1]
        assert stands(started)[0] is ExecutionState.COMPLETED

    def test_all_of_them_may_fail(self, started: Ledger) -> None:
        """Nothing is changed then."""
        before = everything(started)
        wrong = Batch(appends=(append(draft(), name="nobody"),))
        answers = started.commit_all([wrong, wrong])
        assert [type(one) for one in answers] == [RunNotFound, RunNotFound]
        assert everything(started) == before

    def test_inside_of_exclusive_it_joins(self, started: Ledger) -> None:
        """An error that leaves takes all of it back."""
        before = everything(started)
        group = [Batch(appends=(append(draft()),))]

        def interrupted() -> None:
            with started.exclusive():
                assert started.commit_all(group) == [Receipt(((1,),))]
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            interrupted()
        assert everything(started) == before

    def test_a_closed_ledger_takes_nothing(self, started: Ledger) -> None:
        """It says so, for all of them."""
        started.close()
        with pytest.raises(RepositoryClosed):
            started.commit_all([Batch(appends=(append(draft()),))])
