from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.domain.evidence import Result
from aivcs.domain.note import Signer
from aivcs.repo import keys as repo_keys
from aivcs.repo import open_repo
from aivcs.testing.subject import add_spec, by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs.domain.release import ReleaseRecord
    from aivcs.ports import Clock, Ids
    from aivcs.repo import Repo

ORIGIN = "example.com/agents"
LOG = f"{ORIGIN}/releases"
KEY = Signer(ORIGIN, bytes(range(32)))
OTHER = Signer(ORIGIN, bytes(32))
AGENT = "support/prod"


def vkey(signer: Signer = KEY, name: str = LOG) -> str:
    """Return the verifier key of a signing key under the name of a log."""
    return Signer(name, signer.seed).verifier().text()


def outcomes(text: str, suite: str = "faq") -> list[Result]:
    """Give one example a word, of as many trials as it has digits: ``11`` passed twice."""
    return [
        Result(suite, f"q{number}", digit == "1", None, (), trial)
        for number, word in enumerate(text.split(), 1)
        for trial, digit in enumerate(word, 1)
    ]


def gated(repo: Repo, text: str, prompt: str = "Be helpful.", *more: str) -> ReleaseRecord:
    """Release a spec after an evaluation of so many trials, with gates on it."""
    spec = add_spec(repo, prompt)
    repo.evidence.record(spec, outcomes(text))
    gates = ["min_pass_rate=0.25", "min_examples=1", *more]
    return repo.releases.promote(AGENT, spec, by("ada", "1.0.0"), require=gates)


@pytest.fixture(autouse=True)
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a folder of keys of its own, with the key in it; return its file."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("AIVCS_KEY", raising=False)
    return repo_keys.keyring().create(KEY)


@pytest.fixture
def repo(clock: Clock, ids: Ids) -> Iterator[Repo]:
    """Return an empty repository whose logs have a name, where nothing is left to chance."""
    with open_repo("memory:", clock=clock, ids=ids, salts=bytes) as found:
        found.name_logs(ORIGIN)
        yield found
