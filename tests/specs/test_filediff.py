from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.diff import ChangeKind, FileChange
from aivcs.domain.digest import Digest
from aivcs.domain.filediff import NOT_TEXT, SAME_VALUES, TOO_LONG, file_diff
from aivcs.domain.spec import SpecFile
from aivcs.domain.textdiff import MAX_LINES, MAX_TEXT
from aivcs.domain.valuefile import MAX_VALUES, by_value, read_values
from aivcs.errors import MissingObject

if TYPE_CHECKING:
    from aivcs.domain.filediff import FileDiff
    from aivcs.services.objects import CasStore
    from aivcs.services.specs import SpecStore


def found(path: str, old: bytes | None, new: bytes | None, component: str = "config") -> FileDiff:
    sides = [
        None if one is None else SpecFile(path, executable=False, digest=Digest.of(one))
        for one in (old, new)
    ]
    return file_diff(FileChange(component, path, ChangeKind.MODIFIED, *sides), old, new)


@pytest.mark.parametrize(
    ("component", "path", "values"),
    [
        ("tools", "tools/search.json", True),
        ("model", "MODEL.JSON", True),
        ("config", "config/a.toml", True),
        ("env", "uv.lock", True),
        ("env", "sub/Pipfile.lock", True),
        ("env", "yarn.lock", False),
        ("prompts", "prompts/few-shot.json", False),
        ("graph", "langgraph.json", False),
        ("config", "config/a.yaml", False),
        ("config", "json", False),
    ],
)
def test_which_files_are_compared_by_value(component: str, path: str, values: bool) -> None:
    assert by_value(component, path) is values


def test_parameters_of_a_model_by_value() -> None:
    one = found("model.json", b'{"temperature": 0.2}', b'{"temperature": 0.7}\n')
    assert one.values is not None
    assert [(value.path, value.old, value.new) for value in one.values] == [
        ("temperature", 0.2, 0.7)
    ]
    assert (one.lines, one.note, one.old_size, one.new_size) == (None, None, 20, 21)


def test_toml_by_value() -> None:
    old = b'[[package]]\nname = "a"\nversion = "1"\n[[package]]\nname = "b"\nversion = "1"\n'
    one = found("uv.lock", old, old.replace(b'"b"\nversion = "1"', b'"b"\nversion = "2"'), "env")
    assert one.values is not None
    assert [value.path for value in one.values] == ["package[name=b].version"]


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("a.json", b"{", "not JSON that can be compared"),
        ("a.json", b'{"a": 1, "b": 2, "a": 1}', "the key 'a' stands twice"),
        ("a.json", b'{"a": NaN}', "NaN is not a finite number"),
        ("a.json", b"[1e999]", "1e999 is not a finite number"),
        ("a.json", b"[" * 101 + b"]" * 101, "nested too deeply, over 100 levels"),
        ("a.json", b"[" * 100_000, "nested too deeply, over 100 levels"),
        ("a.json", b"9" * 5000, "Exceeds the limit"),
        ("a.json", b'"\xff"', "not UTF-8"),
        ("a.json", b" " * (MAX_VALUES + 1), f"longer than {MAX_VALUES} bytes"),
        ("a.toml", b"a = 1\na = 2\n", "Cannot overwrite a value"),
        ("a.toml", b"a = nan\n", "nan is not a finite number"),
        ("a.toml", b"a = 1979-05-27\n", "it holds a date: 1979-05-27"),
        ("a.toml", b"a = [07:32:00]\n", "it holds a time: 07:32:00"),
        ("a.toml", b"a = " + b"[" * 101 + b"]" * 101, "nested over 100 levels"),
        ("a.toml", b"a = " + b"[" * 100_000, "not TOML that can be compared"),
        ("a.toml", b"a." * 2000 + b"a = 1\n", "over 200 dots"),
    ],
)
def test_what_cannot_be_compared_by_value_is_compared_by_line(
    path: str, content: bytes, why: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        read_values(path, content)
    good = b"[]\n" if path == "a.json" else b"b = 1\n"
    for old, new, which in ((good, content, "new"), (content, good, "old")):
        one = found(path, old, new)
        assert one.values is None
        assert one.note is not None
        if why == "not UTF-8":
            assert (one.note, one.lines) == (NOT_TEXT, None)
        else:
            assert one.note.startswith(f"the {which} one is ")
            assert one.lines
            assert one.lines[:2] == (f"--- a/{path}", f"+++ b/{path}")


def test_values_that_are_written_differently_are_shown_by_line() -> None:
    one = found("a.json", b'{"a":1,"b":[0.10]}', b'{"b": [0.1], "a": 1}')
    assert (one.values, one.note) == (None, SAME_VALUES)
    assert one.lines
    assert '-{"a":1,"b":[0.10]}' in one.lines


def test_new_and_lost_files_are_shown_by_line() -> None:
    assert found("a.json", None, b"{}\n").lines == (
        "--- a/a.json",
        "+++ b/a.json",
        "@@ -0,0 +1 @@",
        "+{}",
    )
    assert found("a.json", b"{}\n", None).lines == (
        "--- a/a.json",
        "+++ b/a.json",
        "@@ -1 +0,0 @@",
        "-{}",
    )
    empty = found("a.json", None, b"")
    assert (empty.lines, empty.note, empty.old_size, empty.new_size) == ((), None, None, 0)


def test_what_is_no_text_or_too_long_is_told_by_size() -> None:
    for new, note in ((b"\0", NOT_TEXT), (b"\n" * MAX_LINES, TOO_LONG)):
        one = found("a.md", b"x", new)
        assert (one.lines, one.values, one.note, one.new_size) == (None, None, note, len(new))


def test_json_and_toml_say_the_same_values() -> None:
    text = '{"a": {"b": [1, 2.5, true, "x"]}}'
    toml = 'a.b = [1, 2.5, true, "x"]'
    value: Any = read_values("a.json", text.encode())
    assert value == json.loads(text) == tomllib.loads(toml)
    assert value == read_values("a.toml", toml.encode())


def test_a_store_reads_only_what_it_compares(specs: SpecStore, objects: CasStore) -> None:
    big = b"\n" * (MAX_TEXT + 1)
    old = specs.add({"components": {"prompts": {"a.md": "a\n", "big.md": big}}})
    new = specs.add({"components": {"prompts": {"a.md": "b\n", "big.md": big + b"x"}}})
    both = specs.diff(old.digest, new.digest)
    objects.delete(Digest.of(big), force=True)
    one, other = (specs.diff_file(both, change) for change in both.changes)
    assert one.lines == ("--- a/a.md", "+++ b/a.md", "@@ -1 +1 @@", "-a", "+b")
    assert (other.note, other.new_size, other.lines) == (TOO_LONG, len(big) + 1, None)


def test_a_content_that_is_missing_is_named(specs: SpecStore, objects: CasStore) -> None:
    old = specs.add({"components": {"prompts": {"a.md": "a\n"}}})
    new = specs.add({"components": {"prompts": {"a.md": "b\n"}}})
    objects.delete(Digest.of(b"a\n"), force=True)
    both = specs.diff(old.digest, new.digest)
    with pytest.raises(MissingObject, match=f"a.md of spec {old.digest.short()}"):
        specs.diff_file(both, both.changes[0])


def test_a_mode_alone_has_no_content_to_show(specs: SpecStore, tmp_path: Any) -> None:
    (tmp_path / "run.sh").write_text("x\n")
    old = specs.add(tmp_path)
    (tmp_path / "run.sh").chmod(0o755)
    both = specs.diff(old.digest, specs.add(tmp_path).digest)
    one = specs.diff_file(both, both.changes[0])
    assert (one.values, one.lines, one.note, one.old_size, one.new_size) == (None, None, None, 2, 2)
