"""Deprecations and what is good, in logs made by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from aivcs.cli.release_graph import graph
from aivcs.domain.digest import Digest
from aivcs.domain.lineage import (
    current_of,
    deprecation_of,
    last_good,
    lineage_problems,
    newest_deprecation,
    promoted_seq,
)
from aivcs.domain.release import ReleaseKind, ReleaseMetadata, ReleaseRecord
from aivcs.domain.verdict import Outcome, Verdict
from aivcs.errors import ReleaseNotFound

WHEN = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = Verdict(Digest.of(b"policy"), (Outcome("no_flip", value=True, passed=True),))


class Log:
    """A log of one agent: ``A`` promotes, ``a`` without gates, ``<`` rolls back, ``<2`` to 2,
    ``!2`` deprecates.
    """

    def __init__(self, moves: str) -> None:
        self.records: list[ReleaseRecord] = []
        for move in moves.split():
            self._move(move)

    def entry(self, seq: int) -> ReleaseRecord:
        return self.records[seq - 1]

    @property
    def head(self) -> ReleaseRecord | None:
        return self.records[-1] if self.records else None

    @property
    def current(self) -> ReleaseRecord:
        found = current_of(self.head, self.entry)
        assert found is not None
        return found

    @property
    def newest_first(self) -> list[ReleaseRecord]:
        return self.records[::-1]

    def _move(self, move: str) -> None:
        current = current_of(self.head, self.entry)
        places: dict[str, Any] = {"deprecation": newest_deprecation(self.head)}
        if move[0] not in "<!":
            kind, same = ReleaseKind.PROMOTE, None
            places["previous"] = current.seq if current else None
            places["verdict"] = GOOD if move.isupper() else None
        elif move[0] == "<":
            assert current is not None
            seq = int(move[1:] or current.previous or 0)
            kind, same = ReleaseKind.ROLLBACK, self.entry(seq)
            promoted = promoted_seq(same, self.entry)
            places |= {"restores": seq, "previous": same.previous}
            places["promoted"] = None if promoted == seq else promoted
        else:
            assert current is not None
            kind, same = ReleaseKind.DEPRECATE, current
            places |= {"restores": int(move[1:]), "previous": current.previous}
            places["keeps"] = current.seq
        digest = same.spec_digest if same else Digest.of(move.encode())
        metadata = same.metadata if same else ReleaseMetadata(move, "ann")
        seq = len(self.records) + 1
        self.records.append(
            ReleaseRecord("bot", seq, kind, digest, metadata, WHEN, "ann", **places)
        )


def wanted(moves: str) -> int:
    log = Log(moves)
    return last_good(log.current, log.newest_first, log.entry).seq


@pytest.mark.parametrize(
    ("moves", "seq"),
    [
        ("A B", 1),
        ("A B C", 2),
        ("A b c", 1),
        ("A B C !2", 1),
        ("A B C !2 !3", 1),
        ("A B C <", 1),
        ("A B C < <", None),
        ("A B C <1", 2),
        ("A B C <1 D", 2),
        ("A B C <1 D <", 2),
        ("A B < C", 1),
        ("A B !1", None),
        ("A", None),
        ("a b", None),
        ("A B C < D !1", 2),
        ("A A", 1),
    ],
)
def test_last_good(moves: str, seq: int | None) -> None:
    if seq is None:
        with pytest.raises(ReleaseNotFound, match="bot has no earlier release"):
            wanted(moves)
    else:
        assert wanted(moves) == seq


def test_the_promote_is_found_with_and_without_the_pointer() -> None:
    log = Log("A B < C < D <")
    last = log.records[-1]
    assert (last.restores, last.promoted) == (5, 1)
    assert promoted_seq(last, log.entry) == 1
    log.records = [replace(record, promoted=None) for record in log.records]
    assert promoted_seq(log.records[-1], log.entry) == 1
    assert list(lineage_problems(log.records)) == []


def test_deprecations_are_a_chain() -> None:
    log = Log("A B !1 C !2 !1 D")
    assert [record.deprecation for record in log.records] == [None, None, None, 3, 3, 5, 6]
    found = [deprecation_of(seq, log.head, log.entry) for seq in (1, 2, 4)]
    assert [one.seq if one else None for one in found] == [6, 5, None]
    assert deprecation_of(1, log.entry(2), log.entry) is None
    assert newest_deprecation(None) is None
    assert current_of(None, log.entry) is None
    assert list(lineage_problems(log.records)) == []


@pytest.mark.parametrize(
    ("place", "change"),
    [
        (3, {"keeps": 2}),
        (3, {"keeps": None}),
        (3, {"restores": 9}),
        (3, {"restores": None}),
        (3, {"previous": 1}),
        (3, {"spec_digest": Digest.of(b"x")}),
        (3, {"metadata": ReleaseMetadata("x", "ann")}),
        (3, {"deprecation": 1}),
        (3, {"verdict": GOOD}),
        (4, {"deprecation": None}),
        (4, {"previous": 4}),
        (4, {"promoted": 1}),
        (4, {"keeps": 1}),
        (5, {"verdict": GOOD}),
        (5, {"promoted": 2}),
        (5, {"promoted": 9}),
        (5, {"restores": 4}),
        (5, {"keeps": 3}),
    ],
)
def test_an_edited_entry_shows(place: int, change: dict[str, Any]) -> None:
    records = Log("A B C !2 D <").records
    assert list(lineage_problems(records)) == []
    records[place] = replace(records[place], **change)
    problem = f"at seq {place + 1} does not follow from the log"
    assert next(lineage_problems(records)).endswith(problem)


def test_a_pointer_to_what_is_no_promote_shows() -> None:
    records = Log("A B < C < D <").records
    assert records[6].promoted == 1
    for promoted in (3, 4):
        edited = [*records[:6], replace(records[6], promoted=promoted)]
        assert list(lineage_problems(edited)) == [
            "the rollback at seq 7 does not follow from the log"
        ]


@pytest.mark.parametrize(
    ("moves", "cells"),
    [
        ("", []),
        ("A", ["@"]),
        ("A B", ["@", "o"]),
        ("A B C <", ["@", "| x", "o", "o"]),
        ("A B C <1", ["@", "| x", "| x", "o"]),
        ("A B C <1 D", ["@", "o", "| x", "| x", "o"]),
        ("A B !1", ["  -", "@", "o!"]),
        ("A !1", ["  -", "@!"]),
        ("A B < !2", ["  -", "@", "| x!", "o"]),
    ],
)
def test_the_graph_of_a_history(moves: str, cells: list[str]) -> None:
    log = Log(moves)
    assert [graph(log.newest_first)[one.seq] for one in log.newest_first] == cells
