"""The query whose rows are runs."""

from __future__ import annotations

from typing import Final

from aivcs.domain import log_rows

RUN: Final = log_rows.run_query("CAST({0} AS BLOB)")
