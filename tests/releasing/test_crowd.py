"""Eight processes that move one name at the same time."""

from __future__ import annotations

import json
import os
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, StringIO, TextIOWrapper
from typing import TYPE_CHECKING, Any

import pytest

import aivcs
from aivcs.domain.evidence import Result
from aivcs.domain.lineage import lineage_problems
from aivcs.errors import GateFailed, NoPreviousRelease
from aivcs.testing.crew import processes
from aivcs.testing.subject import add_spec, by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs.domain.digest import Digest
    from aivcs.repo import Repo
    from aivcs.testing.crew import Hire, Meet

CROWD = 8
MOVES = 12
ROUNDS = 6


@pytest.fixture(scope="module")
def hire() -> Iterator[Hire]:
    with processes(CROWD) as found:
        yield found


def move(repo: Repo, number: int, meet: Meet, specs: list[Digest]) -> list[int]:
    """Promote, roll back and deprecate; return the seqs of what was appended."""
    done = []
    meet()
    for turn in range(MOVES):
        who = f"worker {number}"
        kind = (turn + number) % 4
        try:
            if kind == 0:
                record = repo.releases.rollback("bot", actor=who)
            elif kind == 1:
                record = repo.releases.deprecate("bot", 1, reason="x", actor=who)
            else:
                record = repo.releases.promote("bot", specs[turn % len(specs)], by(who))
        except NoPreviousRelease:
            continue
        done.append(record.seq)
    return done


def expect(_repo: Repo, number: int, meet: Meet, place: str, spec: str) -> list[tuple[int, str]]:
    """Promote by the program what everybody saw as current; return statuses and codes."""
    from aivcs.cli.main import main

    os.chdir(place)
    said = []
    for seq in range(1, ROUNDS + 1):
        meet()
        words = ["promote", "bot", spec, "--by", str(number), "--expected-current", str(seq)]
        out, err = TextIOWrapper(BytesIO()), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = main([*words, "--json"])
        code = "" if status == 0 else json.loads(err.getvalue().splitlines()[-1])["error"]["code"]
        said.append((status, code))
        meet()
    return said


def gated(repo: Repo, number: int, meet: Meet, specs: list[Digest]) -> list[tuple[int, str]]:
    """Promote in turn what flips an example of the other; return the entries won."""
    done = []
    meet()
    for _ in range(MOVES):
        spec = specs[number % 2]
        try:
            record = repo.releases.promote("gated", spec, by(), require=["no_flip"])
        except GateFailed:
            continue
        done.append((record.seq, str(spec)))
    return done


def test_one_dense_history(hire: Hire, tmp_path: Path) -> None:
    with aivcs.init(tmp_path) as repo:
        specs = [add_spec(repo, text) for text in ("one", "two", "three")]
        repo.releases.promote("bot", specs[0], by())
        answers = hire(str(tmp_path))(move, specs)
        history = repo.releases.history("bot")[::-1]
        assert sorted(seq for answer in answers for seq in answer) == list(
            range(2, len(history) + 1)
        )
        for number, answer in enumerate(answers):
            mine = [one.seq for one in history if one.actor == f"worker {number}"]
            assert mine == answer
        assert [one.seq for one in history] == list(range(1, len(history) + 1))
        assert list(lineage_problems(history)) == []
        assert repo.verify().problems == ()


def test_nobody_slips_past_a_gate(hire: Hire, tmp_path: Path) -> None:
    """Whoever is overtaken is judged again, by what is current then: the two never alternate."""
    with aivcs.init(tmp_path) as repo:
        specs = [add_spec(repo, text) for text in ("one", "two")]
        for number, spec in enumerate(specs):
            results = [Result("s", str(n), passed=n == number) for n in range(2)]
            repo.evidence.record(spec, results)
        answers: list[Any] = hire(str(tmp_path))(gated, specs)
        won = dict(pair for answer in answers for pair in answer)
        history = repo.releases.history("gated")
        assert {one.seq: str(one.spec_digest) for one in history} == won
        assert len({one.spec_digest for one in history}) == 1
        assert len(history) == MOVES * CROWD // 2


def test_losers_get_exit_4(hire: Hire, tmp_path: Path) -> None:
    with aivcs.init(tmp_path) as repo:
        spec = add_spec(repo)
        repo.releases.promote("bot", spec, by())
        answers = hire(str(tmp_path))(expect, str(tmp_path), str(spec))
        for said in zip(*answers, strict=True):
            assert sorted(said) == [(0, ""), *[(4, "stale_current")] * (CROWD - 1)]
        assert len(repo.releases.history("bot")) == ROUNDS + 1
