from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.files.keyring import Keyring, read_key
from aivcs.domain.key_rotation import announced
from aivcs.domain.note import Verifier
from aivcs.errors import ConflictError, InvalidInputError, KeyNotFound, StorageError, UnsafeKey
from aivcs.repo import keys as repo_keys
from aivcs.repo import open_repo
from tests.publishing.conftest import KEY, ORIGIN, OTHER
from tests.publishing.subject import head, promote

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def signed(place: Path) -> Path:
    """Return a repository with a key and one release."""
    with open_repo(place) as repo:
        repo_keys.create(repo.name_logs(ORIGIN))
        promote(repo)
    return place


def of(log: str, key: Verifier) -> Verifier:
    return Verifier(f"{ORIGIN}/{log}", key.public)


def test_a_key_is_kept_where_only_its_owner_reads_it(keys: Path) -> None:
    path, signer = repo_keys.create(ORIGIN)
    assert path == keys / "example.com%2Fagents.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    assert path.read_text() == f"{signer.text()}\n"
    assert repo_keys.signer(ORIGIN) == signer
    assert repo_keys.signer("other") is None
    assert repo_keys.signer(None) is None
    with pytest.raises(ConflictError, match="there is a key of"):
        repo_keys.create(ORIGIN)
    assert read_key(path) == signer
    (key,) = repo_keys.keyring()
    assert key == (path, signer.verifier(), "current")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_that_others_may_read_is_refused(keys: Path, mode: int) -> None:
    path, _ = repo_keys.create(ORIGIN)
    path.chmod(mode)
    with pytest.raises(UnsafeKey, match=f"mode {mode:04o}"):
        repo_keys.signer(ORIGIN)
    with pytest.raises(UnsafeKey, match="others may read"):
        read_key(keys)


@pytest.mark.parametrize("text", ["", "no key", KEY.text()[:-3], KEY.verifier().text()])
def test_what_is_no_key_is_refused_without_showing_it(text: str) -> None:
    path, _ = repo_keys.create(ORIGIN)
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=r"\.key: ") as caught:
        repo_keys.signer(ORIGIN)
    assert KEY.text()[-20:] not in caught.value.message


def test_a_file_that_is_named_is_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = repo_keys.create(ORIGIN)
    mine = tmp_path / "mine"
    monkeypatch.setenv("AIVCS_KEY", str(mine))
    with pytest.raises(KeyNotFound, match="there is no key"):
        repo_keys.signer(ORIGIN)
    mine.write_text(OTHER.text())
    mine.chmod(0o600)
    assert repo_keys.signer(ORIGIN) == repo_keys.signer(None) == OTHER
    assert repo_keys.place(OTHER) == mine
    with pytest.raises(InvalidInputError, match="and the log is of another"):
        repo_keys.signer("another")
    with pytest.raises(ConflictError, match="AIVCS_KEY names the key"):
        repo_keys.own(ORIGIN)
    monkeypatch.delenv("AIVCS_KEY")
    assert repo_keys.place(OTHER) == path


def test_without_a_name_or_a_key_there_is_nothing_to_rotate(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with open_repo(place) as repo:
        with pytest.raises(InvalidInputError, match="the log has no name"):
            repo.rotate_key()
        repo.name_logs(ORIGIN)
        with pytest.raises(KeyNotFound, match="there is no key of example"):
            repo.rotate_key()
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert repo_keys.folder() == tmp_path / ".local" / "share" / "aivcs" / "keys"


def test_a_folder_of_keys_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError):
        Keyring(tmp_path / "file" / "keys").create(KEY)
    assert list(Keyring(tmp_path / "none")) == []


def test_a_key_is_rotated_by_an_entry_that_the_old_one_signed(signed: Path, keys: Path) -> None:
    before = repo_keys.own(ORIGIN)
    with open_repo(signed) as repo:
        rotated = repo.rotate_key()
        assert (rotated.old, repo_keys.own(ORIGIN).verifier()) == (before.verifier(), rotated.new)
        assert sorted(one.log for one in rotated.published) == ["releases"]
        both = [of("releases", rotated.new), of("releases", rotated.old)]
        assert [one.key for one in head(signed).verified(both)] == both
        line = repo._ledger.release_log()[-1]
        text = (line.announcement or "").encode()
        assert announced(text, f"{ORIGIN}/releases", both[1]) == both[0]
        promote(repo)
        assert [one.key for one in head(signed).verified(both)] == both[:1]
        assert repo.releases.history("agent")[0].log_index == 2
        assert repo.verify().ok
    states = sorted(key.state for key in repo_keys.keyring())
    assert states == ["current", "retired"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in keys.iterdir())


@pytest.mark.parametrize("step", ["prepare", "commit", "change"])
def test_a_rotation_that_was_interrupted_is_taken_up(
    signed: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = repo_keys.own(ORIGIN).verifier()
    with open_repo(signed) as repo:
        target, name = (repo._ledger, "commit") if step == "commit" else (Keyring, step)

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(target, name, die)
            with pytest.raises(KeyboardInterrupt):
                repo.rotate_key()
        waiting = [key.verifier for key in repo_keys.keyring() if key.state == "next"]
        assert len(waiting) == (step != "prepare")
        rotated = repo.rotate_key()
        assert rotated.old == before
        assert rotated.new in (waiting or [rotated.new])
        announcements = [line for line in repo._ledger.release_log() if line.announcement]
        assert len(announcements) == 1
        assert repo.verify().ok
