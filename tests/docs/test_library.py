"""The page on the library has every public name, call, gate and error."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

import pytest

import aivcs
from aivcs.domain.gate import GATES
from aivcs.errors import AivcsError
from aivcs.repo import Repo
from aivcs.services.event_store import EventStore
from aivcs.services.evidence import EvidenceStore
from aivcs.services.objects import CasStore
from aivcs.services.releases import ReleaseRegistry
from aivcs.services.runs import RunLedger
from aivcs.services.specs import SpecStore
from aivcs.services.state_store import StateStore
from tests.docs.markdown import DOCS, table

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (DOCS / "library.md").read_text(encoding="utf-8")
UNLISTED = {
    CasStore: {"check_row", "prepare", "read"},
    SpecStore: {"observing", "prepare", "rehash", "store"},
    RunLedger: {"prepare", "appending", "end_run", "ending", "epoch", "forgetting"},
    ReleaseRegistry: {"find", "iter_labels"},
    EventStore: set(),
    StateStore: set(),
    EvidenceStore: set(),
}
"""What services use of one another, and users need not."""

SECTIONS = {
    CasStore: "## Objects",
    SpecStore: "## Specs",
    RunLedger: "## Runs, with the names of RunLedger",
    EventStore: "## Executions",
    ReleaseRegistry: "## Releases",
    StateStore: "## State",
    EvidenceStore: "## Evidence",
}


def _names(heading: str) -> list[str]:
    return [name for row in table(PAGE, heading) for name in re.findall(r"`([^`]+)`", row[0])]


def _errors(root: type[AivcsError]) -> Iterator[type[AivcsError]]:
    yield root
    for child in root.__subclasses__():
        yield from _errors(child)


def _call(name: str, function: object) -> str:
    """Return a call as the page writes it: names and defaults of the parameters."""
    assert callable(function)
    signature = inspect.signature(function)
    plain = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
        if parameter.name != "self"
    ]
    bare = signature.replace(parameters=plain, return_annotation=inspect.Signature.empty)
    return f"{name}{bare}"


def test_every_public_name_is_listed() -> None:
    assert sorted(_names("## Public names")) == sorted(set(aivcs.__all__) - {"__version__"})


@pytest.mark.parametrize("store", list(SECTIONS), ids=lambda store: store.__name__)
def test_every_call_is_listed_with_its_parameters(store: type) -> None:
    real = {
        _call(name, function)
        for name, function in inspect.getmembers(store, callable)
        if not name.startswith("_") and name not in UNLISTED[store]
    }
    assert set(_names(SECTIONS[store])) == real


def test_the_call_that_records_a_command_is_as_stated() -> None:
    wanted = _call("repo.command", Repo.command)
    stated = re.search(r"`(repo\.command\(.*?\))`", PAGE)
    assert stated is not None
    assert sorted(re.findall(r"\w+=?\w*", stated[1])) == sorted(re.findall(r"\w+=?\w*", wanted))


def test_every_gate_is_listed() -> None:
    assert _names("### Gates") == list(GATES)


def test_every_error_is_listed() -> None:
    real = [
        [
            f"`{error.__name__}`",
            ", ".join(f"`{base.__name__}`" for base in error.__bases__),
            str(error.exit_code),
            f"`{error.code}`",
        ]
        for error in _errors(AivcsError)
        if error.__module__ == "aivcs.errors"
    ]
    assert sorted(table(PAGE, "## Errors")) == sorted(real)
