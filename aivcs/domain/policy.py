"""Policies: which gates a release of an agent must pass, as the repository declares it.

``[gates]`` counts for every agent, ``[gates."NAME"]`` for one, and ``*`` in a name stands for
any characters. The more special declaration wins, gate by gate; ``false`` takes a gate away.
What a candidate or its promoter declares is only added.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from aivcs.domain import canonical
from aivcs.domain.digest import Digest
from aivcs.domain.gate import GATES
from aivcs.domain.gates.model import Need
from aivcs.domain.names import check_name
from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aivcs.domain.canonical import Json

SUITES: Final = "suites"
SELF: Final = "allow_self_approval"
ERASED: Final = "allow_erased"
OPTIONS: Final = (SUITES, SELF, ERASED)


@dataclass(frozen=True, slots=True)
class Policy:
    """The gates of one agent with their values, and how they are read.

    ``suites`` are the suites whose evaluations count, all where there is none. With ``erased``
    gates pass also where results were erased that nobody can read any more.
    """

    gates: Mapping[str, Json] = field(default_factory=dict)
    suites: tuple[str, ...] = ()
    self_approval: bool = False
    erased: bool = False

    @property
    def digest(self) -> Digest:
        """The digest of the canonical JSON of all of it."""
        said: dict[str, Json] = {
            "gates": dict(self.gates),
            SUITES: list(self.suites),
            SELF: self.self_approval,
        }
        if self.erased:
            said[ERASED] = True
        return Digest.of(canonical.dumps(said))

    @property
    def need(self) -> Need:
        """What must be read for the gates."""
        asked = [GATES[name].need for name in self.gates]
        return Need(*(any(column) for column in zip(*asked, strict=True)))

    def adding(self, more: Mapping[str, Json]) -> Policy:
        """Return it with more gates; of two values of one gate the stricter holds."""
        gates = dict(self.gates)
        for name, value in more.items():
            known = gates.get(name)
            gates[name] = value if known is None else GATES[name].form.stricter(known, value)
        return replace(self, gates=gates)


@dataclass(frozen=True, slots=True)
class Policies:
    """What a repository declares: for names that match a pattern, in order of precedence.

    None as a value takes the gate away.
    """

    declared: tuple[tuple[str, Mapping[str, Json]], ...] = ()

    def of(self, name: str) -> Policy:
        """Return the policy of an agent."""
        found: dict[str, Any] = {}
        for pattern, said in self.declared:
            if _fits(pattern, name):
                found.update(said)
        suites, own = found.pop(SUITES, None) or (), found.pop(SELF, None) is True
        erased = found.pop(ERASED, None) is True
        gates = {name: value for name, value in found.items() if value is not None}
        return Policy(gates, tuple(suites), own, erased)


def read_policies(table: Mapping[str, object]) -> Policies:
    """Return what the table ``gates`` of a configuration declares.

    InvalidInputError names the key that is unknown or has the wrong value.
    """
    everywhere: dict[str, object] = {}
    named: dict[str, dict[str, object]] = {}
    for key, value in table.items():
        if isinstance(value, dict) and key not in GATES:
            named[check_name(key)] = value
        else:
            everywhere[key] = value
    patterns = [key for key in named if "*" in key]
    exact = [key for key in named if "*" not in key]
    declared = [("*", _declared("gates", everywhere))]
    declared += [(key, _declared(f'gates."{key}"', named[key])) for key in (*patterns, *exact)]
    return Policies(tuple(declared))


def read_additions(table: object) -> dict[str, Json]:
    """Return what the table ``gates`` of a candidate's manifest adds; raises as above."""
    if not isinstance(table, dict):
        msg = "gates must be a table"
        raise InvalidInputError(msg, hint="for example: [gates], then min_pass_rate = 0.95")
    return {key: read_value("gates", key, table[key]) for key in table}


def read_requirements(texts: Iterable[str]) -> dict[str, Json]:
    """Return the gates that texts such as ``no_flip`` and ``min_pass_rate=0.9`` ask for."""
    found = Policy()
    for text in texts:
        name, equals, said = text.partition("=")
        form = _gate(name)
        value = form.read_text(said) if equals else form.read(True)  # noqa: FBT003 - a value
        if value is None:
            msg = f"the gate {name} has no value {said!r}" if equals else f"{name} needs a value"
            raise InvalidInputError(msg, hint=f"{name} takes {form.expects}")
        found = found.adding({name: value})
    return dict(found.gates)


def read_value(place: str, key: str, value: object) -> Json:
    """Return a declared value of a gate; InvalidInputError for one it does not take."""
    form = _gate(key, place)
    found: Json = form.read(value)
    if found is None:
        msg = f"{place}: {key} is {value!r}"
        raise InvalidInputError(msg, hint=f"{key} takes {form.expects}")
    return found


def _fits(pattern: str, name: str) -> bool:
    parts = pattern.split("*")
    return re.fullmatch(".*".join(map(re.escape, parts)), name) is not None


def _declared(place: str, table: Mapping[str, object]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, value in table.items():
        if key == SUITES:
            found[key] = _suites(place, value)
        elif key in {SELF, ERASED}:
            found[key] = _truth(place, key, value)
        else:
            found[key] = None if value is False else read_value(place, key, value)
            _gate(key, place)
    return found


def _suites(place: str, value: object) -> Json:
    if isinstance(value, list) and all(isinstance(one, str) and one.strip() for one in value):
        return value
    msg = f"{place}: {SUITES} is {value!r}"
    raise InvalidInputError(msg, hint=f"{SUITES} takes a list of texts")


def _truth(place: str, key: str, value: object) -> Json:
    if isinstance(value, bool):
        return value
    msg = f"{place}: {key} is {value!r}"
    raise InvalidInputError(msg, hint=f"{key} takes true or false")


def _gate(name: str, place: str = "") -> Any:  # noqa: ANN401 - each has a form of its own
    gate = GATES.get(name)
    if gate is not None:
        return gate.form
    where = f"{place}: " if place else ""
    msg = f"{where}unknown gate {name!r}"
    if name in OPTIONS:
        msg = f"{where}{name} can only be declared in the repository's configuration"
    raise InvalidInputError(msg, hint=f"the gates are {', '.join(GATES)}")
