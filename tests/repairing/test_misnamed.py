"""A large file that was given another object's name, when it cannot be read either."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.domain.blobname import large_name
from aivcs.domain.digest import Digest
from aivcs.errors import StorageError, Unreachable, Unreadable
from aivcs.repo import MEMORY, open_repo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.repo import Repo

WRONG = large_name(Digest.of(b"another name"))


@pytest.fixture
def renamed() -> Iterator[tuple[Repo, Digest]]:
    with open_repo(MEMORY) as repo:
        blobs = repo.objects.blobs
        kept = repo.objects.put(bytes(200_000), pin=True)
        data = blobs.read(large_name(kept), 0, 100_000)
        blobs.delete(large_name(kept))
        with blobs.stage() as staged:
            staged.write(data)
            staged.publish(WRONG)
        yield repo, kept


@pytest.mark.parametrize("raised", [StorageError, Unreachable, Unreadable])
def test_a_file_that_cannot_be_read_heals_nothing(
    renamed: tuple[Repo, Digest], monkeypatch: pytest.MonkeyPatch, raised: type[StorageError]
) -> None:
    repo, kept = renamed
    read = repo.objects.blobs.read

    def fail(name: str, start: int, length: int) -> bytes:
        if name == WRONG:
            msg = "cannot be read"
            raise raised(msg)
        return read(name, start, length)

    monkeypatch.setattr(repo.objects.blobs, "read", fail)
    if raised is Unreadable:
        found = repo.repair()
        assert [one.digest for one in found.unhealed] == [kept]
        assert [(one.id, one.detail) for one in found.unreadable] == [(WRONG, "cannot be read")]
    else:
        with pytest.raises(raised, match="cannot be read"):
            repo.repair()
    monkeypatch.undo()
    assert repo.repair().healed == (kept,)
    assert repo.objects.get(kept) == bytes(200_000)
