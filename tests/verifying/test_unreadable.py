"""What cannot be read may be sound: nobody calls it damaged."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.errors import StorageError
from aivcs.repo import open_repo

if TYPE_CHECKING:
    from pathlib import Path

    from tests.verifying.conftest import Sealed

DEPTHS: list[dict[str, Any]] = [{}, {"structure": True}, {"sample": 100}]


def refuse(patch: pytest.MonkeyPatch, place: Path) -> None:
    """Let nobody open a file."""
    real = os.open

    def opened(path: Any, *args: Any, **options: Any) -> int:
        if os.fspath(path) == str(place):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, *args, **options)

    patch.setattr(os, "open", opened)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("tier", ["pack", "large"])
def test_no_permission(
    packed: Sealed, monkeypatch: pytest.MonkeyPatch, tier: str, depth: dict[str, Any]
) -> None:
    file: Path = getattr(packed, tier)
    refuse(monkeypatch, file)
    with open_repo(packed.place) as repo, pytest.raises(StorageError, match=str(file)):
        repo.verify(**depth)


def test_a_disk_that_cannot_read_a_place(packed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place is in the middle of a pack; its footer can be read."""
    with open_repo(packed.place) as repo:
        stored = repo._ledger.objects([packed.documents[100]])[packed.documents[100]]
        assert stored.place is not None
        bad = stored.place.block
        real = os.pread

        def pread(descriptor: int, length: int, start: int) -> bytes:
            if start <= bad.offset + 10 < start + length:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(descriptor, length, start)

        monkeypatch.setattr(os, "pread", pread)
        with pytest.raises(StorageError, match=f"{packed.pack} failed: Input/output error"):
            repo.verify()
