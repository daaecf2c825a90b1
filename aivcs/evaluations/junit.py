"""JUnit XML, as pytest and many others write it.

What a test is called and whether it failed is the result; one that was skipped is none.
Properties of a test case named as fields of a result are these: pytest's
``record_property("score", 0.7)``. Document types are refused, and with them every entity
that could expand or lead elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.parsers import expat

from aivcs.domain.evaluation import SPEC
from aivcs.errors import InvalidSource
from aivcs.evaluations.model import MAX_RESULTS, Report, Reported, too_many
from aivcs.evaluations.text import check_length

if TYPE_CHECKING:
    from aivcs.domain.canonical import Json

FORMAT: Final = "junit"
_FAILED: Final = frozenset({"failure", "error", "failed"})
_NOT_RUN: Final = frozenset({"notrun", "skipped", "suppressed", "disabled"})
_PLAIN: Final = frozenset({"suite", "example_id", SPEC})
_NUMBERS: Final = frozenset({"score", "trial"})
_TAGS: Final = frozenset({"tag", "tags"})
_DEEPEST: Final = 100
_LONGEST: Final = 500
_HINT: Final = "expected a report with <testsuites> or <testsuite> around each <testcase>"


def read(data: bytes, name: str) -> Report:
    """Return the results of a report; InvalidSource names the line where it is not one."""
    check_length(data, name)
    reading = _Reading(name)
    parser = reading.parser
    try:
        parser.Parse(data, True)  # noqa: FBT003 - expat takes no names
    except expat.ExpatError as error:
        why = expat.ErrorString(error.code)
        msg = f"line {error.lineno} of {name} is not XML: {why} at column {error.offset + 1}"
        raise InvalidSource(msg, hint=_HINT) from error
    except InvalidSource:
        raise
    except (LookupError, ValueError) as error:
        # The declaration may name an encoding that nobody knows.
        msg = f"{name} is not XML: {error}"
        raise InvalidSource(msg, hint=_HINT) from error
    return Report(FORMAT, tuple(reading.results), reading.skipped, reading.spec)


class _Reading:
    """Follows the elements of a report; what is not a test case is passed over."""

    def __init__(self, name: str) -> None:
        self.results: list[Reported] = []
        self.skipped = 0
        self.spec: Json = None
        self._name = name
        self._open: list[str] = []
        self._suites: list[str] = []
        self._case: dict[str, Json] | None = None
        self._where = ""
        self._ran = True
        self._tags: list[str] = []
        self._property: str | None = None
        self._text: list[str] = []
        self.parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._take

    def _refuse(self, *_: object) -> None:
        msg = f"line {self.parser.CurrentLineNumber} of {self._name} declares a document type"
        raise InvalidSource(msg, hint="a report of tests has none; remove it")

    def _start(self, tag: str, given: dict[str, str]) -> None:
        if not self._open and tag not in {"testsuites", "testsuite"}:
            msg = f"{self._name} is no JUnit XML: it begins with <{tag[:40]}>"
            raise InvalidSource(msg, hint=_HINT)
        if len(self._open) >= _DEEPEST:
            msg = f"line {self.parser.CurrentLineNumber} of {self._name} is nested too deeply"
            raise InvalidSource(msg, hint=_HINT)
        self._open.append(tag)
        if tag == "testsuite":
            self._suites.append(given.get("name", ""))
        elif tag == "testcase":
            self._begin(given)
        elif tag == "property":
            self._property, self._text = given.get("name"), [given.get("value", "")]
        elif self._case is not None and self._open[-2] == "testcase":
            self._say(self._case, tag, given)

    def _begin(self, given: dict[str, str]) -> None:
        if len(self.results) == MAX_RESULTS:
            raise too_many(self._name)
        line = self.parser.CurrentLineNumber
        if self._case is not None:
            msg = f"line {line} of {self._name} has a test case inside of another"
            raise InvalidSource(msg, hint=_HINT)
        title, group = given.get("name", ""), given.get("classname", "")
        shown = f"{group}::{title}" if group and title else title or group
        self._where = f"test case {shown[:200]!r} in line {line} of {self._name}"
        said = {given.get("status", "").lower(), given.get("result", "").lower()}
        self._ran = said.isdisjoint(_NOT_RUN)
        self._tags.clear()
        self._case = {"example_id": shown, "passed": said.isdisjoint(_FAILED)}
        if self._suites and self._suites[-1]:
            self._case["suite"] = self._suites[-1]

    def _say(self, case: dict[str, Json], tag: str, given: dict[str, str]) -> None:
        if tag == "skipped":
            self._ran = False
        elif tag in _FAILED:
            case["passed"] = False
            if given.get("message"):
                case["message"] = given["message"][:_LONGEST]

    def _take(self, text: str) -> None:
        if self._property is not None:
            self._text.append(text)

    def _end(self, tag: str) -> None:
        self._open.pop()
        if tag == "testsuite":
            self._suites.pop()
        elif tag == "property":
            self._keep(self._property or "", "".join(self._text).strip())
            self._property = None
        elif tag == "testcase" and self._case is not None:
            self._finish(self._case)
            self._case = None

    def _keep(self, field: str, value: str) -> None:
        case = self._case
        if case is None:
            if field == SPEC:
                self.spec = value
        elif field in _PLAIN:
            case[field] = value
        elif field in _NUMBERS:
            case[field] = _number(value)
        elif field in _TAGS:
            self._tags.append(value)

    def _finish(self, case: dict[str, Json]) -> None:
        if not self._ran:
            self.skipped += 1
            return
        if self._tags:
            case["tags"] = list(self._tags)
        before = self.results[-1].fields if self.results else {}
        # A test that failed and could not be torn down either stands there twice.
        same = all(before.get(key) == case.get(key) for key in ("suite", "example_id", "trial"))
        if same and before.get("passed") is case["passed"] is False:
            return
        self.results.append(Reported(self._where, case))


def _number(text: str) -> Json:
    """Return the number of a text, also NaN; the text where it is none."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
