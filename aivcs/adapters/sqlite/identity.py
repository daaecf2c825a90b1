"""What tells in the file's header that it is a ledger, and of which version."""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x61697663
"""``aivc`` in ASCII."""

VERSION: Final = 3
"""The newest version of the tables; to open a file of it, no step of migration is loaded."""
