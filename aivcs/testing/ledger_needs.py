"""What every Ledger must say of what is needed, and how it lets one writer decide.

Subclass it and give a fixture ``ledger``.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.batch import Batch, Reference, Role
from aivcs.domain.digest import Digest
from aivcs.domain.log_writes import Append, Expiry
from aivcs.domain.pack_writes import Surveyed
from aivcs.domain.run import RunStatus, Source
from aivcs.domain.stored import Tier
from aivcs.domain.stream import Family
from aivcs.errors import ConflictError, InvalidRunState, RunNotFound
from aivcs.testing.ledger import append, draft, finish, new_run, new_spec
from aivcs.testing.ledger_objects import LISTED, PACK, big, packed, seal, some, state
from aivcs.testing.subject import NOON

if TYPE_CHECKING:
    from aivcs.ports import Ledger

_ABSENT = Digest.of(b"never stored")


class LedgerNeedsContract:
    """Rows that name objects, processes that hold them, one writer at a time."""

    def test_what_rows_name(self, ledger: Ledger) -> None:
        """Each kind of row keeps its object, until the run expires or the pin goes."""
        items = some(10)
        source, final, artifact, body, early, manifest, pin, spec, release, unused = items
        ledger.commit(
            Batch(
                objects=tuple(items),
                specs=(new_spec(), new_spec(spec.digest, manifest=manifest.digest)),
                runs=(new_run("run", Source(source.digest, 0, "x")),),
                appends=(
                    append(draft(large=body.digest), draft(5, large=early.digest)),
                    Append(Family.RELEASE, "agent", (draft(large=release.digest),)),
                ),
                references=(
                    Reference(pin.digest, Role.PIN),
                    Reference(artifact.digest, Role.ARTIFACT, "run"),
                    Reference(unused.digest, Role.PIN),
                ),
                ends=(replace(finish(RunStatus.FAILED), final_state=final.digest),),
            )
        )
        digests = [item.digest for item in items]
        assert ledger.unnamed([*digests, _ABSENT]) == {_ABSENT}
        assert all(row.named and not row.held for row in ledger.survey())
        ledger.commit(Batch(unpinned=(unused.digest, artifact.digest)))
        assert ledger.unnamed(digests) == {unused.digest}
        expiry = Expiry("run", NOON + timedelta(days=9))
        ledger.commit(Batch(expired=(expiry, replace(expiry, expired_at=NOON))))
        let_go = {source.digest, final.digest, artifact.digest, unused.digest}
        assert ledger.unnamed(digests) == let_go
        assert {row.digest for row in ledger.survey() if not row.named} == let_go
        run = ledger.run("run")
        assert run is not None
        assert run.expired_at == expiry.expired_at
        assert ledger.holders(source.digest) == ledger.holders(final.digest) == []
        assert ledger.holders(artifact.digest) == []
        assert ledger.holders(body.digest) == ["run run #1"]
        assert ledger.references() == [Reference(pin.digest, Role.PIN)]
        assert ledger.check() == []

    def test_only_a_run_that_ended_expires(self, ledger: Ledger) -> None:
        """One that runs needs what it made."""
        ledger.commit(Batch(specs=(new_spec(),), runs=(new_run(),)))
        with pytest.raises(InvalidRunState, match="run run is RUNNING"):
            ledger.commit(Batch(expired=(Expiry("run", NOON),)))
        with pytest.raises(RunNotFound):
            ledger.commit(Batch(expired=(Expiry("none", NOON),)))
        ledger.commit(Batch(ends=(finish(),), expired=(Expiry("run", NOON),)))
        run = ledger.run("run")
        assert run is not None
        assert run.expired_at == NOON

    def test_what_is_held(self, ledger: Ledger) -> None:
        """New objects, those that were there, and digests that are not stored."""
        new, old, free = some(3)
        ledger.commit(Batch(objects=(old, free)))
        ledger.commit(Batch(objects=(new, old), hold=True))
        ledger.commit(Batch(holds=(_ABSENT, big().digest)))
        digests = [new.digest, old.digest, free.digest, _ABSENT, big().digest]
        assert ledger.unnamed(digests) == {free.digest}
        held = {row.digest for row in ledger.survey() if row.held}
        assert held == {new.digest, old.digest}
        seal(ledger, [new, old])
        assert ledger.unnamed(digests) == {free.digest}
        assert ledger.reap() == 0
        assert ledger.unnamed(digests) == {free.digest}

    def test_a_hold_ends_when_its_object_is_stored(self, ledger: Ledger) -> None:
        """What the batch says of the object counts from then on."""
        ledger.commit(Batch(holds=(big().digest, _ABSENT)))
        assert ledger.unnamed([big().digest, _ABSENT]) == set()
        ledger.commit(Batch(objects=(big(),)))
        assert ledger.unnamed([big().digest, _ABSENT]) == {big().digest}
        ledger.commit(Batch(objects=(big()._replace(digest=_ABSENT),), hold=True))
        assert ledger.unnamed([big().digest, _ABSENT]) == {big().digest}

    def test_a_restored_object_stays_held(self, ledger: Ledger) -> None:
        """What held the row that it replaces holds it."""
        item, fresh, old = some(3)
        ledger.commit(Batch(objects=(item,), hold=True))
        ledger.commit(Batch(objects=(old,)))
        ledger.commit(Batch(restored=(item,)))
        ledger.commit(Batch(restored=(fresh, old), hold=True))
        assert ledger.unnamed([item.digest, fresh.digest, old.digest]) == set()

    def test_the_survey(self, ledger: Ledger) -> None:
        """Everything once, by digest, over any pages."""
        items = some(5)
        ledger.commit(
            Batch(objects=(*items, big()), references=(Reference(big().digest, Role.PIN),))
        )
        seal(ledger, items[1:3])
        expected = [
            Surveyed(
                item.digest,
                Tier.SEALED if number in {1, 2} else Tier.HOT,
                item.size,
                item.size,
                named=False,
                held=False,
                pack=PACK.digest if number in {1, 2} else None,
            )
            for number, item in enumerate(items)
        ]
        expected.append(Surveyed(big().digest, Tier.LARGE, 10**6, 10**6, named=True, held=False))
        expected.sort(key=lambda row: row.digest)
        assert ledger.survey() == expected
        pages = [ledger.survey(limit=4), ledger.survey(after=expected[3].digest, limit=4)]
        assert pages == [expected[:4], expected[4:]]
        assert ledger.survey(after=expected[-1].digest) == []

    def test_exclusive_lands_whole(self, ledger: Ledger) -> None:
        """What is committed inside is seen inside, and there at its end."""
        one, two = some(2)
        with ledger.exclusive():
            ledger.commit(Batch(objects=(one,)))
            with ledger.exclusive():
                assert ledger.digests() == [one.digest]
                ledger.commit(Batch(objects=(two,), hold=True))
            assert ledger.unnamed([one.digest, two.digest]) == {one.digest}
        assert ledger.digests() == [one.digest, two.digest]

    def test_exclusive_takes_all_back(self, ledger: Ledger) -> None:
        """An error that leaves it takes back its commits; the ledger can be used after it."""
        items = some(2)
        ledger.commit(Batch(objects=(items[0],), references=(Reference(_ABSENT, Role.PIN),)))
        before = state(ledger)

        def fail() -> None:
            with ledger.exclusive():
                ledger.commit(Batch(objects=(items[1],), hold=True, deletions=(items[0].digest,)))
                ledger.commit(Batch(unpinned=(_ABSENT,), packs=(LISTED,)))
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert state(ledger) == before
        ledger.commit(Batch(objects=(items[1],), hold=True))
        assert ledger.unnamed([items[1].digest]) == set()

    def test_a_part_that_fails_inside(self, ledger: Ledger) -> None:
        """It is taken back alone when the error is caught inside."""
        one, two, three = some(3)
        with ledger.exclusive():
            ledger.commit(Batch(objects=(one,)))
            with pytest.raises(ConflictError):
                ledger.commit(Batch(objects=(two,), finds=(packed(two),)))
            ledger.commit(Batch(objects=(three,)))
        assert ledger.digests() == [one.digest, three.digest]

    def test_others_wait_for_the_exclusive_one(self, ledger: Ledger) -> None:
        """A thread's commit comes after what another thread holds."""
        item, other = some(2)
        begun, ended = threading.Event(), threading.Event()

        def write() -> None:
            begun.set()
            ledger.commit(Batch(objects=(other,)))
            ended.set()

        thread = threading.Thread(target=write)
        with ledger.exclusive():
            thread.start()
            assert begun.wait(30)
            ledger.commit(Batch(objects=(item,)))
            assert not ended.is_set()
            assert ledger.digests() == [item.digest]
        thread.join(30)
        assert ended.is_set()
        assert len(ledger.digests()) == 2

    def test_one_at_upkeep(self, ledger: Ledger) -> None:
        """The second is told that it is not, or waits."""
        with ledger.upkeep(wait=True) as first, ledger.upkeep(wait=False) as second:
            assert (first, second) == (True, False)
        turns: list[str] = []

        def wait() -> None:
            with ledger.upkeep(wait=True) as mine:
                turns.append(f"second {mine}")

        thread = threading.Thread(target=wait)
        with ledger.upkeep(wait=False) as again:
            thread.start()
            turns.append(f"first {again}")
        thread.join(30)
        assert turns == ["first True", "second True"]

    def test_compacting(self, ledger: Ledger) -> None:
        """It changes nothing that can be read."""
        items = some(300)
        ledger.commit(Batch(objects=tuple(item._replace(data=bytes(60_000)) for item in items)))
        full = ledger.footprint()
        ledger.commit(Batch(deletions=tuple(item.digest for item in items[1:])))
        before = state(ledger)
        steps: list[int] = []
        ledger.compact(lambda: steps.append(ledger.footprint()))
        assert state(ledger) == before
        assert steps
        assert ledger.footprint() < full / 10
        assert ledger.check() == []
