from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs import Digest, init
from aivcs.domain.batch import Batch
from aivcs.testing.aftermath import damage, leftovers, unreadable
from aivcs.testing.objects import noise
from aivcs.testing.subject import add_spec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with init(tmp_path) as repo:
        add_spec(repo)
        repo.objects.put_many([b"pinned", noise(150_000)], pin=True)
        repo.seal()
        yield repo


def test_a_sound_repository_has_no_leftovers(repo: Repo) -> None:
    assert list(leftovers(repo)) == []
    assert damage(repo) == []
    assert list(unreadable(repo, repo.objects.list())) == []


def test_what_is_absent_is_unreadable(repo: Repo) -> None:
    assert [text.split(":")[1] for text in unreadable(repo, [Digest.of(b"no")])] == [" NotFound"]


def test_other_bytes_are_unreadable(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repo.objects, "get", lambda _: b"other")
    assert "other bytes" in next(unreadable(repo, [Digest.of(b"pinned")]))


def test_damage_is_what_verify_says(repo: Repo) -> None:
    for name in repo.objects.blobs.names():
        repo.objects.blobs.delete(name)
    assert any(text.startswith("verify: ") for text in damage(repo))


def test_an_object_that_nothing_names_is_left_over(repo: Repo) -> None:
    digest = repo.objects.put(b"alone")
    assert list(leftovers(repo)) == [f"{digest} (hot) is stored and nothing names it"]


def test_dead_bytes_are_left_over(repo: Repo) -> None:
    digest = Digest.of(b"pinned")
    repo.objects.ledger.commit(Batch(deletions=(digest,)))
    (pack,) = repo.objects.ledger.packs()
    assert list(leftovers(repo)) == [f"{digest} is dead in pack {pack.digest}"]


def test_a_file_that_nothing_names_is_left_over(repo: Repo, tmp_path: Path) -> None:
    with repo.objects.blobs.stage() as staged:
        staged.write(b"?")
        staged.publish("packs/other.pack")
    (tmp_path / ".aivcs" / "tmp" / "blob.1.part").touch()
    found = ["nothing names the file packs/other.pack", "blob.1.part is left in tmp"]
    assert list(leftovers(repo)) == found
