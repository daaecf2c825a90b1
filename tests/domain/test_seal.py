from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aivcs.domain.digest import Digest
from aivcs.domain.execution import ExecutionState
from aivcs.domain.run import RunId, RunMetadata, RunRecord, RunStatus, RunSummary, Source
from aivcs.domain.seal import seal_hash, seal_text
from aivcs.errors import InvalidRunState

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
END = datetime(2026, 1, 31, 12, 0, 1, 5, tzinfo=UTC)
ROOT = bytes(range(32))
RECORD = RunRecord(
    run_id=RunId("r1"),
    spec_digest=Digest.of(b"spec"),
    metadata=RunMetadata("helper", "abc", {"b": 2**60, "a": [1.0, "ü"]}, {"python": "3.11"}),
    status=RunStatus.COMPLETED,
    state=ExecutionState.COMPLETED,
    summary=RunSummary(3, Digest.of(b"state"), 1000, success=True),
    created_at=START,
    completed_at=END,
    total_events=3,
    reason=None,
    source=Source(Digest.of(b"file"), 2, "jsonl"),
    tenant="acme",
)
TEXT = (
    '{"agent":"helper","completed_at":"2026-01-31T12:00:01.000005Z",'
    '"created_at":"2026-01-31T12:00:00Z","duration_ms":1000,"environment":{"python":"3.11"},'
    f'"final_state":"{Digest.of(b"state")}","git_sha":"abc","reason":null,'
    f'"root":"{ROOT.hex()}","run_id":"r1","size":3,'
    f'"source":{{"digest":"{Digest.of(b"file")}","format":"jsonl","index":2}},'
    f'"spec":"{Digest.of(b"spec")}","status":"COMPLETED","success":true,'
    '"tags":"{\\"b\\":1152921504606846976,\\"a\\":[1.0,\\"ü\\"]}","tenant":"acme","v":1}'
)


def test_the_text_of_a_seal() -> None:
    assert seal_text(RECORD, ROOT) == TEXT
    assert seal_hash(RECORD, ROOT) == hashlib.sha256(TEXT.encode()).digest()


def test_what_is_not_known_is_null() -> None:
    bare = replace(
        RECORD,
        metadata=RunMetadata("helper"),
        summary=RunSummary(3, None, 1000, success=True),
        source=None,
        tenant=None,
    )
    text = seal_text(bare, ROOT)
    for name in ("environment", "final_state", "git_sha", "source", "tenant"):
        assert f'"{name}":null' in text
    assert '"tags":"{}"' in text


CHANGES = [
    {"run_id": RunId("r2")},
    {"spec_digest": Digest.of(b"other")},
    {"metadata": replace(RECORD.metadata, agent_name="other")},
    {"metadata": replace(RECORD.metadata, git_sha=None)},
    {"metadata": replace(RECORD.metadata, tags={"a": [1.0, "ü"], "b": 2**60})},
    {"metadata": replace(RECORD.metadata, environment={})},
    {"status": RunStatus.FAILED},
    {"summary": RunSummary(3, None, 1000, success=True)},
    {"summary": RunSummary(3, Digest.of(b"state"), 1001, success=True)},
    {"summary": RunSummary(3, Digest.of(b"state"), 1000, success=False)},
    {"created_at": END},
    {"completed_at": START},
    {"total_events": 4},
    {"reason": "because"},
    {"source": None},
    {"source": Source(Digest.of(b"file"), 3, "jsonl")},
    {"tenant": "other"},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_every_change_of_the_record_changes_the_seal(change: dict[str, object]) -> None:
    assert seal_hash(replace(RECORD, **change), ROOT) != seal_hash(RECORD, ROOT)  # type: ignore[arg-type]


def test_the_root_is_sealed_and_the_expiry_is_not() -> None:
    assert seal_hash(RECORD, bytes(32)) != seal_hash(RECORD, ROOT)
    assert seal_hash(replace(RECORD, expired_at=END), ROOT) == seal_hash(RECORD, ROOT)


def test_a_run_that_goes_on_has_no_seal() -> None:
    running = replace(RECORD, status=RunStatus.RUNNING, summary=None, completed_at=None)
    with pytest.raises(InvalidRunState, match="run r1 is RUNNING"):
        seal_text(running, ROOT)
