"""A wire between clients and a server that can be cut at a chosen moment."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable


class Cut(Enum):
    """When the wire is cut."""

    BEFORE = "before the statement reaches the server"
    AFTER = "after the server has done it, before its answer comes back"


class Wire:
    """Listens on a port of its own and passes everything on to ``port`` of this machine."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._plan: tuple[bytes, Cut] | None = None
        self._stopped = threading.Event()
        self.cuts = 0
        self.then: Callable[[], None] = lambda: None
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, words: bytes, when: Cut) -> None:
        """Cut the connection on which these words are sent next, once."""
        self._plan = words, when

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with (
            client,
            suppress(OSError),
            socket.create_connection(("127.0.0.1", self._target)) as server,
        ):
            while not self._stopped.is_set():
                ready, _, _ = select.select([client, server], [], [], 0.2)
                for side in ready:
                    data = side.recv(2**16)
                    if not data or (side is client and self._is_cut(data, client, server)):
                        return
                    (server if side is client else client).sendall(data)

    def _is_cut(self, data: bytes, client: socket.socket, server: socket.socket) -> bool:
        if self._plan is None or self._plan[0] not in data:
            return False
        when, self._plan = self._plan[1], None
        self.cuts += 1
        if when is Cut.AFTER:
            server.sendall(data)
            # It does not answer before it has all that is asked in one round trip.
            while server not in select.select([client, server], [], [])[0]:
                server.sendall(client.recv(2**16))
            server.recv(2**16)
        self.then()
        return True

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(self, *_: object) -> None:
        """Cut everything."""
        self._stopped.set()
        self._listener.close()
