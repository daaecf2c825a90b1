"""A real S3 server on free ports of this machine: started, stopped, killed, paused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from obstore.exceptions import BaseError
from obstore.store import S3Store

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAM: Final = shutil.which("weed") or str(Path(sys.executable).with_name("weed"))
BUCKET: Final = "aivcs"
OWNER: Final = {"AWS_ACCESS_KEY_ID": "owner", "AWS_SECRET_ACCESS_KEY": "owner-secret"}
READER: Final = {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "reader-secret"}
_PORTS: Final = ("s3", "master", "volume", "filer", "admin")
_GRPC: Final = 10_000
_START_SECONDS: Final = 60


def _identity(keys: Mapping[str, str], *actions: str) -> dict[str, object]:
    pair = {"accessKey": keys["AWS_ACCESS_KEY_ID"], "secretKey": keys["AWS_SECRET_ACCESS_KEY"]}
    return {"name": pair["accessKey"], "credentials": [pair], "actions": list(actions)}


def _free_ports() -> list[int]:
    """Return ports that are free together with those 10,000 above them."""
    found: list[int] = []
    while len(found) < len(_PORTS):
        with socket.socket() as low, socket.socket() as high:
            low.bind(("127.0.0.1", 0))
            port = low.getsockname()[1] % 20_000 + 20_000
            try:
                with socket.socket() as again:
                    again.bind(("127.0.0.1", port))
                high.bind(("127.0.0.1", port + _GRPC))
            except OSError:
                continue
        if not {port, port + _GRPC, port - _GRPC} & set(found):
            found.append(port)
    return found


class Server:
    """A server that keeps its data in ``folder``; it survives ``kill`` and ``start``."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.options = options
        self._ports = _free_ports()
        self._process: subprocess.Popen[bytes] | None = None
        self.endpoint = f"http://127.0.0.1:{self._ports[0]}"
        folder.mkdir(parents=True, exist_ok=True)
        identities = [
            _identity(OWNER, "Admin", "Read", "Write", "List", "Tagging"),
            _identity(READER, "Read", "List"),
        ]
        self._config = folder.with_name(f"{folder.name}.json")
        self._config.write_text(json.dumps({"identities": identities}), encoding="utf-8")

    def environment(self, keys: Mapping[str, str] = OWNER) -> dict[str, str]:
        """Return what a user of the server has in the environment."""
        return {**keys, "AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": "us-east-1"}

    def start(self) -> None:
        """Start it and wait until it takes a write."""
        names = ("s3.port", "master.port", "volume.port", "filer.port", "admin.port")
        ports = [f"-{name}={port}" for name, port in zip(names, self._ports, strict=True)]
        command = [
            PROGRAM, "mini", f"-dir={self.folder}", f"-bucket={BUCKET}", *ports,
            f"-s3.config={self._config}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            "-master.telemetry=false", "-admin.ui=false", "-webdav=false",
            "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false",
            *self.options,
        ]  # fmt: skip
        with (self.folder.with_name(f"{self.folder.name}.log")).open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, env=self._environment()
            )
        ending = time.monotonic() + _START_SECONDS
        while not self._writes():
            if self._process.poll() is not None or time.monotonic() > ending:
                msg = f"{PROGRAM} does not start; see {log.name}"
                raise RuntimeError(msg)
            time.sleep(0.1)

    def kill(self) -> None:
        """End it at once, without a chance to finish anything; idempotent."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Let it hang: it takes connections and does not answer."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.kill()

    def _environment(self) -> dict[str, str]:
        # A home and keys of the user's own must not reach the server.
        return {"HOME": str(self.folder), "PATH": os.environ.get("PATH", "")}

    def _writes(self) -> bool:
        store = S3Store(
            BUCKET,
            config={
                "endpoint": self.endpoint,
                "aws_endpoint_url_s3": self.endpoint,
                "region": "us-east-1",
                "access_key_id": OWNER["AWS_ACCESS_KEY_ID"],
                "secret_access_key": OWNER["AWS_SECRET_ACCESS_KEY"],
                "virtual_hosted_style_request": False,
            },
            client_options={"allow_http": True, "timeout": "5s"},
            retry_config={"max_retries": 0},
        )
        try:
            store.put("started", b"yes")
            return store.get("started").bytes() == b"yes"
        except (BaseError, OSError):
            return False
