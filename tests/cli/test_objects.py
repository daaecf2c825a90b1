from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from aivcs.cli import object_get

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program

HELLO = hashlib.sha256(b"hello").hexdigest()
ABSENT = "0" * 64


def test_put_answers_for_each_file_in_order(here: Program, tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"hello")
    (tmp_path / "two").write_bytes(b"")
    assert here.json("object", "put", "one", "-", "two", stdin=b"in") == [
        {"digest": HELLO, "size": 5, "path": "one"},
        {"digest": hashlib.sha256(b"in").hexdigest(), "size": 2, "path": "-"},
        {"digest": hashlib.sha256(b"").hexdigest(), "size": 0, "path": "two"},
    ]
    assert here.good("object", "put", "one").text == f"{HELLO}  one\n"


def test_put_reads_paths_from_a_file_or_stdin(here: Program, tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"hello")
    (tmp_path / "names").write_text("one\n\none\n")
    row = {"digest": HELLO, "size": 5, "path": "one"}
    assert here.json("object", "put", "--paths-from", "names") == [row, row]
    assert here.json("object", "put", "--paths-from", "-", stdin=b"one") == [row]
    assert here.json("object", "put", "--paths-from", "-") == []


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ((), "usage"),
        (("-", "-"), "usage"),
        (("-", "--paths-from", "-"), "usage"),
        (("one", "missing"), "invalid_input"),
        (("one", "."), "invalid_input"),
        (("--paths-from", "names"), "invalid_input"),
        (("one", "--paths-from", "missing"), "invalid_input"),
    ],
)
def test_put_refuses_before_anything_is_stored(
    here: Program, tmp_path: Path, args: tuple[str, ...], code: str
) -> None:
    (tmp_path / "one").write_bytes(b"hello")
    (tmp_path / "names").write_text("one\nmissing\n")
    assert here.fail("object", "put", *args) == (2, code)
    assert here.json("object", "list") == []


def test_put_refuses_an_unreadable_file(
    here: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").write_bytes(b"hello")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert here.fail("object", "put", "one") == (2, "invalid_input")


def test_get_writes_the_exact_bytes(here: Program, tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    (tmp_path / "big").write_bytes(content)
    digest = here.json("object", "put", "big")[0]["digest"]
    assert here.good("object", "get", digest).out == content
    assert here.good("object", "get", digest[:6], "-o", "-").out == content
    answer = here.json("object", "get", f"sha256:{digest.upper()}", "-o", "out")
    assert answer == {"digest": digest, "size": len(content), "path": "out"}
    assert (tmp_path / "out").read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == [".aivcs", "big", "out"]


def test_get_replaces_a_file_through_a_link_and_writes_into_a_device(
    here: Program, tmp_path: Path
) -> None:
    here.good("object", "put", "-", stdin=b"hello")
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    here.good("object", "get", HELLO, "-o", "link")
    assert (tmp_path / "real").read_bytes() == b"hello"
    assert (tmp_path / "link").is_symlink()
    here.good("object", "get", HELLO, "-o", os.devnull)
    assert not os.path.isfile(os.devnull)  # noqa: PTH113


def test_get_leaves_nothing_when_it_fails(
    here: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.good("object", "put", "-", stdin=b"hello")
    assert here.fail("object", "get", ABSENT, "-o", "out") == (3, "object_not_found")
    for target, reason in (("no/where", "No such file or directory"), (".", "Is a directory")):
        said = here("--json", "object", "get", HELLO, "-o", target)
        assert said.status == 2
        assert said.error == {
            "code": "invalid_input",
            "message": f"cannot write {target}: {reason}",
            "hint": "name a file in a folder that you may write to",
        }

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(object_get, "_copy", full)
    said = here("--json", "object", "get", HELLO, "-o", "out")
    assert said.status == 7
    assert said.error == {
        "code": "storage",
        "message": "cannot write out: No space left on device",
        "hint": "check the disk and its space, or name a file elsewhere",
    }
    assert [path.name for path in tmp_path.iterdir()] == [".aivcs"]


def test_get_into_a_pipe_that_nobody_reads_ends_quietly(
    here: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.good("object", "put", "-", stdin=b"hello")

    def left(*_: object) -> int:
        raise BrokenPipeError

    monkeypatch.setattr(object_get, "_copy", left)
    assert here("object", "get", HELLO, "-o", os.devnull).status == 141


def test_what_a_killed_get_left_is_in_nobodys_way(here: Program, tmp_path: Path) -> None:
    here.good("object", "put", "-", stdin=b"hello")
    (tmp_path / f".out.{os.getpid()}.part").write_bytes(b"he")
    here.good("object", "get", HELLO, "-o", "out")
    assert (tmp_path / "out").read_bytes() == b"hello"


def test_ids_are_abbreviated_where_unique(here: Program) -> None:
    for content in (b"157", b"251"):  # their digests begin alike
        here.good("object", "put", "-", stdin=content)
    digests = [row["digest"] for row in here.json("object", "list")]
    error = here("object", "stat", "c75d", "--json").error
    assert error["code"] == "ambiguous_id"
    assert all(digest in error["message"] for digest in digests)
    assert here.fail("object", "stat", "c75d") == (3, "ambiguous_id")
    assert here.json("object", "stat", digests[0][:16])["digest"] == digests[0]
    assert here.fail("object", "stat", "abc") == (2, "invalid_digest")
    assert here.fail("object", "stat", f"{ABSENT}0") == (2, "invalid_digest")
    assert here.fail("object", "stat", ABSENT[:63]) == (3, "object_not_found")


def test_list_is_bounded_only_for_people(here: Program, tmp_path: Path) -> None:
    names = [f"file{number}" for number in range(53)]
    for name in names:
        (tmp_path / name).write_text(name)
    digests = sorted(row["digest"] for row in here.json("object", "put", *names))
    shown = here.good("object", "list")
    assert shown.text.splitlines() == digests[:50]
    assert shown.err == "3 more; --limit N shows more, --json all\n"
    assert here.good("object", "list", "--limit", 2).err.startswith("51 more;")
    rows = here.json("object", "list")
    assert [row["digest"] for row in rows] == digests
    assert here.json("object", "list", "--limit", 1) == rows[:1]
    assert {row["kept_in"] for row in rows} == {"hot"}
    assert sum(row["size"] for row in rows) == sum(map(len, names))


def test_stat_says_where_an_object_is_kept(here: Program, tmp_path: Path) -> None:
    here.good("object", "put", "-", stdin=b"hello")
    small = {"digest": HELLO, "size": 5, "codec": "raw", "kept_in": "hot", "pack": None}
    assert here.json("object", "stat", HELLO) == small
    (tmp_path / "big").write_bytes(os.urandom(200_000))
    digest = here.json("object", "put", "big")[0]["digest"]
    assert here.json("object", "stat", digest)["kept_in"] == "large"
    assert "size:     5" in here.good("object", "stat", HELLO).text
    here.good("seal")
    sealed = here.json("object", "stat", HELLO)
    assert sealed["kept_in"] == "sealed"
    assert len(sealed["pack"]) == 64
    assert {row["kept_in"] for row in here.json("object", "list")} == {"sealed", "large"}
    assert here.good("object", "get", HELLO).out == b"hello"


def test_a_pin_keeps_an_object_until_it_is_taken_back(here: Program, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(200_000))
    big = here.json("object", "put", "-", "big", stdin=b"hello")[1]["digest"]
    assert here.json("object", "unpin", big[:9]) == [{"digest": big, "pinned": False}]
    assert here.good("object", "pin", HELLO).text == f"pinned    {HELLO}\n"
    here.good("gc")
    assert [row["digest"] for row in here.json("object", "list")] == [HELLO]
    assert here.good("object", "unpin", HELLO).text == f"unpinned  {HELLO}\n"
    assert here.fail("object", "pin", HELLO, ABSENT) == (3, "object_not_found")
    assert here.fail("object", "unpin", ABSENT) == (3, "object_not_found")
    here.good("gc")
    assert here.json("object", "list") == []


def test_delete_tells_whether_there_was_something(here: Program) -> None:
    here.good("object", "put", "-", stdin=b"hello")
    assert here.json("object", "delete", HELLO, ABSENT) == [
        {"digest": HELLO, "deleted": True},
        {"digest": ABSENT, "deleted": False},
    ]
    assert here.good("object", "delete", HELLO).text == f"absent   {HELLO}\n"
    assert here.json("object", "list") == []


def test_delete_takes_the_file_of_a_large_object(here: Program, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(200_000))
    digest = here.json("object", "put", "big")[0]["digest"]
    assert list((tmp_path / ".aivcs" / "objects").rglob("*.zst"))
    here.good("object", "delete", digest)
    assert list((tmp_path / ".aivcs" / "objects").rglob("*.zst")) == []


def test_delete_tells_what_is_gone_before_it_refuses(here: Program, spec: str) -> None:
    first, last = (
        here.json("object", "put", "-", stdin=content)[0]["digest"] for content in (b"a", b"b")
    )
    said = here("object", "delete", first, spec, last)
    assert said.status == 5
    assert said.text.splitlines() == [f"deleted  {first}"]
    assert here.fail("object", "get", first) == (3, "object_not_found")
    assert here.good("object", "get", last).text == "b"
    again = here("--json", "object", "delete", last, spec)
    assert again.json == [{"digest": last, "deleted": True}]
    assert '"still_referenced"' in again.err


def test_delete_refuses_what_is_needed_unless_forced(here: Program, spec: str) -> None:
    assert here.fail("object", "delete", spec) == (5, "still_referenced")
    assert here.good("object", "delete", spec, "--force").text.startswith("deleted")
    assert here.fail("object", "get", spec) == (3, "object_not_found")
