"""The lineage: a log built by the domain's functions alone, against a model of a stack."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.digest import Digest
from aivcs.domain.lineage import lineage_problems
from aivcs.domain.release import (
    ReleaseKind,
    ReleaseMetadata,
    ReleaseRecord,
    ancestor,
    check_actor,
    check_expected,
    check_metadata,
    not_found,
    previous_of,
    select,
)
from aivcs.errors import (
    AmbiguousId,
    InvalidInputError,
    NoPreviousRelease,
    ReleaseNotFound,
    StaleCurrent,
)

_NAME = "a"
WHEN = datetime(2026, 1, 1, tzinfo=UTC)
MOVES = st.lists(st.sampled_from(["promote", "promote", "rollback"]), max_size=30)


class Log:
    """An append-only log of releases of one agent."""

    def __init__(self) -> None:
        self.records: list[ReleaseRecord] = []

    @property
    def head(self) -> ReleaseRecord | None:
        return self.records[-1] if self.records else None

    def entry(self, seq: int) -> ReleaseRecord:
        return self.records[seq - 1]

    def _add(self, kind: ReleaseKind, digest: Digest, label: str, **places: int | None) -> None:
        metadata = ReleaseMetadata(version_label=label, promoted_by="me")
        seq = len(self.records) + 1
        self.records.append(
            ReleaseRecord("a", seq, kind, digest, metadata, WHEN, "me", None, **places)  # type: ignore[arg-type]
        )

    def promote(self, text: str) -> None:
        before = self.head.seq if self.head else None
        self._add(ReleaseKind.PROMOTE, Digest.of(text.encode()), text, previous=before)

    def rollback(self) -> None:
        if self.head is None:
            raise not_found(_NAME)
        old = self.entry(previous_of(self.head))
        label = old.metadata.version_label or ""
        places = {"previous": old.previous, "restores": old.seq}
        self._add(ReleaseKind.ROLLBACK, old.spec_digest, label, **places)

    def labels(self) -> str:
        return "".join(str(record.metadata.version_label) for record in self.records)


def _log(moves: str) -> Log:
    """Promote each letter; ``<`` rolls back."""
    log = Log()
    for move in moves:
        if move == "<":
            log.rollback()
        else:
            log.promote(move)
    return log


@pytest.mark.parametrize(
    ("moves", "labels"),
    [("AB<", "ABA"), ("ABC<", "ABCB"), ("ABC<<", "ABCBA"), ("ABC<<D<", "ABCBADA"), ("AA<", "AAA")],
)
def test_known_lineages(moves: str, labels: str) -> None:
    assert _log(moves).labels() == labels


@given(MOVES)
def test_rollbacks_walk_a_stack(moves: list[str]) -> None:
    log, stack = Log(), list[str]()
    for number, move in enumerate(moves):
        if move == "promote":
            stack.append(chr(ord("A") + number))
            log.promote(stack[-1])
        elif len(stack) > 1:
            stack.pop()
            log.rollback()
        else:
            with pytest.raises(NoPreviousRelease if stack else ReleaseNotFound):
                log.rollback()
        head = log.head
        assert (head.metadata.version_label if head else None) == (stack[-1] if stack else None)
    assert list(lineage_problems(log.records)) == []
    if log.head is not None:
        for steps, label in enumerate(reversed(stack)):
            assert ancestor(log.head, steps, log.entry).metadata.version_label == label
        with pytest.raises(ReleaseNotFound, match="the lineage of a begins at seq"):
            ancestor(log.head, len(stack), log.entry)


def test_the_start_of_a_lineage_is_named() -> None:
    with pytest.raises(NoPreviousRelease, match="a has no release before seq 3"):
        _log("AB<<")
    assert str(not_found("a")) == "a has no release"


@pytest.mark.parametrize("expected", [None, 2, Digest.of(b"B")])
def test_the_expected_current_release(expected: Digest | int | None) -> None:
    check_expected("a", _log("AB").head, expected)


@pytest.mark.parametrize("expected", [0, 1, Digest.of(b"A")])
def test_another_current_release(expected: Digest | int) -> None:
    with pytest.raises(StaleCurrent, match="the current release of a is seq 2"):
        check_expected("a", _log("AB").head, expected)


def test_expecting_no_release() -> None:
    check_expected("a", None, 0)
    for expected in (1, Digest.of(b"A")):
        with pytest.raises(StaleCurrent, match="is none, not"):
            check_expected("a", None, expected)


@pytest.mark.parametrize(
    ("wanted", "seq"),
    [(1, 1), ("2", 2), ("A", 3), ("B", 2), (Digest.of(b"A"), 3), (Digest.of(b"B"), 2)],
)
def test_select_finds_the_newest(wanted: int | str | Digest, seq: int) -> None:
    assert select("a", reversed(_log("AB<").records), wanted).seq == seq


def test_select_takes_the_beginning_of_a_digest() -> None:
    text = str(Digest.of(b"B"))
    for wanted in (text, text.upper(), f"sha256:{text}", text[:4]):
        assert select("a", reversed(_log("AB").records), wanted).seq == 2
    with pytest.raises(ReleaseNotFound):
        select("a", _log("AB").records, text[:3])


def test_select_lists_what_a_beginning_fits() -> None:
    first, second = (Digest(b"\xab" * 31 + last) for last in (b"\0", b"\1"))
    metadata = ReleaseMetadata(promoted_by="me")
    records = [
        ReleaseRecord("a", seq, ReleaseKind.PROMOTE, digest, metadata, WHEN, "me")
        for seq, digest in enumerate([first, second], start=1)
    ]
    with pytest.raises(AmbiguousId, match=f"fits 2 releases of a: {first}, {second}"):
        select("a", records, "abab")


def _labelled(*entries: tuple[bytes, str | None]) -> list[ReleaseRecord]:
    return [
        ReleaseRecord(
            "a", seq, ReleaseKind.PROMOTE, Digest.of(text), ReleaseMetadata(label, "me"), WHEN, "me"
        )
        for seq, (text, label) in enumerate(entries, start=1)
    ][::-1]


def test_a_label_does_not_stand_in_the_way_of_a_digest() -> None:
    good = Digest.of(b"B")
    records = _labelled((b"B", None), (b"evil", str(good)))
    for wanted in (str(good), f"sha256:{good}", str(good).upper(), good):
        assert select("a", records, wanted).seq == 1
    records = _labelled((b"B", None), (b"evil", good.short()), (b"A", None))
    for wanted in (good.short(), good.short().upper()[:9]):
        if wanted == good.short():
            with pytest.raises(AmbiguousId, match=r"fits 2 releases of a") as caught:
                select("a", records, wanted)
            assert str(good) in caught.value.message
        else:
            assert select("a", records, wanted).seq == 1


def test_a_label_may_look_like_the_beginning_of_a_digest() -> None:
    short = Digest.of(b"B").short()
    records = _labelled((b"A", "cafe1"), (b"B", short), (b"C", "cafe1"), (b"B", None))
    assert select("a", records, "cafe1").seq == 3
    assert select("a", records, short).seq == 2


@pytest.mark.parametrize("wanted", [0, 9, "9", "v9", "", Digest.of(b"Z"), "f" * 64])
def test_select_finds_nothing(wanted: int | str | Digest) -> None:
    with pytest.raises(ReleaseNotFound, match="a has no"):
        select("a", _log("AB").records, wanted)


@pytest.mark.parametrize(
    "label",
    ["", "  ", " v1", "v1\n", "v\0", "last-good", "v\n1", "\u200b", "a" * 64, "sha256:" + "B" * 64],
)
def test_bad_labels(label: str) -> None:
    with pytest.raises(InvalidInputError, match="a version label"):
        check_metadata(ReleaseMetadata(version_label=label, promoted_by="me"))


@pytest.mark.parametrize("field", ["version_label", "promoted_by", "notes"])
@pytest.mark.parametrize("value", [5, "\ud800", "a\0b", b"text"])
def test_what_is_no_text_is_refused(field: str, value: object) -> None:
    fields: dict[str, Any] = {"promoted_by": "me", field: value}
    with pytest.raises(InvalidInputError):
        check_metadata(ReleaseMetadata(**fields))


def test_metadata_are_no_text() -> None:
    with pytest.raises(InvalidInputError, match="not the metadata of a release"):
        check_metadata("v3")


def test_a_seq_of_very_many_digits_is_not_found() -> None:
    with pytest.raises(ReleaseNotFound):
        select("bot", [], "9" * 5000)


def test_good_metadata() -> None:
    check_metadata(ReleaseMetadata(promoted_by="me"))
    check_metadata(ReleaseMetadata(version_label="v1.2.0", promoted_by="me", notes=""))


@pytest.mark.parametrize("actor", ["", "\u200b\u202e", " ", None, 5])
def test_somebody_acts(actor: str) -> None:
    with pytest.raises(InvalidInputError, match="actor"):
        check_actor(actor)
    with pytest.raises(InvalidInputError, match="actor"):
        check_metadata(ReleaseMetadata(promoted_by=actor))


@pytest.mark.parametrize(
    ("place", "change", "problem"),
    [
        (1, {"previous": None}, "the promote at seq 2 does not follow"),
        (1, {"restores": 1}, "the promote at seq 2 does not follow"),
        (3, {"previous": 3}, "the rollback at seq 4 does not follow"),
        (3, {"restores": None}, "the rollback at seq 4 does not follow"),
        (3, {"restores": 1}, "the rollback at seq 4 does not follow"),
        (3, {"spec_digest": Digest.of(b"C")}, "the rollback at seq 4 does not follow"),
    ],
)
def test_an_edited_entry_shows(place: int, change: dict[str, object], problem: str) -> None:
    records = _log("ABC<").records
    records[place] = replace(records[place], **change)  # type: ignore[arg-type]
    assert next(lineage_problems(records)).startswith(problem)


def test_a_missing_entry_shows() -> None:
    records = _log("ABCD").records
    del records[1]
    assert list(lineage_problems(records)) == [
        "seq 2 is missing before seq 3",
        "the promote at seq 3 does not follow from the log",
    ]
