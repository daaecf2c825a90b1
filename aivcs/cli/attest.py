"""The commands ``attest`` and ``verify-attestation``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from aivcs.cli import inputs, output, suggest
from aivcs.cli.command import PATH, command
from aivcs.errors import InvalidInputError, NothingToAttest

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.cli.session import Session
    from aivcs.cli.views import View
    from aivcs.domain.attestation import Attestation
    from aivcs.domain.attested import Attested

_MAX: Final = 2**27
_KINDS: Final = ("release", "test-result", "vsa")
_ALL: Final = "all"


@command("attest")
@click.argument("name", shell_complete=suggest.agents)
@click.option(
    "--kind",
    type=click.Choice([*_KINDS, _ALL]),
    default=_KINDS[0],
    help="That it is a release, how its examples did, what its gates said, or all there is.",
)
@click.option(
    "-o",
    "--output",
    "target",
    required=True,
    metavar="FILE|DIR",
    type=PATH,
    help="Write it there; - is stdout. For all it is a folder.",
)
@click.pass_obj
def attest(session: Session, *, name: str, kind: str, target: str) -> None:
    """Write a release as signed in-toto attestations.

    NAME is an agent, for its current release, or NAME@SEQ, NAME@LABEL, NAME~N. Each file is a
    DSSE envelope, signed by the key of the public logs; without one nothing is written. A
    release that no gate was asked for has neither test-result nor vsa. JSON: [{file, kind, name,
    seq, spec_digest, predicate_type, keyid}].
    """
    if kind == _ALL and target == inputs.STDIN:
        msg = "several attestations cannot go to stdout"
        raise InvalidInputError(msg, hint="name a folder, or one --kind")
    with session.open() as repo:
        record = repo.find.entry(name)
        if kind == _ALL:
            found, missing = [], []
            for one in _KINDS:
                try:
                    found.append(repo.attest(record.name, record.seq, one))
                except NothingToAttest as error:
                    missing.append(f"no {one}: {error.message}")
        else:
            found, missing = [repo.attest(record.name, record.seq, kind)], []
    if target == inputs.STDIN:
        output.write_bytes(found[0].data())
        return
    from aivcs.repo.attests import save_attestation, save_attestations

    many = kind == _ALL
    paths = save_attestations(found, target) if many else [save_attestation(found[0], target)]
    rows = list(map(_row, found, paths))
    output.answer(session, rows, lambda: output.write_lines(map(_line, rows)))
    for why in missing:
        output.note(why)


@command("verify-attestation")
@click.argument("file", type=PATH)
@click.option(
    "--key",
    "keys",
    required=True,
    multiple=True,
    metavar="VKEY|FILE",
    help="A verifier key of the log of releases; may repeat.",
)
@click.option("--spec", metavar="DIGEST", help="It must be about this spec.")
@click.pass_obj
def verify_attestation(
    session: Session, *, file: str, keys: tuple[str, ...], spec: str | None
) -> None:
    """Check an attestation and say what it says.

    It needs no repository. Exit status 6 when it does not hold. JSON: {kind, uri, spec_digest,
    subjects, predicate, signed_by}.
    """
    from aivcs.domain import attested

    data = inputs.read(file, _MAX)
    found = attested.verify_attestation(data, *inputs.verifier_keys(keys), spec=spec)
    output.answer(session, _view(found), lambda: _write(found))


def _row(one: Attestation, path: Path) -> View:
    from aivcs.domain.attestation import PREDICATES

    return {
        "file": str(path),
        "kind": one.kind.value,
        "name": one.name,
        "seq": one.seq,
        "spec_digest": str(one.spec_digest),
        "predicate_type": PREDICATES[one.kind],
        "keyid": one.envelope.signatures[0].keyid,
    }


def _line(row: View) -> str:
    spec = output.short(row["spec_digest"])
    return f"{row['file']}: {row['kind']} of {row['name']}@{row['seq']}, spec {spec}"


def _view(found: Attested) -> View:
    return {
        "kind": found.kind.value,
        "uri": found.uri,
        "spec_digest": str(found.spec_digest),
        "subjects": {name: str(digest) for name, digest in found.subjects.items()},
        "predicate": dict(found.predicate),
        "signed_by": list(found.signed_by),
    }


def _write(found: Attested) -> None:
    output.write_lines([f"it holds: {found.kind.value} of {found.uri}"])
    fields: list[tuple[str, object]] = [("spec", str(found.spec_digest))]
    fields += _facts(found)
    output.write_fields([*fields, *(("signed by", key) for key in found.signed_by)])


def _facts(found: Attested) -> list[tuple[str, object]]:
    said = found.predicate
    match found.kind.value:
        case "release":
            return [(key, value) for key, value in said["aivcs"].items() if key != "log"]
        case "test-result":
            tests = [(f"{one}Tests", said[f"{one}Tests"]) for one in ("passed", "warned", "failed")]
            return [("result", said["result"]), *((key, len(names)) for key, names in tests)]
        case _:
            levels = " ".join(map(str, said["verifiedLevels"]))
            about = [(key, said[key]) for key in ("verificationResult", "timeVerified")]
            return [*about, ("verifier", said["verifier"]["id"]), ("verifiedLevels", levels)]
