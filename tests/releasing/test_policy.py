from __future__ import annotations

import math
import tomllib
from typing import Any

import pytest

from aivcs.domain.gate import GATES
from aivcs.domain.gates.model import Need
from aivcs.domain.policy import (
    Policies,
    Policy,
    read_additions,
    read_policies,
    read_requirements,
)
from aivcs.errors import InvalidInputError, InvalidName

DECLARED = """
[gates]
min_pass_rate = 0.9
require_notes = true
suites = ["smoke"]
["gates"."*/prod"]
min_pass_rate = true
require_approval = true
suites = ["smoke", "full"]
[gates."support/*"]
min_examples = 20
[gates."support/prod"]
require_notes = false
min_pass_rate = 0.5
allow_self_approval = true
min_pass_hat = { 4 = 0.5, 1 = 0.75 }
require_tag = "safety"
"""


def declared(text: str) -> Policies:
    table: Any = tomllib.loads(text)["gates"]
    return read_policies(table)


def test_the_more_special_declaration_wins() -> None:
    policies = declared(DECLARED)
    assert policies.of("helper") == Policy(
        {"min_pass_rate": 0.9, "require_notes": True}, ("smoke",)
    )
    assert policies.of("billing/prod") == Policy(
        {"min_pass_rate": 0.95, "require_notes": True, "require_approval": 1}, ("smoke", "full")
    )
    assert policies.of("support/prod") == Policy(
        {
            "min_pass_rate": 0.5,
            "require_approval": 1,
            "min_examples": 20,
            "min_pass_hat": {"1": 0.75, "4": 0.5},
            "require_tag": ["safety"],
        },
        ("smoke", "full"),
        self_approval=True,
    )
    assert Policies().of("helper") == Policy()


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("*/prod", "a/prod", True),
        ("*/prod", "a/prods", False),
        ("a?c*", "abcd", False),
        ("a*c", "ac", True),
        ("[ab]*", "[ab]x", True),
        ("[ab]*", "ax", False),
    ],
)
def test_a_star_stands_for_any_characters(pattern: str, name: str, *, fits: bool) -> None:
    policies = read_policies({pattern: {"no_flip": True}})
    assert bool(policies.of(name).gates) is fits


def test_the_digest_is_that_of_what_is_asked() -> None:
    one, same = (
        Policy({"no_flip": True, "min_examples": 3}),
        Policy({"min_examples": 3, "no_flip": True}),
    )
    assert one.digest == same.digest
    others = [
        Policy(),
        Policy({"no_flip": True}),
        Policy(one.gates, ("s",)),
        Policy(one.gates, self_approval=True),
    ]
    assert len({policy.digest for policy in (one, *others)}) == len(others) + 1


def test_what_is_added_is_never_less_strict() -> None:
    policy = Policy(
        {
            "min_pass_rate": 0.9,
            "max_regression": 0.1,
            "min_examples": 5,
            "require_tag": ["a"],
            "min_pass_hat": {"2": 0.5, "4": 0.4},
            "no_flip": True,
        }
    )
    more: dict[str, Any] = {
        "min_pass_rate": 0.5,
        "max_regression": 0.5,
        "min_examples": 2,
        "require_tag": ["b"],
        "min_pass_hat": {"2": 0.6, "4": 0.1, "8": 0.2},
        "no_flip": True,
        "require_notes": True,
    }
    assert policy.adding(more).gates == {
        "min_pass_rate": 0.9,
        "max_regression": 0.1,
        "min_examples": 5,
        "require_tag": ["a", "b"],
        "min_pass_hat": {"2": 0.6, "4": 0.4, "8": 0.2},
        "no_flip": True,
        "require_notes": True,
    }


def test_what_must_be_read() -> None:
    assert Policy({"no_flip": True}).need == Need(evidence=True)
    assert Policy({"unique_version": True, "require_approval": 1}).need == Need(
        labels=True, approvals=True
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("min_pass_rate", {"min_pass_rate": 0.95}),
        ("min_pass_rate=true", {"min_pass_rate": 0.95}),
        ("min_pass_rate=0", {"min_pass_rate": 0}),
        ("max_regression", {"max_regression": 0.05}),
        ("min_examples=12", {"min_examples": 12}),
        ("require_approval", {"require_approval": 1}),
        ("require_tag=safety,money", {"require_tag": ["money", "safety"]}),
        ("min_pass_hat=4:0.5,08:0.25", {"min_pass_hat": {"4": 0.5, "8": 0.25}}),
        ("no_flip=true", {"no_flip": True}),
    ],
)
def test_requirements(text: str, found: dict[str, Any]) -> None:
    assert read_requirements([text]) == found


def test_requirements_add_up() -> None:
    assert read_requirements(["min_examples=2", "no_flip", "min_examples=3"]) == {
        "min_examples": 3,
        "no_flip": True,
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "min_pass_rate=",
        "min_pass_rate=1.01",
        "min_pass_rate=-0.1",
        "min_pass_rate=nan",
        "min_pass_rate=much",
        "min_examples=0",
        "min_examples=1.5",
        "min_examples=99999999999",
        "require_tag",
        "require_tag=",
        "require_tag=a,,b",
        "min_pass_hat",
        "min_pass_hat=4",
        "min_pass_hat=0:1",
        "min_pass_hat=x:1",
        "min_pass_hat=4:2",
        "no_flip=false",
        "suites=a",
    ],
)
def test_a_requirement_with_a_wrong_value(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_requirements([text])
    assert caught.value.hint


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"min_pas_rate": 0.9}, r"^gates: unknown gate 'min_pas_rate'$"),
        ({"min_pas_rate": False}, r"^gates: unknown gate 'min_pas_rate'$"),
        ({"bot": {"no_flp": True}}, r"^gates\.\"bot\": unknown gate 'no_flp'$"),
        ({"min_pass_rate": "0.9"}, r"^gates: min_pass_rate is '0.9'$"),
        ({"min_pass_rate": math.nan}, r"^gates: min_pass_rate is nan$"),
        ({"min_pass_rate": 95}, r"^gates: min_pass_rate is 95$"),
        ({"no_flip": 1}, r"^gates: no_flip is 1$"),
        ({"min_examples": 0}, r"^gates: min_examples is 0$"),
        ({"min_examples": 2.0}, r"^gates: min_examples is 2.0$"),
        ({"require_tag": []}, r"^gates: require_tag is \[\]$"),
        ({"require_tag": ["a", 1]}, r"^gates: require_tag is \['a', 1\]$"),
        ({"min_pass_hat": {}}, r"^gates: min_pass_hat is \{\}$"),
        ({"min_pass_hat": {"0": 1}}, r"min_pass_hat is"),
        ({"min_pass_hat": {"2": True}}, r"min_pass_hat is"),
        ({"suites": "smoke"}, r"^gates: suites is 'smoke'$"),
        ({"suites": [""]}, r"^gates: suites is \[''\]$"),
        ({"allow_self_approval": 1}, r"^gates: allow_self_approval is 1$"),
        ({"allow_erased": "yes"}, r"^gates: allow_erased is 'yes'$"),
    ],
)
def test_a_wrong_declaration_is_named(table: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as caught:
        read_policies(table)
    assert caught.value.hint


def test_what_was_erased_may_be_allowed() -> None:
    policies = declared(
        '[gates]\nallow_erased = true\nno_flip = true\n["gates"."a"]\nallow_erased = false'
    )
    assert policies.of("b") == Policy({"no_flip": True}, erased=True)
    assert policies.of("a") == Policy({"no_flip": True})
    assert policies.of("b").digest != policies.of("a").digest
    assert policies.of("b").adding({"min_examples": 1}).erased


def test_a_declaration_for_what_is_no_name() -> None:
    with pytest.raises(InvalidName):
        read_policies({"a b": {"no_flip": True}})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (3, "gates must be a table"),
        ({"suites": ["a"]}, "gates: suites can only be declared in the repository's"),
        ({"allow_self_approval": True}, "can only be declared in the repository's"),
        ({"allow_erased": True}, "can only be declared in the repository's"),
        ({"no_flip": False}, "gates: no_flip is False"),
    ],
)
def test_a_candidate_takes_nothing_away(table: object, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        read_additions(table)


def test_every_gate_says_what_it_takes() -> None:
    for name, gate in GATES.items():
        with pytest.raises(InvalidInputError) as caught:
            read_additions({name: "\0"}) if name != "require_tag" else read_additions({name: 1})
        assert caught.value.hint == f"{name} takes {gate.form.expects}"
