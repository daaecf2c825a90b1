"""Repositories whose objects are in a bucket: made, opened, refused."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import aivcs
from aivcs.adapters.s3 import S3Blobs, claim
from aivcs.adapters.sqlite import SqliteLedger
from aivcs.errors import ConflictError, InvalidConfig, NoRepository, StorageError
from aivcs.repo import init, open_repo
from aivcs.testing.objects import noise
from tests.s3.conftest import bucket_of
from tests.s3.server import READER

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.adapters.s3 import Bucket
    from tests.s3.server import Server


@pytest.fixture(autouse=True)
def environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)


def test_a_repository_in_a_bucket(
    tmp_path: Path, url: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = noise(300_000)
    with init(tmp_path, objects=url) as repo:
        assert repo.created
        digest = repo.objects.put(data, pin=True)
    config = (tmp_path / ".aivcs" / "config.toml").read_text(encoding="utf-8")
    assert f'url = "{url}"' in config
    assert "secret" not in config
    assert not (tmp_path / ".aivcs" / "objects").exists()
    # The place is kept: another environment does not lead elsewhere.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:2")
    monkeypatch.setenv("AWS_REGION", "elsewhere")
    with open_repo(tmp_path) as repo:
        assert repo.objects.get(digest) == data
        assert repo.verify().ok
    with init(tmp_path, objects=url, endpoint=server.endpoint) as repo:
        assert not repo.created


def test_a_place_has_one_repository(tmp_path: Path, url: str, bucket: Bucket) -> None:
    init(tmp_path / "one", objects=url).close()
    with pytest.raises(ConflictError, match="another repository"):
        init(tmp_path / "two", objects=url)
    assert not (tmp_path / "two").exists()
    with pytest.raises(InvalidConfig, match="elsewhere"):
        init(tmp_path / "one", objects=f"{url}/below")
    assert list(S3Blobs(bucket, tmp_path).names()) == []


def test_what_fails_later_gives_the_place_back(
    tmp_path: Path, url: str, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(SqliteLedger, "__init__", fail)
        with pytest.raises(StorageError, match="no space"):
            init(tmp_path, objects=url)
    claim(bucket)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("s3://", "not a bucket"),
        ("s3://b/../c", "not a bucket"),
        ("gs://bucket", "not a bucket"),
        ("s3://ann:secret@bucket", "not a bucket"),
        ("s3://no-such-bucket", "there is no bucket 'no-such-bucket'"),
    ],
)
def test_a_place_that_cannot_be(tmp_path: Path, url: str, text: str) -> None:
    with pytest.raises((InvalidConfig, StorageError), match=text) as caught:
        init(tmp_path, objects=url)
    assert "secret" not in str(caught.value)
    assert caught.value.hint
    with pytest.raises(NoRepository):
        open_repo(tmp_path, upward=False)


def test_who_may_not_write_takes_no_place(server: Server, url: str) -> None:
    with pytest.raises(StorageError, match=r"no permission for .*AccessDenied"):
        claim(bucket_of(server, url, READER))


def program(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aivcs", "--json", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command(tmp_path: Path, url: str, server: Server) -> None:
    made = program("-C", str(tmp_path), "init", "--objects", url, "--endpoint", server.endpoint)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["created"]
    with aivcs.open(tmp_path) as repo:
        digest = repo.objects.put(noise(200_000), pin=True)
    read = program("-C", str(tmp_path), "object", "get", str(digest), "-o", str(tmp_path / "got"))
    assert read.returncode == 0, read.stderr
    assert (tmp_path / "got").read_bytes() == noise(200_000)
    assert program("init", str(tmp_path / "other"), "--region", "here").returncode == 2


def test_the_environment_is_asked_for_keys(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    init(tmp_path, objects=url).close()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with open_repo(tmp_path) as repo, pytest.raises(StorageError, match="no valid credentials"):
        repo.objects.put(noise(200_000))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    lines = ["[default]", "aws_access_key_id = owner", "aws_secret_access_key = owner-secret"]
    (tmp_path / "credentials").write_text("\n".join(lines), encoding="utf-8")
    with open_repo(tmp_path) as repo:
        assert repo.objects.contains(repo.objects.put(noise(200_000)))
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with open_repo(tmp_path) as repo, pytest.raises(InvalidConfig, match="'nobody'"):
        repo.objects.put(noise(200_001))
