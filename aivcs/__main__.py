"""``python -m aivcs`` is the command line."""

from __future__ import annotations

import sys

from aivcs.cli.main import main

sys.exit(main())
