"""Reading an attestation: what it says, if who holds the key of the log has signed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aivcs.domain import canonical, uris
from aivcs.domain.attestation import (
    FAILED,
    OWN,
    PASSED,
    PAYLOAD_TYPE,
    PREDICATES,
    SPEC,
    STATEMENT,
    WARNED,
    Kind,
)
from aivcs.domain.digest import Digest
from aivcs.domain.dsse import Envelope
from aivcs.domain.log_proof import HEADER
from aivcs.domain.published import RELEASES, log_origin
from aivcs.domain.signing import Verifier
from aivcs.errors import InvalidInputError, ProofInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_KINDS: Final = {uri: kind for kind, uri in PREDICATES.items()}
_SUFFIX: Final = log_origin("", RELEASES)


@dataclass(frozen=True, slots=True)
class Attested:
    """What an attestation says of the release that the package URL ``uri`` names.

    ``subjects`` are the spec, and where it is of the kind ``release`` its components, by their
    names. ``predicate`` is as the predicate type has it. ``signed_by`` are the verifier keys
    whose signatures hold.
    """

    kind: Kind
    uri: str
    spec_digest: Digest
    subjects: Mapping[str, Digest]
    predicate: Mapping[str, Any]
    signed_by: tuple[str, ...]


def verify_attestation(data: bytes, *keys: str, spec: Digest | str | None = None) -> Attested:
    """Return what an attestation says under a verifier key; needs no repository.

    ``keys`` are verifier keys of a log of releases. With ``spec`` it must be about that one.
    Raises ProofInvalid for a file that is no attestation, that none of ``keys`` has signed,
    or that is about another spec or log; InvalidInputError for what is no key, InvalidDigest.
    """
    wanted = None if spec is None else Digest.parse(spec)
    if data.startswith(HEADER.encode()):
        msg = "not an attestation: it is a proof"
        raise ProofInvalid(msg, hint="'aivcs verify-proof' checks a proof")
    envelope = Envelope.parse(data)
    signed_by = envelope.verified(map(Verifier.parse, keys))
    # Nothing is read of what nobody has signed.
    if envelope.payload_type != PAYLOAD_TYPE:
        msg = f"its type is {envelope.payload_type!r:.200}, not {PAYLOAD_TYPE}"
        raise _unknown(msg)
    try:
        found = _read(canonical.loads(envelope.payload))
    except (InvalidInputError, LookupError, TypeError, ValueError, AttributeError) as error:
        msg = f"the statement: {error}"
        raise _unknown(msg) from error
    kind, uri, subjects, predicate = found
    owners = _of_log(uri, signed_by)
    digest = subjects[SPEC]
    if wanted is not None and digest != wanted:
        msg = f"it is about the spec {digest}, not {wanted}"
        raise ProofInvalid(msg, hint="ask for the attestation of that release")
    return Attested(kind, uri, digest, subjects, predicate, owners)


def _read(statement: Any) -> tuple[Kind, str, dict[str, Digest], dict[str, Any]]:  # noqa: ANN401 - JSON
    """Return kind, package URL, subjects and predicate; any lookup error where one is missing."""
    if statement["_type"] != STATEMENT:
        msg = f"its type is not {STATEMENT}"
        raise _unknown(msg)
    kind = _KINDS.get(statement["predicateType"])
    if kind is None:
        msg = f"the predicate type {statement['predicateType']!r:.200} is unknown"
        raise _unknown(msg)
    named: dict[str, Any] = {str(one["name"]): one for one in statement["subject"]}
    subjects = {name: Digest.parse(one["digest"]["sha256"]) for name, one in named.items()}
    uri = named[SPEC]["uri"]
    predicate = dict(statement["predicate"])
    if not (isinstance(uri, str) and _CHECKS[kind](uri, predicate)):
        msg = "the predicate is not of its type"
        raise ValueError(msg)
    return kind, uri, subjects, predicate


def _is_release(uri: str, predicate: Mapping[str, Any]) -> bool:
    said = predicate[OWN]
    origin = said["log"].removesuffix(_SUFFIX)
    return bool(predicate["purl"] == uri) and uri == uris.release_purl(
        origin, said["name"], said["seq"]
    )


def _is_result(_: str, predicate: Mapping[str, Any]) -> bool:
    lists = [predicate[f"{one.lower()}Tests"] for one in (PASSED, WARNED, FAILED)]
    lists.append(predicate["configuration"])
    known = predicate["result"] in {PASSED, WARNED, FAILED}
    return known and all(isinstance(one, list) for one in lists)


def _is_summary(uri: str, predicate: Mapping[str, Any]) -> bool:
    known = predicate["verificationResult"] in {PASSED, FAILED}
    texts = predicate["verifier"]["id"], predicate["timeVerified"]
    whole = all(isinstance(one, str) for one in texts)
    about = predicate["resourceUri"] == uri
    return known and whole and about and isinstance(predicate["verifiedLevels"], list)


_CHECKS: Final = {
    Kind.RELEASE: _is_release,
    Kind.TEST_RESULT: _is_result,
    Kind.VSA: _is_summary,
}


def _of_log(uri: str, keys: Iterable[Verifier]) -> tuple[str, ...]:
    """Return those of the keys that are of the log whose release it is; ProofInvalid if none."""
    space = uri.rpartition("/")[0]
    names = {key: key.name.removesuffix(_SUFFIX) for key in keys}
    owners = tuple(
        key.text()
        for key, origin in names.items()
        if key.name == origin + _SUFFIX and uris.namespace(origin) == space
    )
    if owners:
        return owners
    said = ", ".join(key.name for key in names)
    msg = f"it is about {uri!r:.200}, and the key is of {said}"
    raise ProofInvalid(msg, hint="give the verifier key of the log of releases that it names")


def _unknown(what: str) -> ProofInvalid:
    return ProofInvalid(f"not an attestation of aivcs: {what}", hint="ask who made it")
