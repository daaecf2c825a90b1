"""A small repository with all that releases have, shown to outsiders: what is changed, and asked.

Its gates rest on evaluations and an approval, there was a rollback and a deprecation, one body
is an object, the logs are published and signed, and their key was rotated.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from aivcs.domain.attested import verify_attestation
from aivcs.domain.evidence import Result
from aivcs.domain.proof_content import verify_proof
from aivcs.domain.published import LOGS, log_origin
from aivcs.errors import AivcsError
from aivcs.repo import init, keys, open_repo
from aivcs.testing.subject import by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aivcs.domain.digest import Digest
    from aivcs.repo import Repo

ORIGIN: Final = "example.com/agents"
AGENT: Final = "shop-keeper"
STAGING: Final = "shop-keeper/staging"
_POLICY: Final = "\n[gates]\nmin_pass_rate = 0.5\nunique_version = true\nrequire_approval = 1\n"
_SPECS: Final = 4
_LONG: Final = 1000


@dataclass(frozen=True, slots=True)
class Shown:
    """What an outsider has of it: the log's verifier keys by log, and files of proofs."""

    keys: dict[str, str]
    proofs: dict[str, bytes]
    attestations: dict[str, bytes]


@contextmanager
def keyring(folder: Path) -> Iterator[None]:
    """Let the keys that sign be in a folder, for as long as it lasts."""
    before = {name: os.environ.pop(name, None) for name in ("XDG_DATA_HOME", keys.VARIABLE)}
    os.environ["XDG_DATA_HOME"] = str(folder)
    try:
        yield
    finally:
        del os.environ["XDG_DATA_HOME"]
        os.environ.update({name: value for name, value in before.items() if value is not None})


def make(place: Path, *, more: int = 0) -> Shown:
    """Make it, with so many releases more; the keys are where ``keyring`` says."""
    with init(place) as repo:
        repo.name_logs(ORIGIN)
    config = place / ".aivcs" / "config.toml"
    config.write_text(config.read_text() + _POLICY)
    keys.create(ORIGIN)
    with open_repo(place, upward=False) as repo:
        specs = [_candidate(repo, number) for number in range(_SPECS)]
        _release(repo, specs)
        for number in range(more):
            label = f"1.0.{number}"
            repo.releases.promote(STAGING, specs[number % _SPECS], by("eve", label))
        repo.rotate_key()
        repo.releases.rollback(AGENT, to="last-good", actor="eve")
        repo.publish()
        verifiers = {
            log: replace(key, name=log_origin(key.name, log)).text()
            for log in LOGS
            for key in [keys.own(ORIGIN).verifier()]
        }
        runs = [run.run_id for run in repo.runs.list_runs()]
        return Shown(
            verifiers,
            {f"{AGENT}@{seq}": repo.prove(AGENT, seq).data() for seq in (1, 6)}
            | {"run": repo.prove_run(runs[0]).data()},
            {
                kind: repo.attest(AGENT, 6, kind).data()
                for kind in ("release", "test-result", "vsa")
            },
        )


def _candidate(repo: Repo, number: int) -> Digest:
    """Store a spec that was evaluated and approved."""
    said = {
        "prompts": {"system.md": f"Sell apples, {number}."},
        "model": {"name": "m", "n": number},
    }
    digest = repo.specs.add({"name": AGENT, "components": said}).digest
    passed = [Result("faq", f"q{one}", one > number // 2) for one in range(4)]
    repo.evidence.record(digest, passed)
    repo.approvals.approve(digest, actor="bob", comment="tried it")
    return digest


def _release(repo: Repo, specs: list[Digest]) -> None:
    first, second, third, fourth = specs
    repo.releases.promote(STAGING, first, by("ada", "1.0.0-rc.1"))
    repo.releases.promote(AGENT, first, by("ada", "1.0.0"), reason="the first")
    repo.releases.promote(AGENT, second, by("ada", "1.1.0", "note " * _LONG))
    repo.releases.promote(AGENT, third, by("ada", "1.2.0"))
    repo.releases.rollback(AGENT, actor="eve", reason="complaints")
    repo.releases.deprecate(AGENT, "1.2.0", reason="rude", actor="eve")
    repo.releases.promote(AGENT, fourth, by("ada", "1.3.0"))
    repo.releases.promote(STAGING, second, by("ada", "1.1.0-rc.1"))


class Questions:
    """All that is asked of a repository about releases, and what proofs of it say."""

    def __init__(self, shown: Shown, seqs: tuple[int, ...] = (1, 3, 7)) -> None:
        self._shown = shown
        self._seqs = seqs

    def answers(self, repo: Repo, *kinds: str) -> dict[str, object]:
        """Return the answers; None where a question raises an error of this program.

        ``kinds`` are the words that questions begin with, all without any.
        """
        asked = self._asked(repo)
        return {name: _answered(ask) for name, ask in asked if not kinds or name.startswith(kinds)}

    def _asked(self, repo: Repo) -> Iterator[tuple[str, Callable[[], object]]]:
        releases = repo.releases
        yield "releases", releases.list
        for name in (AGENT, STAGING):
            yield f"history {name}", partial(releases.history, name)
            yield f"current {name}", partial(releases.current, name)
            yield f"label {name}", partial(releases.find, name, "1.0.0")
        yield "specs", partial(_digests, repo)
        yield "evidence", lambda: [repo.evidence.of(one) for one in _digests(repo)]
        yield "approvals", lambda: [_approved(repo, one) for one in _digests(repo)]
        for seq in self._seqs:
            yield f"proof {seq}", partial(self._proved, repo, seq)
            yield f"attestation {seq}", partial(self._attested, repo, seq)
        yield "verdict", partial(self._attested, repo, 2, "test-result")

    def _proved(self, repo: Repo, seq: int) -> object:
        return self.proved(repo.prove(AGENT, seq).data())

    def _attested(self, repo: Repo, seq: int, kind: str = "release") -> object:
        return self.attested(repo.attest(AGENT, seq, kind).data())

    def proved(self, data: bytes, log: str = LOGS[0]) -> object:
        """Return what a proof says to who has the log's key."""
        return repr(verify_proof(data, self._shown.keys[log]))

    def attested(self, data: bytes) -> object:
        """Return what an attestation says to who has the log's key."""
        return repr(verify_attestation(data, self._shown.keys[LOGS[0]]))


def _digests(repo: Repo) -> list[Digest]:
    return sorted(spec.digest for spec in repo.specs.list())


def _approved(repo: Repo, spec: Digest) -> list[str]:
    return sorted(map(repr, repo.approvals.of(spec)))


def _answered(ask: Callable[[], object]) -> str | None:
    try:
        return repr(ask())
    except AivcsError:
        return None
