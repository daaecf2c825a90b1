from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Program

FIELDS = [
    "name",
    "seq",
    "kind",
    "spec_digest",
    "metadata",
    "created_at",
    "actor",
    "reason",
    "previous",
    "restores",
    "log_index",
    "verdict",
]


def test_promote_and_rollback_and_what_is_current(here: Program, spec: str, second: str) -> None:
    first = here.json(
        "promote", "helper", spec[:6], "--version-label", "1.0.0", "--by", "ada", "--notes", "new"
    )
    assert list(first) == FIELDS
    assert first["metadata"] == {"version_label": "1.0.0", "promoted_by": "ada", "notes": "new"}
    assert (first["kind"], first["seq"], first["previous"]) == ("promote", 1, None)
    assert first["spec_digest"] == spec
    assert first["log_index"] == 0
    assert here.json("current", "helper") == first

    then = here.json("promote", "helper", second)
    assert then["metadata"]["promoted_by"] == then["actor"] == "tester"
    assert then["previous"] == 1

    back = here.json("rollback", "helper", "--by", "bob", "--reason", "worse")
    assert list(back) == [*FIELDS, "no_change", "receipt"]
    receipt = back["receipt"]
    assert list(receipt) == ["spec_digest", "objects", "bytes", "identical_to"]
    assert (receipt["spec_digest"], receipt["identical_to"]) == (spec, 1)
    assert receipt["objects"] == 5
    assert back["spec_digest"] == spec
    assert back["metadata"] == first["metadata"]
    assert (back["actor"], back["reason"], back["restores"]) == ("bob", "worse", 1)
    assert back["no_change"] is False
    assert here.json("history", "helper") == [back, then, first]
    assert here.json("releases") == [back]
    assert here.fail("rollback", "helper") == (5, "no_previous_release")


@pytest.mark.parametrize("to", ["1", "one", "{digest}"])
def test_rollback_goes_to_what_is_named(here: Program, spec: str, second: str, to: str) -> None:
    here.good("promote", "helper", spec, "--version-label", "one")
    here.good("promote", "helper", second)
    here.good("promote", "helper", second)
    target = to.format(digest=spec[:8])
    assert here.json("rollback", "helper", "--to", target)["restores"] == 1
    assert here.fail("rollback", "helper", "--to", "9") == (3, "release_not_found")


def test_a_rollback_to_the_same_spec_says_so(here: Program, spec: str) -> None:
    here.good("promote", "helper", spec)
    here.good("promote", "helper", spec)
    assert here.json("rollback", "helper")["no_change"] is True


def test_what_is_unknown(here: Program) -> None:
    assert here.fail("current", "nobody") == (3, "release_not_found")
    assert here.fail("rollback", "nobody") == (3, "release_not_found")
    assert here.json("history", "nobody") == []
    assert here.good("history", "nobody").text.split()[0] == "release"
    assert here.json("releases") == []


def test_promote_refuses(here: Program, spec: str) -> None:
    assert here.fail("promote", "helper", "f" * 64) == (3, "spec_not_found")
    assert here.fail("promote", "helper", "nobody@1") == (3, "release_not_found")
    assert here.fail("promote", "a b", spec) == (2, "invalid_name")
    assert here.fail("promote", "helper", spec, "--by", " ") == (2, "invalid_input")
    assert here.fail("promote", "helper", spec, "--require", "odd") == (2, "invalid_input")
    gated = ("--require", "require_notes", "--require", "semver_format")
    said = here("promote", "helper", spec, *gated, "--json")
    assert (said.status, said.error["code"]) == (5, "gate_failed")
    assert "require_notes" in said.error["message"]
    assert "semver_format" in said.error["message"]
    assert here.json("history", "helper") == []


def test_a_release_names_a_spec(here: Program, spec: str, second: str) -> None:
    here.good("promote", "helper", spec, "--version-label", "one")
    here.good("promote", "helper", second)
    for text, digest in (
        ("helper", second),
        ("helper@1", spec),
        ("helper@one", spec),
        ("helper~1", spec),
        ("helper~", spec),
    ):
        assert here.json("spec", "show", text)["digest"] == digest


def test_the_expected_release_guards_a_move(here: Program, spec: str, second: str) -> None:
    here.good("promote", "helper", spec, "--expected-current", "none")
    stale = (4, "stale_current")
    assert here.fail("promote", "helper", second, "--expected-current", "none") == stale
    assert here.fail("promote", "helper", second, "--expected-current", "2") == stale
    here.good("promote", "helper", second, "--expected-current", "1")
    assert here.fail("rollback", "helper", "--expected-current", spec) == stale
    here.good("rollback", "helper", "--expected-current", second[:10])


def test_people_read_tables(here: Program, spec: str, second: str) -> None:
    here.good("promote", "helper", spec, "--version-label", "one")
    here.good("promote", "helper", second, "--notes", "better")
    here.good("rollback", "helper", "--reason", "worse")
    rows = here.good("history", "helper").text.splitlines()
    assert rows[0].split() == ["release", "label", "spec", "kind", "by", "created", "why"]
    assert rows[1].startswith(f"@    helper@3  one    {spec[:12]}  rollback to 1  tester  ")
    assert rows[1].endswith("worse")
    assert rows[2].endswith("better")
    said = here.good("history", "helper", "--limit", 1)
    assert said.err == "2 more; --limit N shows more, --json all\n"
    assert f"spec_digest:    {spec}" in here.good("current", "helper").text
    assert "helper@3" in here.good("releases").text


def test_an_entry_may_be_named_with_its_agent(here: Program, spec: str, second: str) -> None:
    here.good("promote", "helper", spec, "--version-label", "1.0.0")
    here.good("promote", "helper", second, "--version-label", "2.0.0")
    assert here.json("rollback", "helper", "--to", "helper@1.0.0")["restores"] == 1
    assert here.json("rollback", "helper", "--to", "helper@2")["restores"] == 2
    ends = ("--good", "helper@1", "--bad", "helper@2")
    found = here.good("bisect", "helper", *ends, "--json", "--", "false").json
    assert found["first_bad"]["seq"] == 2
    assert here.fail("rollback", "helper", "--to", "other@1") == (3, "release_not_found")
