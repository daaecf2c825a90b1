"""A real PostgreSQL server on a free port of this machine: started, stopped, killed, paused."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final, Self

import psycopg

from aivcs.adapters.postgres import Server, claimed

USER: Final = "aivcs"
PASSWORD: Final = "secret words"  # noqa: S105 - of a server that lives as long as the tests
TEMPLATE: Final = "aivcs_template"
_START_SECONDS: Final = 60
# Only a power cut would tell the difference, and these servers never meet one.
_QUICK: Final = ("fsync=off", "full_page_writes=off")


def programs() -> Path | None:
    """Return the folder of the newest server's programs, None where there is none."""
    found = shutil.which("initdb")
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    return Path(found).parent if found else places[-1].parent if places else None


def _version(path: Path) -> int:
    return int(path.parent.parent.name)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _lives(number: int) -> bool:
    try:
        stat = Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class PostgresServer:
    """A server with a folder of its own; its data survive ``kill`` and ``start``."""

    def __init__(self, *settings: str, quick: bool = True) -> None:
        found = programs()
        assert found, "no server: apt-get install postgresql"
        self._programs = found
        self._settings = [*settings, *(_QUICK if quick else ())]
        # Not below pytest's folder: the server refuses to run as root, others may not look there.
        self._folder = Path(tempfile.mkdtemp(prefix="aivcs-postgres-"))
        self._data = self._folder / "data"
        self._owner = "postgres" if os.getuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count()
        self.port = _free_port()
        secret = self._folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        if self._owner is not None:
            for path in (self._folder, secret):
                shutil.chown(path, self._owner, self._owner)
        self._run(
            "initdb", f"--username={USER}", "--auth=scram-sha-256", f"--pwfile={secret}",
            "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", str(self._data),
        )  # fmt: skip

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), *arguments],
            check=True,
            capture_output=True,
            cwd=self._folder,
            user=self._owner,
            group=self._owner,
        )

    def url(self, database: str = "postgres", user: str = USER) -> str:
        """Return the URL of a database, without the password."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def connect(
        self, database: str = "postgres", user: str = USER
    ) -> psycopg.Connection[tuple[object, ...]]:
        """Return a foreign client's connection."""
        return psycopg.connect(self.url(database, user), password=PASSWORD, autocommit=True)

    def new_database(self, *, empty: bool = False) -> str:
        """Make a database, with the tables of a ledger or ``empty``, and return its name."""
        name = f"test_{next(self._numbers)}"
        with self.connect() as db:
            db.execute(f"CREATE DATABASE {name} TEMPLATE {'template0' if empty else TEMPLATE}")
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database and whoever is connected to it."""
        with self.connect() as db:
            db.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = [
            "listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=",
            "max_connections=200", "shared_buffers=64MB", *self._settings,
        ]  # fmt: skip
        command = [str(self._programs / "postgres"), "-D", str(self._data)]
        command += [part for setting in settings for part in ("-c", setting)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                user=self._owner,
                group=self._owner,
            )
        ending = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > ending:
                    msg = f"the server does not start; see {self._folder}/log"
                    raise RuntimeError(msg) from None
                time.sleep(0.02)
            else:
                return

    def _children(self) -> list[int]:
        """Return the numbers of the server's other processes."""
        assert self._process
        first = self._process.pid
        return [
            int(number)
            for number in Path(f"/proc/{first}/task/{first}/children")
            .read_text(encoding="ascii")
            .split()
        ]

    def _signal(self, number: signal.Signals, processes: list[int]) -> None:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def kill(self) -> None:
        """End it at once, all its processes, without a chance to finish anything."""
        if self._process is None:
            return
        # It makes no more of them while it stands still.
        self._process.send_signal(signal.SIGSTOP)
        children = self._children()
        self._signal(signal.SIGKILL, [*children, self._process.pid])
        self._process.wait()
        self._process = None
        while any(map(_lives, children)):
            time.sleep(0.005)

    def stop(self) -> None:
        """End it in order, whoever is connected."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Let it hang: the machine takes connections, and nobody answers."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        self._signal(signal.SIGSTOP, self._children())

    def resume(self) -> None:
        """Let it go on."""
        assert self._process
        self._signal(signal.SIGCONT, [self._process.pid, *self._children()])

    def __enter__(self) -> Self:
        """Start, with a template for databases."""
        self.start()
        with self.connect() as db:
            db.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
        with claimed(Server(self.url(TEMPLATE)), "files:template"):
            pass
        return self

    def __exit__(self, *_: object) -> None:
        """End it and remove its data."""
        self.kill()
        shutil.rmtree(self._folder)
