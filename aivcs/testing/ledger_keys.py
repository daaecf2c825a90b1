"""Appends that happen once: what every Ledger must do. Give a fixture ``ledger``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.batch import Batch
from aivcs.domain.log_writes import Erasure
from aivcs.domain.run import RunStatus
from aivcs.domain.stream import Family
from aivcs.errors import ConflictError, InvalidInputError, InvalidRunState, RunNotFound
from aivcs.testing.ledger import (
    BODY,
    append,
    draft,
    everything,
    finish,
    new_run,
    new_spec,
    stored,
)

if TYPE_CHECKING:
    from aivcs.domain.log_writes import Append, Draft
    from aivcs.ports import Ledger


class LedgerKeysContract:
    """``ledger`` is an empty Ledger."""

    @pytest.fixture
    def started(self, ledger: Ledger) -> Ledger:
        """Return the ledger with the RUNNING runs ``run`` and ``other``."""
        ledger.commit(Batch(specs=(new_spec(),), runs=(new_run(), new_run("other"))))
        return ledger

    @staticmethod
    def keyed(*drafts: Draft, name: str = "run", key: str = "k") -> Append:
        """Return an append that happens once."""
        return replace(append(*drafts, name=name), key=key)

    def test_it_happens_once(self, started: Ledger) -> None:
        """Repeated, also in the same batch and with another time, it answers as at first."""
        one, two = draft(body="1"), draft(large=BODY)
        started.commit(Batch(appends=(append(draft()),)))
        once = self.keyed(one, two)
        found = started.commit(Batch(objects=(stored(b"a long body"),), appends=(once, once)))
        assert found.seqs == ((2, 3), (2, 3))
        before = everything(started)
        later = one._replace(timestamp=one.recorded_at, salt=bytes(16))
        for again in (once, self.keyed(later, two), replace(once, expected_size=1)):
            assert started.commit(Batch(appends=(again,))).seqs == ((2, 3),)
        assert everything(started) == before

    @pytest.mark.parametrize(
        "drafts",
        [
            (draft(body="2"),),
            (draft(body="1"), draft(body="1")),
            (draft(body="1")._replace(kind="other"),),
            (draft(large=BODY),),
        ],
    )
    def test_it_stands_for_the_same_events(
        self, started: Ledger, drafts: tuple[Draft, ...]
    ) -> None:
        """Other bodies, kinds or numbers of events under the same key are a conflict."""
        started.commit(Batch(appends=(self.keyed(draft(body="1")),)))
        before = everything(started)
        with pytest.raises(ConflictError, match="the key 'k' was used for other events"):
            started.commit(Batch(appends=(self.keyed(*drafts),)))
        assert everything(started) == before

    def test_it_is_of_one_log(self, started: Ledger) -> None:
        """Another run, another key and a release log know nothing of it."""
        release = replace(self.keyed(draft()), family=Family.RELEASE, name="agent")
        appends = (
            self.keyed(draft()),
            self.keyed(draft(), name="other"),
            self.keyed(draft(), key="K"),
            release,
            release,
        )
        found = started.commit(Batch(appends=appends))
        assert found.seqs == ((1,), (1,), (2,), (1,), (1,))

    def test_it_outlives_the_run(self, started: Ledger) -> None:
        """Who never heard the answer may ask again, for the end too; an erased body may not."""
        last = Batch(appends=(self.keyed(draft(body="1")),), ends=(finish(),))
        assert started.commit(last).seqs == ((1,),)
        before = everything(started)
        assert started.commit(last).seqs == ((1,),)
        assert started.commit(Batch(appends=last.appends)).seqs == ((1,),)
        for refused in (
            replace(last, ends=(finish(RunStatus.FAILED),)),
            Batch(appends=(self.keyed(draft(), key="new"),)),
            Batch(ends=(finish(),)),
        ):
            with pytest.raises(InvalidRunState):
                started.commit(refused)
        assert everything(started) == before
        started.commit(Batch(erasures=(Erasure("run"),)))
        with pytest.raises(ConflictError):
            started.commit(last)

    def test_it_is_forgotten_with_its_batch(self, started: Ledger) -> None:
        """A batch that was refused used no key."""
        with pytest.raises(RunNotFound):
            started.commit(Batch(appends=(self.keyed(draft()), append(draft(), name="nobody"))))
        started.commit(Batch(appends=(self.keyed(draft(body="other")),)))

    def test_what_is_no_key(self, started: Ledger) -> None:
        """A key is a short text, and stands for events that take the next seqs."""
        before = everything(started)
        for wrong in (
            self.keyed(draft(), key=""),
            self.keyed(draft(), key="k" * 257),
            self.keyed(draft(), key="k\0"),
            self.keyed(draft(1)),
            self.keyed(),
        ):
            with pytest.raises(InvalidInputError, match="key"):
                started.commit(Batch(appends=(wrong,)))
        assert everything(started) == before
