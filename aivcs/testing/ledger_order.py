"""The log of all releases: what every Ledger must do. Give a fixture ``ledger``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from aivcs.domain.batch import Batch, Receipt
from aivcs.domain.log_writes import Append
from aivcs.domain.stream import Family
from aivcs.errors import AivcsError, WrongExpectedSequence
from aivcs.testing.ledger import append, draft, everything, new_run, new_spec, stored

if TYPE_CHECKING:
    from aivcs.ports import Ledger


def released(name: str, *bodies: str, expected: int | None = None) -> Append:
    """Return entries for a release log."""
    drafts = tuple(draft(body=body) for body in bodies or ("{}",))
    return Append(Family.RELEASE, name, drafts, expected)


def order(ledger: Ledger) -> list[tuple[int, str | None, int | None]]:
    """Return the log of all releases as (number, name, seq)."""
    return [
        (line.number, line.name, line.entry.seq if line.entry else None)
        for line in ledger.release_log()
    ]


class LedgerOrderContract:
    """``ledger`` is an empty Ledger."""

    def test_releases_of_all_names_are_numbered_in_one_order(self, ledger: Ledger) -> None:
        """A batch's receipt has the numbers; runs have none."""
        ledger.commit(Batch(specs=(new_spec(),), runs=(new_run(),)))
        assert ledger.release_log() == []
        first = ledger.commit(Batch(appends=(released("b"), append(draft()), released("a"))))
        assert first == Receipt(((1,), (1,), (1,)), numbers=(1, 2))
        second = ledger.commit(Batch(appends=(released("b", "1", "2"),)))
        assert second.numbers == (3, 4)
        assert order(ledger) == [(1, "b", 1), (2, "a", 1), (3, "b", 2), (4, "b", 3)]
        assert ledger.commit(Batch(appends=(append(draft()),))).numbers == ()
        assert ledger.check() == []

    def test_an_entry_bears_its_number(self, ledger: Ledger) -> None:
        """In its own log, whichever way that is read, and in the log of all; events bear none."""
        ledger.commit(Batch(specs=(new_spec(),), runs=(new_run(),)))
        large = stored(b"a long body")
        drafts = (draft(), draft(large=large.digest))
        release = Append(Family.RELEASE, "b", drafts)
        ledger.commit(Batch(appends=(released("a"), append(draft()))))
        ledger.commit(Batch(objects=(large,), appends=(release,)))
        entries = list(ledger.entries(Family.RELEASE, "b"))
        assert [entry.number for entry in entries] == [2, 3]
        assert list(ledger.entries(Family.RELEASE, "b", newest_first=True)) == entries[::-1]
        assert [line.entry for line in ledger.release_log(after=1)] == entries
        assert [entry.number for entry in ledger.entries(Family.RUN, "run")] == [None]

    def test_announcements_stand_between_releases(self, ledger: Ledger) -> None:
        """Behind the releases of their batch; they are in no stream."""
        assert ledger.commit(Batch(announcements=("first",))).numbers == (1,)
        both = Batch(appends=(released("a"),), announcements=("\u00e4", "third"))
        assert ledger.commit(both).numbers == (2, 3, 4)
        assert ledger.commit(Batch(appends=(released("a"),))).numbers == (5,)
        found = ledger.release_log()
        texts = [line.announcement for line in found]
        assert texts == ["first", None, "\u00e4", "third", None]
        assert [line.number for line in found] == [1, 2, 3, 4, 5]
        assert {line.entry for line in found if line.announcement} == {None}
        assert ledger.names(Family.RELEASE) == ["a"]
        assert ledger.check() == []

    def test_the_log_is_read_in_pages(self, ledger: Ledger) -> None:
        """From behind a number, as many as are asked for."""
        ledger.commit(Batch(appends=(released("a", *map(str, range(1200))),)))
        assert len(ledger.release_log()) == 1000
        assert [line.number for line in ledger.release_log(after=1198)] == [1199, 1200]
        assert [line.number for line in ledger.release_log(after=7, limit=2)] == [8, 9]
        assert ledger.release_log(after=1200) == ledger.release_log(after=5, limit=0) == []

    def test_what_is_refused_takes_no_number(self, ledger: Ledger) -> None:
        """In a batch of its own, and in a group with others."""
        ledger.commit(Batch(appends=(released("a"),)))
        before = everything(ledger)
        wrong = Batch(appends=(released("b"), released("a", expected=5)), announcements=("x",))
        try:
            ledger.commit(wrong)
        except WrongExpectedSequence:
            assert everything(ledger) == before
        good = Batch(appends=(released("b"),))
        refused, landed = ledger.commit_all([wrong, good])
        assert isinstance(refused, WrongExpectedSequence)
        assert landed == Receipt(((1,),), numbers=(2,))
        assert order(ledger) == [(1, "a", 1), (2, "b", 1)]

    def test_two_names_never_conflict(self, ledger: Ledger) -> None:
        """Whoever writes at the same time; the numbers stay dense, and ascend in each log."""
        names = [f"agent{number}" for number in range(6)]

        def promote(name: str) -> list[object]:
            wanted = [Batch(appends=(released(name, expected=seq),)) for seq in range(10)]
            return [ledger.commit(batch) for batch in wanted]

        with ThreadPoolExecutor(len(names)) as threads:
            answers = [one for found in threads.map(promote, names) for one in found]
        assert not any(isinstance(answer, AivcsError) for answer in answers)
        found = order(ledger)
        assert [number for number, _, _ in found] == list(range(1, 61))
        for name in names:
            assert [seq for _, of, seq in found if of == name] == list(range(1, 11))
        assert ledger.check() == []
