"""``python -m aivcs`` is the command line."""

from __future__ import annotations

import sys

from aivcs.cli.entry import run

sys.exit(run())
