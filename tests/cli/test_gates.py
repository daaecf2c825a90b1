from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import aivcs
from aivcs.domain.evidence import Result

if TYPE_CHECKING:
    from tests.cli.conftest import Program

CONFIG = Path(".aivcs/config.toml")


def declare(text: str) -> None:
    with CONFIG.open("a") as file:
        file.write(f"\n{text}\n")


def evaluate(spec: str, outcomes: str) -> None:
    with aivcs.open() as repo:
        results = [Result("s", f"e{n}", one == "+") for n, one in enumerate(outcomes)]
        repo.evidence.record(spec, results)


def test_a_policy_and_its_verdict(here: Program, spec: str, second: str) -> None:
    declare('[gates]\nno_flip = true\n[gates."helper/prod"]\nmin_pass_rate = 0.5')
    evaluate(spec, "++-")
    evaluate(second, "-++")
    first = here.json("promote", "helper/prod", spec)
    verdict = first["verdict"]
    assert list(verdict) == ["policy", "passed", "gates", "evidence"]
    assert verdict["passed"] is True
    assert [one["gate"] for one in verdict["gates"]] == ["no_flip", "min_pass_rate"]
    assert list(verdict["gates"][1]) == ["gate", "value", "passed", "detail"]
    ((run, seal),) = verdict["evidence"]
    assert here.json("run", "show", run)["spec_digest"] == spec
    assert len(seal) == 64
    said = here("promote", "helper/prod", second, "--require", "require_notes", "--json")
    assert (said.status, said.error["code"]) == (5, "gate_failed")
    assert "no_flip: 1 passed before: s/e0 (0/1); require_notes" in said.error["message"]
    assert here.json("history", "helper/prod") == [first]
    assert "2 of 2 passed" in here.good("history", "helper/prod").text
    text = here.good("current", "helper/prod").text
    assert "verdict:              2 of 2 passed\n" in text
    assert "  min_pass_rate 0.5:  0.6667 over 3 examples\n" in text


def test_a_promotion_is_rehearsed(here: Program, spec: str, second: str) -> None:
    asked = ("promote", "helper/prod", spec, "--version-label", "1.0.0", "--dry-run")
    may = f"spec {spec[:12]} may be promoted to helper/prod"
    assert here.good(*asked).text == f"{may}; no gate is asked\n"
    declare("[gates]\nmin_pass_rate = 0.5\nrequire_notes = true")
    evaluate(spec, "++-")
    lines = here.good(*asked, "--notes", "first").text.splitlines()
    assert lines[0].split() == ["gate", "value", "passed", "what", "was", "seen"]
    assert lines[1].split(None, 3) == ["min_pass_rate", "0.5", "yes", "0.6667 over 3 examples"]
    assert lines[2].split() == ["require_notes", "yes", "yes", "-"]
    assert lines[3:] == [may]
    refused = here(*asked, "--json")
    assert refused.status == 5
    assert json.loads(refused.err)["error"]["code"] == "gate_failed"
    answer = json.loads(refused.out)
    assert answer["verdict"]["passed"] is False
    assert [one["passed"] for one in answer["verdict"]["gates"]] == [True, False]
    assert (answer["dry_run"], answer["name"], answer["previous"]) == (True, "helper/prod", None)
    assert answer["metadata"]["version_label"] == "1.0.0"
    assert here.json("history", "helper/prod") == []
    here.good(*asked[:-1], "--notes", "first")
    assert here.good(*asked, "--notes", "again").text.endswith(f"{may}, after seq 1\n")
    stale = here(*asked, "--expected-current", "none", "--json")
    assert (stale.status, stale.error["code"]) == (4, "stale_current")
    last = here("promote", "helper/prod", second, "--dry-run").text.splitlines()[-1]
    assert last == f"spec {second[:12]} may not be promoted to helper/prod, after seq 1"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[gates]\nmin_pas_rate = 1", "config.toml: gates: unknown gate 'min_pas_rate'"),
        ('[gates."a/b"]\nno_flip = 3', 'config.toml: gates."a/b": no_flip is 3'),
        ('[gates."a b"]\nno_flip = true', "config.toml: not a valid name: 'a b'"),
    ],
)
def test_a_typo_is_refused_when_the_configuration_is_read(
    here: Program, text: str, named: str
) -> None:
    declare(text)
    said = here("releases", "--json")
    assert (said.status, said.error["code"]) == (2, "invalid_config")
    assert named in said.error["message"]
    assert said.error["hint"]


def test_gates_are_a_table(here: Program) -> None:
    CONFIG.write_text("gates = 3\n")
    assert here.fail("releases") == (2, "invalid_config")


def test_environments(here: Program, spec: str, second: str) -> None:
    here.good("promote", "helper/staging", spec, "--version-label", "1.0.0", "--notes", "new")
    prod = here.json("promote", "helper/prod", "--from", "helper/staging")
    assert prod["spec_digest"] == spec
    assert prod["metadata"]["version_label"] == "1.0.0"
    assert prod["reason"] == "from helper/staging@1"
    here.good("promote", "helper/staging", second)
    labelled = ("--version-label", "2.0.0")
    older = here.json("promote", "helper/prod", "--from", "helper/staging@1", *labelled)
    assert (older["metadata"]["version_label"], older["spec_digest"]) == ("2.0.0", spec)
    assert "from helper/staging@1" in here.good("history", "helper/prod").text
    assert here.fail("promote", "helper/prod", "--from", "nobody") == (3, "release_not_found")
    for both in ((), (spec, "--from", "helper/staging")):
        assert here("promote", "helper/prod", *both).status == 2


def test_approvals(here: Program, spec: str) -> None:
    declare("[gates]\nrequire_approval = true")
    here.good("approve", spec[:8], "--by", "tester")
    assert here.fail("promote", "helper", spec) == (5, "gate_failed")
    said = here.json("approve", spec, "--by", "bob", "--for", "helper", "--comment", "read it")
    assert list(said) == ["run_id", "spec_digest", "actor", "name", "comment", "seal"]
    assert (said["actor"], said["name"], said["comment"]) == ("bob", "helper", "read it")
    record = here.json("promote", "helper", spec)
    assert [said["run_id"], said["seal"]] in record["verdict"]["evidence"]
    assert "approved by bob" in here.good("current", "helper").text
    assert "actor:" in here.good("approve", "helper", "--by", "eve").text
    assert here.fail("approve", "f" * 64) == (3, "spec_not_found")


def test_the_promoter_may_be_allowed_to_approve(here: Program, spec: str) -> None:
    declare("[gates]\nrequire_approval = 1\nallow_self_approval = true")
    here.good("approve", spec)
    here.good("promote", "helper", spec)


def test_whoever_erases_failures_does_not_pass_unless_the_repository_allows_it(
    here: Program, spec: str
) -> None:
    declare("[gates]\nmin_pass_rate = 0.9")
    evaluate(spec, "---")
    run = here.json("run", "list")[0]["run_id"]
    evaluate(spec, "+++")
    here.good("run", "purge", run)
    assert here.fail("promote", "helper", spec) == (5, "gate_failed")
    assert "3 results were erased" in here("promote", "helper", spec).err
    declare("allow_erased = true")
    assert here.json("promote", "helper", spec)["verdict"]["passed"] is True


def test_deprecating(here: Program, spec: str, second: str) -> None:
    here.good("promote", "helper", spec, "--version-label", "one")
    here.good("promote", "helper", second)
    mark = here.json("deprecate", "helper@one", "--reason", "too rude", "--by", "bob")
    assert (mark["kind"], mark["restores"], mark["keeps"]) == ("deprecate", 1, 2)
    assert (mark["actor"], mark["reason"], mark["spec_digest"]) == ("bob", "too rude", second)
    assert here.json("current", "helper")["seq"] == 2
    rows = here.good("history", "helper").text.splitlines()
    assert [row.split("helper@")[0].rstrip() for row in rows[1:]] == ["  -", "@", "o!"]
    assert "deprecate 1" in rows[1]
    said = here.good("rollback", "helper")
    assert "warning: helper@1 is deprecated: too rude\n" in said.err
    assert "seq 4 is byte for byte what seq 1 released (5 objects, " in said.text
    assert "as in seq 1" in here.good("current", "helper").text
    assert here.fail("deprecate", "helper@9", "--reason", "x") == (3, "release_not_found")
    stale = ("--expected-current", "2")
    assert here.fail("deprecate", "helper@1", "--reason", "x", *stale) == (4, "stale_current")
    assert here("deprecate", "helper@1").status == 2
    assert here.json("verify")["ok"] is True


def test_the_last_good_release(here: Program, spec: str, second: str) -> None:
    gate = ("--require", "require_spec_digest")
    here.good("promote", "helper", spec, *gate)
    here.good("promote", "helper", second, *gate)
    here.good("promote", "helper", second)
    assert here.json("rollback", "helper", "--to", "last-good")["restores"] == 2
    assert here.json("rollback", "helper", "--to", "last-good")["restores"] == 1
    assert here.fail("rollback", "helper", "--to", "last-good") == (3, "release_not_found")
    named = ("--version-label", "last-good")
    assert here.fail("promote", "helper", spec, *named) == (2, "invalid_input")
