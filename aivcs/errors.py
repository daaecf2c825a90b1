"""One tree of errors, grouped by what the caller would do next.

Each class carries the process exit status the command line ends with and a stable,
append-only ``code`` that machines match on. Drivers' own errors are translated into
this tree where the driver is called and stay reachable as ``__cause__``.
"""

from __future__ import annotations

from typing import ClassVar


class AivcsError(Exception):
    """Root of every error that aivcs raises on purpose.

    ``message`` says what happened and to which id; ``hint`` says what to do next.
    """

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInputError(AivcsError, ValueError):
    """The request itself is wrong; the same request will fail again."""

    exit_code = 2
    code = "invalid_input"


class InvalidDigest(InvalidInputError):
    """A text is not a SHA-256 digest."""

    code = "invalid_digest"


class InvalidEvent(InvalidInputError):
    """An event's seq, kind, payload or timestamp cannot be stored."""

    code = "invalid_event"


class InvalidSpec(InvalidInputError):
    """A folder, mapping or manifest does not describe an agent."""

    code = "invalid_spec"


class InvalidName(InvalidInputError):
    """An agent's or run's name breaks the rules for names."""

    code = "invalid_name"


class InvalidSummary(InvalidInputError):
    """A run's summary contradicts the way the run is ended."""

    code = "invalid_summary"


class InvalidSource(InvalidInputError):
    """A file of events or a trajectory cannot be read as one."""

    code = "invalid_source"


class InvalidEvidence(InvalidInputError):
    """Results of an evaluation cannot count for the spec."""

    code = "invalid_evidence"


class InvalidConfig(InvalidInputError):
    """The repository's configuration cannot be used."""

    code = "invalid_config"


class UnsafeKey(InvalidInputError):
    """Others than its owner may read a signing key."""

    code = "unsafe_key"


class AirGapped(InvalidConfig):
    """What only the network leads to was asked of an air-gapped repository."""

    code = "air_gapped"


class NotFoundError(AivcsError, LookupError):
    """What was named does not exist here."""

    exit_code = 3
    code = "not_found"


class NotFound(NotFoundError):
    """No object has this digest."""

    code = "object_not_found"


class RunNotFound(NotFoundError):
    """No run has this id."""

    code = "run_not_found"


class ReleaseNotFound(NotFoundError):
    """No release answers to this name, seq, label or digest."""

    code = "release_not_found"


class SpecNotFound(NotFoundError):
    """No spec has this digest."""

    code = "spec_not_found"


class KeyNotFound(NotFoundError):
    """The key that signs a log is not where it is looked for."""

    code = "key_not_found"


class NothingToAttest(NotFoundError):
    """Nothing of this kind is recorded of the release."""

    code = "nothing_to_attest"


class CommitNotFound(NotFoundError):
    """The git repository has no such commit."""

    code = "commit_not_found"


class AmbiguousId(NotFoundError):
    """An abbreviation fits more than one id; the message lists the candidates."""

    code = "ambiguous_id"


class ConflictError(AivcsError):
    """Somebody else moved first: read again and retry."""

    exit_code = 4
    code = "conflict"


class SequenceConflict(ConflictError):
    """The seq is taken by a different event."""

    code = "sequence_conflict"


class WrongExpectedSequence(ConflictError):
    """The stream is not at the size the writer expected."""

    code = "wrong_expected_sequence"


class StaleCurrent(ConflictError):
    """The current release is not the one the caller expected."""

    code = "stale_current"


class Fenced(ConflictError):
    """Somebody else holds the run's lease, or holds it again since."""

    code = "fenced"


class ForeignHook(ConflictError):
    """A hook of git that somebody else made stands in the way."""

    code = "foreign_hook"


class TransitionError(AivcsError):
    """A rule refuses the move; retrying does not help."""

    exit_code = 5
    code = "refused"


class InvalidRunState(TransitionError):
    """The run's status does not allow the move."""

    code = "invalid_run_state"


class ReducerError(TransitionError):
    """An event of a log cannot follow those before it.

    ``index`` is its place among them, from 0.
    """

    code = "reducer_error"

    def __init__(self, message: str, *, index: int = 0, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.index = index


class NoPreviousRelease(TransitionError):
    """The lineage has no earlier release to go back to."""

    code = "no_previous_release"


class GateFailed(TransitionError):
    """A required gate found violations; nothing was appended."""

    code = "gate_failed"


class CheckAborted(TransitionError):
    """The command that checks a spec gave up; what was answered before is kept."""

    code = "check_aborted"


class StillReferenced(TransitionError):
    """An object is needed by a run, a spec or a release."""

    code = "still_referenced"


class CorruptionError(AivcsError):
    """Stored bytes are missing or are not what was stored."""

    exit_code = 6
    code = "corrupt"


class IntegrityError(CorruptionError):
    """Stored bytes do not have the digest that names them."""

    code = "integrity"


class DigestMismatch(CorruptionError):
    """A run, its spec or its exported trace does not have the digest it should have."""

    code = "digest_mismatch"


class MissingObject(CorruptionError):
    """An object that the ledger names is not in the store."""

    code = "missing_object"


class ProofInvalid(CorruptionError):
    """A note, checkpoint or proof is malformed, or does not show what it should."""

    code = "proof_invalid"


class StorageError(AivcsError):
    """The disk, database or network failed; ``__cause__`` is the driver's error."""

    exit_code = 7
    code = "storage"


class RepositoryClosed(StorageError):
    """The repository was closed, or belongs to the process that forked this one."""

    code = "repository_closed"


class Unreachable(StorageError):
    """The server that keeps blobs does not answer or lets nobody in; its data may be sound."""

    code = "unreachable"


class Unreadable(StorageError):
    """A stored file is there, but the system does not let it be read; it may be sound."""

    code = "unreadable"


class GitFailed(StorageError):
    """The program git is missing, refuses, or failed; the message has what it said."""

    code = "git_failed"


class NoRepository(AivcsError):
    """No repository was found here or in a parent folder."""

    exit_code = 10
    code = "no_repository"


class NoGitRepository(NoRepository):
    """There is no git repository here or in a parent folder."""

    code = "no_git_repository"


class RepositoryTooNew(AivcsError):
    """The repository was written by a newer format than this program knows."""

    exit_code = 10
    code = "repository_too_new"
