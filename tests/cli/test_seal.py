from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.repo import open_repo
from aivcs.testing.objects import replace_stored

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program


def put(here: Program, count: int) -> list[str]:
    return [
        here.json("object", "put", "-", stdin=b"object %d" % number)[0]["digest"]
        for number in range(count)
    ]


def test_objects_move_and_read_the_same(here: Program) -> None:
    digests = put(here, 3)
    sealed = here.json("seal")
    assert sealed.keys() == {"objects", "packs", "bytes_before", "bytes_after", "damaged", "busy"}
    assert (sealed["objects"], sealed["packs"], sealed["damaged"]) == (3, 1, 0)
    assert not sealed["busy"]
    assert here.good("object", "get", digests[1]).out == b"object 1"
    assert here.json("verify")["ok"]


def test_it_is_told_in_words(here: Program) -> None:
    assert here.good("seal").text == "no small object waits to be sealed\n"
    put(here, 2)
    assert here.good("seal").text.startswith("2 objects moved into 1 pack: 16 bytes became ")
    put(here, 3)
    assert here.good("seal").text.startswith("1 object moved into 1 pack: 8 bytes became ")


def test_auto_does_nothing_for_little(here: Program) -> None:
    put(here, 2)
    assert here.json("seal", "--auto")["objects"] == 0


def test_auto_gives_up_when_another_is_at_upkeep(here: Program, tmp_path: Path) -> None:
    (tmp_path / ".aivcs" / "config.toml").write_text("[seal]\nauto = false\nthreshold = 2\n")
    put(here, 2)
    with open_repo(tmp_path) as repo, repo._ledger.upkeep(wait=True):
        assert here.good("seal", "--auto").text.startswith("nothing done: another process")
    assert here.json("seal", "--auto")["objects"] == 2


def test_damaged_objects_are_told(here: Program, tmp_path: Path) -> None:
    digests = put(here, 2)
    with open_repo(tmp_path) as repo:
        replace_stored(repo.objects, repo.objects.stat(digests[0]), b"something else")
    told = here("seal")
    assert told.status == 6
    said = told.text.splitlines()
    assert said[0].startswith("1 object moved into 1 pack")
    assert here("seal", "--json").status == 6
    assert said[1] == "1 damaged object stayed; 'aivcs verify' tells which"
