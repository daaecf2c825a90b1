from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.errors import InvalidSource
from aivcs.evaluations import Report, read

if TYPE_CHECKING:
    from pathlib import Path

REPORT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="unit" tests="4">
  <properties><property name="spec_digest" value="abc"/></properties>
  <testcase classname="pkg.test_a" name="test_ok" time="0.1"/>
  <testcase classname="pkg.test_a" name="test_bad"><failure message="no">long</failure></testcase>
  <testcase name="alone"><error/><system-out>text</system-out></testcase>
  <testcase classname="pkg.test_a" name="test_skipped"><skipped/></testcase>
</testsuite><testsuite>
  <testcase classname="group"/>
</testsuite></testsuites>
"""
TESTS = """
import pytest

def test_ok(record_property):
    record_property("score", 0.75)
    record_property("tag", "refund")
    record_property("tag", "slow")
    record_property("trial", 2)
    record_property("else", 1)

def test_bad():
    assert not "a failure"

@pytest.fixture
def broken():
    yield
    raise OSError("cannot clean up")

def test_bad_twice(broken):
    assert not "a failure"

def test_torn(broken):
    pass

@pytest.mark.skip
def test_skipped():
    pass

@pytest.mark.parametrize("value", [1, "<&\u00e9>"])
def test_each(value):
    pass
"""


def report(xml: str | bytes) -> Report:
    found = read(xml if isinstance(xml, bytes) else xml.encode(), name="file")
    assert isinstance(found, Report)
    return found


def fields(xml: str | bytes) -> list[Any]:
    return [dict(one.fields) for one in report(xml).results]


def case(inner: str, attributes: str = "") -> str:
    start = f'<testsuite name="s"><testcase name="t" {attributes}>'
    return f"{start}{inner}</testcase></testsuite>"


def test_what_a_report_says() -> None:
    found = report(REPORT)
    assert (found.format, found.skipped, found.spec_digest) == ("junit", 1, "abc")
    assert fields(REPORT) == [
        {"example_id": "pkg.test_a::test_ok", "passed": True, "suite": "unit"},
        {"example_id": "pkg.test_a::test_bad", "passed": False, "suite": "unit", "message": "no"},
        {"example_id": "alone", "passed": False, "suite": "unit"},
        {"example_id": "group", "passed": True},
    ]
    assert found.results[1].where == "test case 'pkg.test_a::test_bad' in line 5 of file"
    assert read(REPORT.encode(), "junit", name="file") == found


def test_a_report_of_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS, encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-q",
            "-W", "ignore", "--junitxml=report.xml", "test_it.py",
        ],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    found = report((tmp_path / "report.xml").read_bytes())
    told = {one.fields["example_id"]: one.fields["passed"] for one in found.results}
    assert told == {
        "test_it::test_ok": True,
        "test_it::test_bad": False,
        "test_it::test_bad_twice": False,
        "test_it::test_torn": False,
        "test_it::test_each[1]": True,
        "test_it::test_each[<&\\xe9>]": True,
    }
    assert (len(found.results), found.skipped) == (6, 1)
    assert dict(found.results[0].fields) == {
        "example_id": "test_it::test_ok",
        "passed": True,
        "suite": "pytest",
        "score": 0.75,
        "tags": ["refund", "slow"],
        "trial": 2,
    }


def test_properties_name_the_fields_of_a_result() -> None:
    inner = """<properties>
      <property name="suite" value="mine"/><property name="example_id">
        a</property>
      <property name="spec_digest" value="d"/><property name="score" value="nan"/>
      <property name="trial" value="two"/><property name="tags" value="x"/>
      <property name="passed" value="false"/><property/>
    </properties>"""
    (found,) = fields(case(inner))
    assert found.pop("score") != found.get("score", 0)
    assert found == {
        "example_id": "a",
        "passed": True,
        "suite": "mine",
        "spec_digest": "d",
        "trial": "two",
        "tags": ["x"],
    }


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ('status="run"', [True]),
        ('status="notrun"', []),
        ('result="suppressed"', []),
        ('status="Failed"', [False]),
    ],
)
def test_attributes_that_say_how_it_went(attributes: str, wanted: list[bool]) -> None:
    found = report(case("", attributes))
    assert [one.fields["passed"] for one in found.results] == wanted
    assert found.skipped == 1 - len(wanted)


def test_reruns_that_passed_in_the_end_are_passes() -> None:
    (found,) = fields(case("<flakyFailure message='once'><failure/></flakyFailure>"))
    assert found["passed"] is True


def test_long_messages_are_cut() -> None:
    (found,) = fields(case(f'<failure message="{"x" * 5000}"/>'))
    assert found["message"] == "x" * 500


def test_two_results_of_one_name_are_both_told() -> None:
    passed, failed = '<testcase name="t"/>', '<testcase name="t"><error/></testcase>'
    for inner in (passed + passed, passed + failed, failed + passed):
        assert len(fields(f"<testsuite>{inner}</testsuite>")) == 2
    assert len(fields(f"<testsuite>{failed + failed}</testsuite>")) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_encodings(encoding: str) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding}"?>' + case("", 'classname="\u00e9"')
    (found,) = fields(declared.encode(encoding))
    assert found["example_id"] == "\u00e9::t"


BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<testsuite name="&b;"/>"""
OUTSIDE = '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite name="&x;"/>'


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        (BOMB, "line 2 of file declares a document type"),
        (OUTSIDE, "line 1 of file declares a document type"),
        ("<testsuite>\n<testcase>", "line 2 of file is not XML: no element found at column 11"),
        ("<testsuite>&b;</testsuite>", "line 1 of file is not XML: undefined entity"),
        ("<html/>", "file is no JUnit XML: it begins with <html>"),
        ("<testsuite>" * 101, "line 1 of file is nested too deeply"),
        (case("\n<testcase/>"), "line 2 of file has a test case inside of another"),
        ('<?xml version="1.0" encoding="what"?><testsuite/>', "file is not XML: unknown encoding"),
        ('<?xml version="1.0" encoding="idna"?><testsuite/>', "file is not XML: "),
        ("<", "line 1 of file is not XML"),
    ],
)
def test_what_is_no_report_is_named(xml: str, message: str) -> None:
    with pytest.raises(InvalidSource) as caught:
        report(xml)
    assert caught.value.message.startswith(message)
    assert caught.value.hint


def test_too_many_test_cases_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aivcs.evaluations.junit.MAX_RESULTS", 2)
    with pytest.raises(InvalidSource, match="file holds more than"):
        report(REPORT)
