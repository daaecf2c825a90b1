"""The commands ``prove`` and ``verify-proof``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from aivcs.cli import inputs, output, suggest
from aivcs.cli.command import PATH, command
from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from aivcs.cli.session import Session
    from aivcs.cli.views import View
    from aivcs.domain.log_proof import Proof
    from aivcs.domain.proof_content import Shown

_MAX_PROOF: Final = 2**27
_OTHERS: Final = 2


@command("prove")
@click.argument("name", required=False, shell_complete=suggest.agents)
@click.option("--run", "run", metavar="RUN", help="Prove how a run ended, in place of a release.")
@click.option(
    "--after-key",
    "old",
    metavar="VKEY|FILE",
    help="Prove which key came after this one of the log of releases.",
)
@click.option(
    "-o",
    "--output",
    "target",
    required=True,
    metavar="FILE",
    type=PATH,
    help="Write it there; - is stdout.",
)
@click.pass_obj
def prove(
    session: Session, *, name: str | None, run: str | None, old: str | None, target: str
) -> None:
    """Write a proof that a release is in the public log.

    Or, with an option, that a run ended so, or which key came next. NAME is an agent, for its
    current release, or NAME@SEQ, NAME@LABEL, NAME~N. The file has all that 'verify-proof'
    needs but the key of the log. What is not published yet is published first. JSON: {file,
    bytes, origin, index, size, signed}; with -o - also proof, the text.
    """
    if [name, run, old].count(None) != _OTHERS:
        msg = "a proof is of a release, of a run or of a key"
        raise InvalidInputError(msg, hint="give NAME, --run RUN, or --after-key VKEY")
    with session.open() as repo:
        if run is not None:
            proof = repo.prove_run(repo.find.run(run))
        elif old is not None:
            proof = repo.prove_key(*inputs.verifier_keys([old]))
        else:
            record = repo.find.release(str(name))
            proof = repo.prove(record.name, record.seq)
    head, signed = proof.checkpoint.checkpoint, bool(proof.checkpoint.note.signatures)
    if target == inputs.STDIN and not session.json:
        output.write_bytes(proof.data())
    else:
        value = {
            "file": target,
            "bytes": _save(proof, target),
            "origin": head.origin,
            "index": proof.index,
            "size": head.size,
            "signed": signed,
        }
        if target == inputs.STDIN:
            value["proof"] = proof.data().decode()
        text = f"{target}: entry {proof.index} of the {head.size} of {head.origin}"
        output.answer(session, value, lambda: output.write_lines([text]))
    if not signed:
        output.note("warning: the log is not signed, so this proves nothing to anybody else")


def _save(proof: Proof, target: str) -> int:
    """Write the file, unless stdout shall have it; return how many bytes it has."""
    from aivcs.repo.publics import save_proof

    return len(proof.data()) if target == inputs.STDIN else save_proof(proof, target)


@command("verify-proof")
@click.argument("file", type=PATH)
@click.option(
    "--key",
    "keys",
    required=True,
    multiple=True,
    metavar="VKEY|FILE",
    help="A verifier key of the log; may repeat.",
)
@click.pass_obj
def verify_proof(session: Session, *, file: str, keys: tuple[str, ...]) -> None:
    """Check a proof and say what it proves.

    It needs no repository. Exit status 6 when it does not hold. JSON: {what, ...facts, log:
    {origin, index, size}, signed_by}; what is release, run or key. A proof that a key came
    after one that is given holds although the new one signs: its facts are old, new and
    verifiers: {releases, runs}.
    """
    from aivcs.domain import proof_content

    shown = proof_content.verify_proof(inputs.read(file, _MAX_PROOF), *inputs.verifier_keys(keys))
    value = _view(shown)
    output.answer(session, value, lambda: _write(shown))


def _view(shown: Shown) -> View:
    return {
        "what": shown.what,
        **shown.facts,
        "log": {"origin": shown.origin, "index": shown.index, "size": shown.size},
        "signed_by": list(shown.signed_by),
    }


def _write(shown: Shown) -> None:
    facts = dict(shown.facts)
    if shown.what == "key":
        _write_key(shown)
        return
    metadata = facts.pop("metadata", None)
    if isinstance(metadata, dict):
        facts |= {key: value for key, value in metadata.items() if key not in facts}
    name = facts["run_id"] if shown.what == "run" else f"{facts['name']}@{facts['seq']}"
    _write_head(shown, f"{shown.what} {name}")
    output.write_fields(
        [
            *((key, value) for key, value in facts.items() if value is not None),
            *(("signed by", key) for key in shown.signed_by),
        ]
    )


def _write_key(shown: Shown) -> None:
    _write_head(shown, "the new key")
    said = [("before", shown.facts["old"])]
    said += [(f"verifier of {log}", key) for log, key in shown.facts["verifiers"].items()]
    output.write_fields([*said, *(("signed by", key) for key in shown.signed_by)])


def _write_head(shown: Shown, what: str) -> None:
    output.write_lines(
        [f"it holds: {what} is entry {shown.index} of the {shown.size} of {shown.origin}"]
    )
