from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs import Digest
from soak.promises import Teller, hear

if TYPE_CHECKING:
    from pathlib import Path

A, B, C = (Digest.of(text) for text in (b"a", b"b", b"c"))


def test_what_is_told_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "said"
    ann, bob = Teller(path, "ann"), Teller(path, "bob")
    ann.tell("put", A, B)
    bob.tell("keep", C)
    ann.tell("keep", A)
    ann.tell("did", "seal")
    heard = hear(path.read_text().splitlines(keepends=True))
    assert (heard["ann"].held, heard["ann"].kept) == ({A, B}, {A})
    assert heard["ann"].steps == {"put": 1, "keep": 1, "seal": 1}
    assert heard["bob"].kept == {C}


def test_promises_end() -> None:
    lines = [f"ann put {A} {B} {C}\n", f"ann drop {A}\n", f"ann gone {A}\n", "ann left\n"]
    told = hear(lines)["ann"]
    assert (told.held, told.kept, told.gone) == (set(), set(), {A})
    assert hear([*lines, f"ann put {A}\n"])["ann"].gone == set()


def test_a_dropped_promise_is_none_whether_it_was_carried_out_or_not() -> None:
    told = hear([f"ann keep {A}\n", f"ann drop {A}\n"])["ann"]
    assert (told.kept, told.gone) == (set(), set())


def test_a_line_that_was_not_finished_is_not_told() -> None:
    assert hear([f"ann put {A}"]) == {}


def test_a_loss_is_kept_as_it_was_told() -> None:
    assert hear(["ann lost _pin no object\n"])["ann"].lost == ["lost _pin no object"]
