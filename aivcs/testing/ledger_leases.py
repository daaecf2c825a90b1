"""The lease of a run: what every Ledger must do. Give a fixture ``ledger``."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.batch import Batch
from aivcs.domain.log_writes import Claim
from aivcs.domain.run import RunLease, RunStatus
from aivcs.domain.stream import Family
from aivcs.errors import Fenced, InvalidInputError, InvalidRunState, RunNotFound
from aivcs.testing.ledger import append, draft, everything, finish, new_run, new_spec
from aivcs.testing.subject import NOON

if TYPE_CHECKING:
    from datetime import datetime

    from aivcs.ports import Ledger

LATER = NOON + timedelta(seconds=30)
_AFTER = LATER + timedelta(seconds=1)


def take(holder: str = "ann", deadline: datetime | None = LATER, now: datetime = NOON) -> Batch:
    """Return the batch that takes the lease of ``run``."""
    return Batch(claims=(Claim("run", holder, deadline, now),))


def renew(holder: str, epoch: int, deadline: datetime | None = _AFTER) -> Batch:
    """Return the batch that renews the lease of ``run``, or lets go of it."""
    return Batch(claims=(Claim("run", holder, deadline, NOON, epoch),))


def write(epoch: int | None = None) -> Batch:
    """Return the batch that appends to ``run`` under an epoch."""
    return Batch(appends=(replace(append(draft()), epoch=epoch),))


class LedgerLeasesContract:
    """``ledger`` is an empty Ledger."""

    @pytest.fixture
    def started(self, ledger: Ledger) -> Ledger:
        """Return the ledger with the RUNNING run ``run``."""
        ledger.commit(Batch(specs=(new_spec(),), runs=(new_run(),)))
        return ledger

    def _refused(self, ledger: Ledger, *batches: Batch, text: str = "run run") -> None:
        """Each of the batches is fenced off and changes nothing."""
        before = everything(ledger)
        for batch in batches:
            with pytest.raises(Fenced, match=text):
                ledger.commit(batch)
        assert everything(ledger) == before

    def test_while_nobody_holds_it_anybody_writes(self, started: Ledger) -> None:
        """Leases are asked for; an epoch that never was is refused."""
        started.commit(write())
        started.commit(write(0))
        self._refused(started, write(1), write(7))

    def test_who_holds_it_writes_under_his_epoch(self, started: Ledger) -> None:
        """Nobody else, and nobody without an epoch."""
        assert started.commit(take()).epochs == (1,)
        run, stream = started.run("run"), started.stream(Family.RUN, "run")
        assert run is not None
        assert stream is not None
        assert run.lease == RunLease("ann", 1, LATER)
        assert (stream.holder, stream.epoch, stream.deadline) == ("ann", 1, LATER)
        started.commit(write(1))
        self._refused(started, write(), text="held by ann until 2026-01-01T12:00:30Z .epoch 1")
        self._refused(started, write(0), write(2), text="at epoch 1")

    def test_it_is_taken_over_when_its_deadline_has_passed(self, started: Ledger) -> None:
        """Not before; the writer before is fenced off from then on."""
        started.commit(take())
        self._refused(started, take("bob"), take("bob", _AFTER, LATER - timedelta(microseconds=1)))
        assert started.commit(take("bob", _AFTER, LATER)).epochs == (2,)
        started.commit(write(2))
        self._refused(started, write(1), write(), renew("ann", 1), renew("ann", 2))
        run = started.run("run")
        assert run is not None
        assert run.lease == RunLease("bob", 2, _AFTER)

    def test_a_deadline_that_passed_fences_until_somebody_takes_it(self, started: Ledger) -> None:
        """Its holder may be late; he writes as long as nobody was faster."""
        started.commit(take(deadline=NOON - timedelta(days=1)))
        self._refused(started, write())
        started.commit(write(1))

    def test_its_holder_takes_it_again(self, started: Ledger) -> None:
        """A process that was started anew has the same name; its forerunner is fenced off."""
        assert started.commit(take()).epochs == (1,)
        assert started.commit(take()).epochs == (2,)
        self._refused(started, write(1))
        started.commit(write(2))

    def test_it_is_renewed(self, started: Ledger) -> None:
        """The epoch stays; only the present holder of the present epoch may."""
        started.commit(take())
        assert started.commit(renew("ann", 1)).epochs == (1,)
        run = started.run("run")
        assert run is not None
        assert run.lease == RunLease("ann", 1, _AFTER)
        self._refused(started, renew("bob", 1), renew("ann", 2), renew("ann", 0))
        self._refused(started, take("bob", _AFTER, LATER))

    def test_its_holder_lets_go(self, started: Ledger) -> None:
        """Then anybody writes, also under the last epoch; an older one stays fenced off."""
        started.commit(take())
        started.commit(take())
        self._refused(started, renew("ann", 1, None), renew("bob", 2, None))
        assert started.commit(renew("ann", 2, None)).epochs == (2,)
        run = started.run("run")
        assert run is not None
        assert run.lease is None
        started.commit(write())
        started.commit(write(2))
        self._refused(started, write(1), renew("ann", 2), renew("ann", 2, None))
        assert started.commit(take("bob")).epochs == (3,)

    def test_an_end_needs_the_epoch_and_lets_go(self, started: Ledger) -> None:
        """Nobody holds a run that has ended, and nobody takes it."""
        started.commit(take())
        end = finish(RunStatus.FAILED)
        self._refused(started, Batch(ends=(end,)), Batch(ends=(replace(end, epoch=0),)))
        started.commit(Batch(ends=(replace(end, epoch=1),)))
        run = started.run("run")
        assert run is not None
        assert (run.status, run.lease) == (RunStatus.FAILED, None)
        before = everything(started)
        for batch in (take(), take("bob"), renew("ann", 1), renew("ann", 1, None)):
            with pytest.raises(InvalidRunState, match="run is FAILED"):
                started.commit(batch)
        assert everything(started) == before

    def test_taking_and_writing_in_one_batch(self, started: Ledger) -> None:
        """The claims of a batch come first; when it fails nobody holds anything."""
        both = Batch(claims=take().claims, appends=write(1).appends)
        receipt = started.commit(both)
        assert (receipt.epochs, receipt.seqs) == ((1,), ((1,),))
        self._refused(started, both)
        last = Batch(claims=renew("ann", 1, None).claims, appends=write().appends)
        assert started.commit(last).seqs == ((2,),)
        self._refused(started, Batch(claims=take().claims, appends=write(1).appends))
        started.commit(Batch(runs=(new_run("new"),), claims=(Claim("new", "h", LATER, NOON),)))

    def test_what_is_no_claim(self, started: Ledger) -> None:
        """A holder has a name, a lease ends some time, a run is there."""
        before = everything(started)
        for wrong in (take(""), take("h" * 257), take(deadline=None)):
            with pytest.raises(InvalidInputError):
                started.commit(wrong)
        with pytest.raises(RunNotFound):
            started.commit(Batch(claims=(Claim("nobody", "ann", LATER, NOON),)))
        assert everything(started) == before
