"""What is decided before anything is sent: the place, the keys, the signature."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.s3 import Bucket, S3Blobs, client, multipart
from aivcs.adapters.s3.address import Address, redacted
from aivcs.adapters.s3.keys import Keys, find_keys
from aivcs.adapters.s3.reading import RangedFile
from aivcs.adapters.s3.signature import Request, sign
from aivcs.errors import InvalidConfig, StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PAIR = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}


def parse(url: str, environment: Mapping[str, str] | None = None) -> Address:
    return Address.parse(url, environment=environment or {})


def test_amazon_is_the_default() -> None:
    address = parse("s3://my.bucket/a/b/")
    assert (address.bucket, address.prefix, address.region) == ("my.bucket", "a/b", "us-east-1")
    assert address.host == "https://my.bucket.s3.us-east-1.amazonaws.com"
    assert address.path == "/"
    assert str(address) == address.url == "s3://my.bucket/a/b"
    assert address.key("large/x") == "a/b/large/x"
    assert address.name("a/b/large/x") == "large/x"
    whole = parse("s3://bucket")
    assert (whole.key("x"), whole.name("x"), whole.url) == ("x", "x", "s3://bucket")


def test_the_environment_fills_what_is_missing() -> None:
    found = parse("s3://b-1/p", {"AWS_ENDPOINT_URL": "http://h:1/", "AWS_DEFAULT_REGION": "r"})
    assert (found.host, found.path, found.region) == ("http://h:1", "/b-1/", "r")
    assert str(found) == "s3://b-1/p at http://h:1"
    both = {"AWS_ENDPOINT_URL": "http://h:1", "AWS_ENDPOINT_URL_S3": "https://[::1]:2"}
    assert parse("s3://b-1", both).host == "https://[::1]:2"
    given = Address.parse(
        "s3://b-1", environment=both, endpoint="https://given", region="here", path_style=False
    )
    assert (given.host, given.path, given.region) == ("https://b-1.given", "/", "here")


@pytest.mark.parametrize(
    "url", ["s3://", "s3://b", "S3://bucket", "bucket", "s3://bucket//x", "s3://bucket/a b"]
)
def test_what_is_no_bucket(url: str) -> None:
    with pytest.raises(InvalidConfig, match="not a bucket"):
        parse(url)


@pytest.mark.parametrize("place", ["host", "ftp://host", "http://ann:secret@host", "http://h/path"])
def test_what_is_no_endpoint(place: str) -> None:
    with pytest.raises(InvalidConfig, match="not the endpoint") as caught:
        parse("s3://bucket", {"AWS_ENDPOINT_URL": place})
    assert "secret" not in str(caught.value)


def test_urls_are_printed_without_secrets() -> None:
    assert redacted("https://ann:secret@host/x?token=secret") == "https://***@host/x"
    with pytest.raises(InvalidConfig, match="not a region"):
        parse("s3://bucket", {"AWS_REGION": "no such region"})


def test_keys_of_the_environment_come_first(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(
        "[default]\naws_access_key_id = of-default\naws_secret_access_key = x\n"
        "[work]\naws_access_key_id = of-work\naws_secret_access_key = y\naws_session_token = t\n"
        "[half]\naws_access_key_id = z\n",
        encoding="utf-8",
    )
    home = {"HOME": str(tmp_path)}
    assert find_keys({**home, **PAIR}) == Keys("id", "secret")
    assert find_keys({**PAIR, "AWS_SESSION_TOKEN": "t"}) == Keys("id", "secret", "t")
    assert find_keys(home) == Keys("of-default", "x")
    assert find_keys({**home, "AWS_PROFILE": "work"}) == Keys("of-work", "y", "t")
    for name in ("half", "none"):
        with pytest.raises(InvalidConfig, match=name):
            find_keys({**home, "AWS_PROFILE": name})
    assert find_keys({"HOME": str(tmp_path / "none")}) is None
    assert find_keys({**home, "AWS_WEB_IDENTITY_TOKEN_FILE": "file"}) is None
    assert "secret" not in repr(Keys("id", "secret", "secret"))
    assert "secret" not in repr(Bucket.find("s3://bucket", PAIR))


@pytest.mark.parametrize(
    ("query", "signature"),
    [
        ({"lifecycle": ""}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            {"prefix": "J", "max-keys": "2"},
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_signatures_are_those_of_the_published_examples(
    query: dict[str, str], signature: str
) -> None:
    keys = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    request = Request("GET", "examplebucket.s3.amazonaws.com", "/", query)
    headers = sign(request, keys, "us-east-1", datetime(2013, 5, 24, tzinfo=UTC))
    assert headers["authorization"].endswith(f"Signature={signature}")
    again = sign(request, Keys("a", "b", "token"), "us-east-1", datetime(2013, 5, 24, tzinfo=UTC))
    assert again["x-amz-security-token"] == "token"


def test_a_file_of_ranges() -> None:
    data = bytes(range(100))
    file = RangedFile(100, lambda start, length: data[start : start + length])
    assert file.readable()
    assert file.seekable()
    assert file.seek(-10, 2) == 90
    assert file.read(3) == data[90:93]
    assert file.seek(2, 1) == file.tell() == 95
    assert file.read() == data[95:]
    assert file.read(1) == b""
    assert file.seek(200) == 200
    assert file.read(1) == b""
    with pytest.raises(ValueError, match="-1"):
        file.seek(-1)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "obstore.store", None)
    with pytest.raises(InvalidConfig, match="obstore") as caught:
        client.connect(Bucket.find("s3://bucket", PAIR))
    assert "aivcs[s3]" in str(caught.value.hint)


def test_a_session_token_is_handed_on() -> None:
    bucket = Bucket.find("s3://bucket", {**PAIR, "AWS_SESSION_TOKEN": "token"})
    assert client.connect(bucket).config["session_token"] == "token"  # noqa: S105 - not one


def test_a_proxy_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert not multipart._proxied("http://host:1")
    monkeypatch.setenv("http_proxy", "http://proxy:1")
    assert multipart._proxied("http://host:1")
    monkeypatch.setenv("no_proxy", "host")
    assert not multipart._proxied("http://host:1")


def test_nothing_is_sent_before_the_first_use(tmp_path: Path) -> None:
    blobs = S3Blobs(Bucket.find("s3://bucket", PAIR, endpoint="http://127.0.0.1:1"), tmp_path)
    with blobs.stage() as staged:
        staged.write(b"data")
    assert blobs.unfinished() == []
    blobs.close()


def test_a_machine_without_keys_is_told_so(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path)}
    bucket = Bucket.find("s3://bucket", environment, endpoint="http://127.0.0.1:1", timeout=1)
    with pytest.raises(StorageError, match=r"no valid credentials|no answer") as caught:
        S3Blobs(bucket, tmp_path).exists("x")
    assert caught.value.hint
