"""What every Ledger must do. Subclass it and give a fixture ``ledger``."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.batch import Batch, Receipt, Reference, Role
from aivcs.domain.commitment import leaf_of
from aivcs.domain.digest import Digest
from aivcs.domain.execution import ExecutionState
from aivcs.domain.log_writes import Append, Draft, EndRun, NewRun, NewSpec
from aivcs.domain.merkle import Frontier
from aivcs.domain.run import RunMetadata, RunStatus, Source
from aivcs.domain.stored import Codec, StoredObject
from aivcs.domain.stream import Entry, Family, RunQuery, Stream
from aivcs.errors import (
    ConflictError,
    InvalidEvent,
    InvalidRunState,
    RepositoryClosed,
    RunNotFound,
    SequenceConflict,
    SpecNotFound,
    WrongExpectedSequence,
)
from aivcs.testing.subject import NOON

if TYPE_CHECKING:
    from aivcs.errors import AivcsError
    from aivcs.ports import Ledger

SPEC = Digest.of(b"a spec")
SEEN = {"python": "3.11.7", "system": "Li\u00f1ux"}
SALT = b"sixteen bytes ok"
BODY = Digest.of(b"a long body")
_ABSENT = Digest.of(b"never stored")


def stored(data: bytes = b"data") -> StoredObject:
    """Return a small object as stored."""
    return StoredObject(Digest.of(data), len(data), Codec.RAW, data)


def new_spec(digest: Digest = SPEC, name: str = "agent", **more: Any) -> NewSpec:  # noqa: ANN401
    """Return a spec to list."""
    notes = {"git_sha": None, "dirty": None, "manifest": None, "created_at": NOON, **more}
    return NewSpec(digest, name, **notes)


def new_run(run_id: str = "run", source: Source | None = None) -> NewRun:
    """Return a run to create."""
    return NewRun(run_id, SPEC, RunMetadata("agent"), NOON, source)


def draft(seq: int | None = None, body: str | None = "{}", large: Digest | None = None) -> Draft:
    """Return an entry to append."""
    recorded = NOON + timedelta(microseconds=1)
    text = body if large is None else None
    return Draft("note", text, large, NOON, recorded, SALT, seq)


def entry(seq: int, body: str | None = "{}", large: Digest | None = None) -> Entry:
    """Return the entry that ``draft`` becomes."""
    new = draft(seq, body, large)
    return Entry(seq, new.kind, new.body, new.object, new.timestamp, new.recorded_at, SALT)


def append(*drafts: Draft, name: str = "run", expected: int | None = None) -> Append:
    """Return entries for a run."""
    return Append(Family.RUN, name, drafts, expected)


def finish(status: RunStatus = RunStatus.COMPLETED, run_id: str = "run") -> EndRun:
    """Return a terminal move."""
    return EndRun(run_id, status, status is RunStatus.COMPLETED, 5, None, NOON)


def everything(ledger: Ledger) -> tuple[object, ...]:
    """Return all that a ledger holds, to compare it with what it held before."""
    runs = ledger.runs(RunQuery())
    streams = [head for family in Family for head in ledger.streams(family)]
    return (
        runs,
        streams,
        [(s.name, list(ledger.entries(s.family, s.name))) for s in streams],
        [(r.run_id, dict(ledger.waiting(r.run_id))) for r in runs],
        ledger.specs(),
        ledger.objects(ledger.digests()),
        ledger.references(),
        ledger.release_log(),
    )


class LedgerContract:
    """The port itself; ``ledger`` is an empty Ledger."""

    @pytest.fixture
    def started(self, ledger: Ledger) -> Ledger:
        """Return the ledger with a spec and the RUNNING run ``run``."""
        ledger.commit(Batch(specs=(new_spec(),), runs=(new_run(),)))
        return ledger

    def test_a_batch_of_everything(self, ledger: Ledger) -> None:
        """Objects, spec, run, entries, references and end land in one commit."""
        body, state = stored(b"a long body"), stored(b"state")
        source = Source(Digest.of(b"file"), 0, "jsonl")
        receipt = ledger.commit(
            Batch(
                objects=(body, state),
                specs=(new_spec(git_sha="abc", dirty=True, manifest=BODY, environment=SEEN),),
                runs=(new_run(source=source),),
                appends=(append(draft(2, large=BODY), draft(1)), append(draft())),
                references=(Reference(state.digest, Role.STATE, "run"),),
                ends=(replace(finish(), final_state=state.digest, reason="done"),),
            )
        )
        assert receipt == Receipt(((2, 1), (3,)))
        run = ledger.run("run")
        assert run is not None
        assert (run.status, run.total_events, run.source) == (RunStatus.COMPLETED, 3, source)
        assert (run.completed_at, run.reason) == (NOON, "done")
        assert ledger.run_from(source) == ledger.run_from(replace(source, format="any")) == run
        assert ledger.run_from(replace(source, index=1)) is None
        first, second, third = ledger.entries(Family.RUN, "run")
        assert (first, second) == (entry(1), entry(2, large=BODY))
        assert third.seq == 3
        assert ledger.objects([BODY]) == {BODY: body}
        annotated = new_spec(git_sha="abc", dirty=True, manifest=BODY, environment=SEEN)
        assert ledger.specs() == [annotated]
        assert ledger.check() == []

    def test_an_empty_batch(self, ledger: Ledger) -> None:
        """It is legal and changes nothing."""
        before = everything(ledger)
        assert ledger.commit(Batch()) == Receipt()
        assert everything(ledger) == before

    @pytest.mark.parametrize(
        ("wrong", "error"),
        [
            (Batch(runs=(replace(new_run("n"), spec_digest=_ABSENT),)), SpecNotFound),
            (Batch(runs=(new_run("run"),)), ConflictError),
            (Batch(runs=(new_run("n"), new_run("n"))), ConflictError),
            (Batch(runs=(new_run("n", Source(BODY, 0, "x")),)), ConflictError),
            (Batch(appends=(append(draft(), name="none"),)), RunNotFound),
            (Batch(appends=(append(draft(), name="ended"),)), InvalidRunState),
            (Batch(appends=(append(draft(), expected=0),)), WrongExpectedSequence),
            (Batch(appends=(append(draft(), expected=2),)), WrongExpectedSequence),
            (Batch(appends=(append(draft(), draft(1, "[]")),)), SequenceConflict),
            (Batch(appends=(append(draft(), draft(3, "[]")),)), SequenceConflict),
            (Batch(appends=(append(draft(5), draft(5, "[]")),)), SequenceConflict),
            (Batch(appends=(append(draft(), draft(0)),)), InvalidEvent),
            (Batch(references=(Reference(BODY, Role.STATE, "none"),)), RunNotFound),
            (Batch(ends=(finish(run_id="none"),)), RunNotFound),
            (Batch(ends=(finish(run_id="ended"),)), InvalidRunState),
            (Batch(ends=(finish(),)), InvalidRunState),
            (Batch(ends=(finish(RunStatus.RUNNING),)), InvalidRunState),
            (Batch(ends=(finish(RunStatus.FAILED), finish(RunStatus.FAILED))), InvalidRunState),
        ],
    )
    def test_a_refused_batch_leaves_nothing(
        self, started: Ledger, wrong: Batch, error: type[AivcsError]
    ) -> None:
        """Whatever part of it is refused, all the other parts go with it."""
        started.commit(
            Batch(
                objects=(stored(b"old"),),
                runs=(new_run("ended"), new_run("from", Source(BODY, 0, "x"))),
                appends=(append(draft(1), draft(3)),),
                ends=(finish(RunStatus.FAILED, "ended"),),
            )
        )
        before = everything(started)
        good = Batch(
            objects=(stored(b"new"),),
            specs=(new_spec(BODY, "other"), new_spec(name="renamed")),
            runs=(new_run("good"),),
            appends=(
                append(draft(), draft(9), name="good"),
                append(draft(7)),
                Append(Family.RELEASE, "agent", (draft(),), 0),
            ),
            references=(Reference(BODY, Role.PIN), Reference(BODY, Role.STATE, "good")),
            ends=(finish(RunStatus.CANCELLED, "good"), finish(RunStatus.FAILED, "from")),
            deletions=(Digest.of(b"old"),),
        )
        whole = replace(
            good,
            runs=good.runs + wrong.runs,
            appends=good.appends + wrong.appends,
            references=good.references + wrong.references,
            ends=good.ends + wrong.ends,
        )
        with pytest.raises(error):
            started.commit(whole)
        assert everything(started) == before
        assert started.check() == []
        started.commit(good)
        assert everything(started) != before

    def test_deletion_comes_last(self, started: Ledger) -> None:
        """A batch that fails at its end keeps what it would have deleted."""
        old = stored(b"old")
        pin = Reference(old.digest, Role.PIN)
        need = Reference(old.digest, Role.ARTIFACT, "run")
        started.commit(Batch(objects=(old,), references=(pin, need, pin)))
        assert started.references(old.digest) == [pin, need]
        started.commit(Batch(deletions=(old.digest, old.digest, BODY)))
        assert started.objects([old.digest]) == {}
        assert started.references(old.digest) == [need]

    def test_objects_are_kept_as_they_are(self, ledger: Ledger) -> None:
        """A digest that is stored is not stored again, in whatever form it comes."""
        small, large = stored(), StoredObject(BODY, 7, Codec.ZSTD, None)
        ledger.commit(Batch(objects=(small, large, small)))
        ledger.commit(Batch(objects=(small._replace(codec=Codec.ZSTD, data=b"other"),)))
        found = ledger.objects([small.digest, BODY, SPEC])
        assert found == {small.digest: small, BODY: large}

    def test_many_objects_at_once(self, ledger: Ledger) -> None:
        """More digests than one query takes."""
        many = tuple(stored(b"%d" % number) for number in range(1700))
        ledger.commit(Batch(objects=many))
        digests = [item.digest for item in many]
        assert ledger.objects(digests) == {item.digest: item for item in many}
        assert len(ledger.digests(limit=2000)) == 1700

    def test_paging_through_digests(self, ledger: Ledger) -> None:
        """In ascending order, small and large ones together, each page behind the last."""
        rows = [stored(b"%d" % number) for number in range(6)]
        rows[2] = rows[2]._replace(data=None)
        ledger.commit(Batch(objects=tuple(rows)))
        digests = sorted(row.digest for row in rows)
        assert ledger.digests() == digests
        pages = [ledger.digests(limit=4), ledger.digests(after=digests[3], limit=4)]
        assert pages == [digests[:4], digests[4:]]
        assert ledger.digests(after=digests[-1]) == []
        assert ledger.digests(after=Digest(bytes(32)), limit=1) == digests[:1]

    def test_who_holds_an_object(self, started: Ledger) -> None:
        """Every row that names it is said, a pin is not."""
        started.commit(
            Batch(
                specs=(new_spec(BODY, "other"), new_spec(SPEC, "third", manifest=BODY)),
                runs=(new_run("imported", Source(BODY, 3, "x")),),
                appends=(
                    append(draft(), draft(large=BODY), draft(8, large=BODY)),
                    Append(Family.RELEASE, "agent", (draft(large=BODY),)),
                ),
                references=(
                    Reference(BODY, Role.PIN),
                    Reference(BODY, Role.CHECKPOINT, "imported"),
                ),
                ends=(replace(finish(RunStatus.FAILED, "imported"), final_state=BODY),),
            )
        )
        assert started.holders(BODY) == [
            "release agent #1",
            "run imported (checkpoint)",
            "run imported (final state)",
            "run imported (source)",
            "run run #2",
            "run run #8",
            "spec other",
            "spec third",
        ]
        assert started.holders(_ABSENT) == []

    def test_specs_newest_first(self, ledger: Ledger) -> None:
        """An annotation that says the same as the newest is not repeated."""
        later = NOON + timedelta(days=1)
        first, second = new_spec(), new_spec(name="renamed", dirty=False)
        for spec in (first, replace(first, created_at=later), second, new_spec(BODY), first):
            ledger.commit(Batch(specs=(spec,)))
        assert ledger.specs(SPEC) == [first, second, first]
        assert ledger.specs() == [first, new_spec(BODY), second, first]
        assert ledger.specs(_ABSENT) == []

    def test_streams(self, started: Ledger) -> None:
        """Heads count entries; a release log begins with its first entry."""
        assert started.stream(Family.RUN, "run") == Stream(
            Family.RUN, "run", 0, ExecutionState.RUNNING
        )
        assert started.stream(Family.RELEASE, "run") is None
        for name in ("zoe", "adam", "Éva"):
            started.commit(Batch(appends=(Append(Family.RELEASE, name, (draft(), draft()), 0),)))
        heads = started.streams(Family.RELEASE)
        tree = Frontier().grown([leaf_of(entry(1)), leaf_of(entry(2))])
        names = ("adam", "zoe", "Éva")
        assert heads == [Stream(Family.RELEASE, name, 2, frontier=tree) for name in names]
        with pytest.raises(WrongExpectedSequence, match="adam"):
            started.commit(Batch(appends=(Append(Family.RELEASE, "adam", (draft(),), 0),)))
        with pytest.raises(WrongExpectedSequence):
            started.commit(Batch(appends=(Append(Family.RELEASE, "new", (draft(),), 1),)))
        assert started.stream(Family.RELEASE, "new") is None

    def test_reading_entries(self, started: Ledger) -> None:
        """From either end, from behind any seq, up to any number, over several pages."""
        started.commit(Batch(appends=(append(*(draft() for _ in range(2100))),)))
        numbers = range(1, 2101)
        for after in (-1, 0, 1, 999, 1000, 2100, 5000):
            for limit in (None, 0, 1, 1000, 1500, 9999):
                expected = [seq for seq in numbers if seq > after]
                up = started.entries(Family.RUN, "run", after=after, limit=limit)
                assert [entry.seq for entry in up] == expected[:limit]
                down = started.entries(
                    Family.RUN, "run", after=after, limit=limit, newest_first=True
                )
                assert [entry.seq for entry in down] == expected[::-1][:limit]
        assert list(started.entries(Family.RUN, "none")) == []
        assert list(started.entries(Family.RELEASE, "run", newest_first=True)) == []

    def test_what_waits(self, started: Ledger) -> None:
        """Early drafts by seq, until the gap is closed."""
        started.commit(Batch(appends=(append(draft(4), draft(2), draft(6)),)))
        assert started.waiting("run") == {seq: entry(seq) for seq in (2, 4, 6)}
        assert list(started.waiting("run")) == [2, 4, 6]
        assert started.commit(Batch(appends=(append(draft(), draft()),))) == Receipt(((1, 3),))
        assert dict(started.waiting("run")) == {6: entry(6)}
        assert dict(started.waiting("none")) == {}

    def test_run_ids_by_their_beginning(self, started: Ledger) -> None:
        """In order of creation, whatever characters they have."""
        for run_id in ("b%1", "a_2", "b%2", "B%3", "ä"):
            started.commit(Batch(runs=(new_run(run_id),)))
        assert started.run_ids("b%", 9) == ["b%1", "b%2"]
        assert started.run_ids("", 3) == ["run", "b%1", "a_2"]
        assert started.run_ids("ä", 9) == ["ä"]
        assert started.run_ids("a%", 9) == started.run_ids("_", 9) == []

    def test_a_closed_ledger(self, started: Ledger) -> None:
        """Every call says that it is closed; closing again is no error."""
        started.close()
        started.close()
        calls = (
            lambda: started.commit(Batch()),
            lambda: started.stream(Family.RUN, "run"),
            lambda: started.streams(Family.RUN),
            lambda: list(started.entries(Family.RUN, "run")),
            lambda: started.waiting("run"),
            lambda: started.run("run"),
            lambda: started.run_from(Source(BODY, 0, "x")),
            lambda: started.runs(RunQuery()),
            lambda: started.run_ids("", 1),
            started.specs,
            lambda: started.objects([BODY]),
            started.digests,
            started.references,
            lambda: started.holders(BODY),
            started.check,
        )
        for call in calls:
            with pytest.raises(RepositoryClosed, match="closed"):
                call()
