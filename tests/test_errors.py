from __future__ import annotations

import inspect

import pytest

from aivcs import errors

MESSAGE = "what, and which id"
TREE = """
AivcsError Exception 1 internal
InvalidInputError AivcsError,ValueError 2 invalid_input
InvalidDigest InvalidInputError 2 invalid_digest
InvalidEvent InvalidInputError 2 invalid_event
InvalidSpec InvalidInputError 2 invalid_spec
InvalidName InvalidInputError 2 invalid_name
InvalidSummary InvalidInputError 2 invalid_summary
InvalidSource InvalidInputError 2 invalid_source
InvalidEvidence InvalidInputError 2 invalid_evidence
InvalidConfig InvalidInputError 2 invalid_config
UnsafeKey InvalidInputError 2 unsafe_key
AirGapped InvalidConfig 2 air_gapped
NotFoundError AivcsError,LookupError 3 not_found
NotFound NotFoundError 3 object_not_found
RunNotFound NotFoundError 3 run_not_found
ReleaseNotFound NotFoundError 3 release_not_found
SpecNotFound NotFoundError 3 spec_not_found
KeyNotFound NotFoundError 3 key_not_found
NothingToAttest NotFoundError 3 nothing_to_attest
CommitNotFound NotFoundError 3 commit_not_found
AmbiguousId NotFoundError 3 ambiguous_id
ConflictError AivcsError 4 conflict
SequenceConflict ConflictError 4 sequence_conflict
WrongExpectedSequence ConflictError 4 wrong_expected_sequence
StaleCurrent ConflictError 4 stale_current
Fenced ConflictError 4 fenced
ForeignHook ConflictError 4 foreign_hook
TransitionError AivcsError 5 refused
InvalidRunState TransitionError 5 invalid_run_state
ReducerError TransitionError 5 reducer_error
NoPreviousRelease TransitionError 5 no_previous_release
GateFailed TransitionError 5 gate_failed
CheckAborted TransitionError 5 check_aborted
StillReferenced TransitionError 5 still_referenced
CorruptionError AivcsError 6 corrupt
IntegrityError CorruptionError 6 integrity
DigestMismatch CorruptionError 6 digest_mismatch
MissingObject CorruptionError 6 missing_object
ProofInvalid CorruptionError 6 proof_invalid
StorageError AivcsError 7 storage
RepositoryClosed StorageError 7 repository_closed
Unreachable StorageError 7 unreachable
Unreadable StorageError 7 unreadable
GitFailed StorageError 7 git_failed
NoRepository AivcsError 10 no_repository
NoGitRepository NoRepository 10 no_git_repository
RepositoryTooNew AivcsError 10 repository_too_new
"""


def test_the_tree_is_the_published_one() -> None:
    found = {
        f"{name} {','.join(base.__name__ for base in cls.__bases__)} {cls.exit_code} {cls.code}"
        for name, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, errors.AivcsError)
    }
    assert found == set(TREE.strip().splitlines())


def test_codes_are_unique() -> None:
    codes = [line.split()[3] for line in TREE.strip().splitlines()]
    assert len(set(codes)) == len(codes)


def test_an_error_carries_message_and_hint() -> None:
    error = errors.RunNotFound("no run r1", hint="'aivcs run list' lists them")
    assert (str(error), error.message) == ("no run r1", "no run r1")
    assert error.hint == "'aivcs run list' lists them"
    assert errors.NotFound("gone").hint is None


@pytest.mark.parametrize("kind", [errors.InvalidDigest, errors.InvalidEvent])
def test_invalid_input_is_a_value_error(kind: type[errors.AivcsError]) -> None:
    with pytest.raises(ValueError, match=MESSAGE):
        raise kind(MESSAGE)


@pytest.mark.parametrize("kind", [errors.SpecNotFound, errors.AmbiguousId])
def test_what_is_not_found_is_a_lookup_error(kind: type[errors.AivcsError]) -> None:
    with pytest.raises(LookupError, match=MESSAGE):
        raise kind(MESSAGE)
