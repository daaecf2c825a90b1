"""Names of fields that scripts rely on."""

from __future__ import annotations

OUTCOME = [
    "run_id",
    "agent",
    "spec_digest",
    "status",
    "total_events",
    "duration_ms",
    "final_state_digest",
    "root",
]
