"""An air-gapped repository is served by nothing that needs the network."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.files import FileBlobs
from aivcs.adapters.memory_blobs import MemoryBlobs
from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.adapters.s3 import Bucket, S3Blobs
from aivcs.errors import AirGapped, InvalidConfig
from aivcs.repo import init, network, open_repo

if TYPE_CHECKING:
    from pathlib import Path

BUCKET = '[objects]\nurl = "s3://bucket/prefix"\nendpoint = "http://127.0.0.1:1"\n'
CONFIGURED = "[network]\nair_gapped = true\n"


@pytest.fixture(autouse=True)
def no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(network.VARIABLE, raising=False)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    init(tmp_path).close()
    return tmp_path


def configure(place: Path, text: str) -> None:
    (place / ".aivcs" / "config.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("word", ["1", "true", "TRUE"])
def test_the_environment_forbids_the_network(
    place: Path, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(network.VARIABLE, word)
    open_repo(place).close()
    open_repo("memory:").close()
    configure(place, BUCKET)
    with pytest.raises(AirGapped, match="s3://bucket/prefix needs the network") as refused:
        open_repo(place)
    assert refused.value.code == "air_gapped"
    assert "AIVCS_AIR_GAPPED" in str(refused.value.hint)


def test_the_configuration_forbids_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(place, CONFIGURED)
    open_repo(place).close()
    configure(place, BUCKET + CONFIGURED)
    monkeypatch.setenv(network.VARIABLE, "0")
    with pytest.raises(AirGapped):
        open_repo(place)


@pytest.mark.parametrize("word", ["0", "", "false"])
def test_nothing_is_forbidden_otherwise(
    place: Path, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(network.VARIABLE, word)
    configure(place, BUCKET + CONFIGURED.replace("true", "false"))
    open_repo(place).close()


def test_a_repository_is_not_made_in_a_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(network.VARIABLE, "1")
    with pytest.raises(AirGapped):
        init(tmp_path / "new", objects="s3://bucket/x", endpoint="http://127.0.0.1:1")
    assert not (tmp_path / "new").exists()


def test_another_word_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(network.VARIABLE, "perhaps")
    with pytest.raises(InvalidConfig, match="'perhaps'"):
        open_repo(place)


def test_backends_say_for_themselves(tmp_path: Path) -> None:
    bucket = S3Blobs(Bucket.find("s3://bucket", {}), tmp_path)
    local = (FileBlobs(tmp_path, tmp_path), MemoryBlobs(), MemoryLedger())
    network.check_backends(*local)
    with pytest.raises(AirGapped, match="s3 needs the network"):
        network.check_backends(*local, bucket)
