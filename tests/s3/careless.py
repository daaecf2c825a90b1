"""A small server in memory that looks like S3 and does what a test wants it to do wrong."""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = tuple[int, bytes]
    Rule = Callable[["Call"], Answer | None]

_PREFIX: Final = "/bucket/"


@dataclass(frozen=True)
class Call:
    """A request: the method, the key, the query, the headers in lower case and the body."""

    method: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = field(repr=False)


def error(status: int, code: str) -> Answer:
    """Return the answer that reports an error."""
    return status, f"<Error><Code>{code}</Code></Error>".encode()


class Careless:
    """Keeps blobs and counts calls; ``rule`` may answer a call before the server does."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.calls: list[Call] = []
        self.rule: Rule = lambda _: None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                call = self.read()
                status, body = outer.answer(call)
                hashed = call.body if call.method == "PUT" else body
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
                self.send_header("ETag", f'"{hashlib.md5(hashed).hexdigest()}"')  # noqa: S324 - as S3 does
                if status == 206:
                    start = int(self.headers["Range"].removeprefix("bytes=").split("-")[0])
                    whole = len(outer.blobs[unquote(urlsplit(self.path).path)[len(_PREFIX) :]])
                    last = start + len(body) - 1
                    self.send_header("Content-Range", f"bytes {start}-{last}/{whole}")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 - the base's names

            def read(self) -> Call:
                place = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(place.query, True).items()}  # noqa: FBT003 - keep blanks
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {key.lower(): value for key, value in self.headers.items()}
                return Call(self.command, unquote(place.path)[len(_PREFIX) :], query, headers, body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, call: Call) -> Answer:
        """Do what a call asks for, unless the rule knows better."""
        self.calls.append(call)
        chosen = self.rule(call)
        if chosen is not None:
            return chosen
        if call.method == "GET" and "list-type" in call.query:
            return 200, self._listing(call.query.get("prefix", ""))
        if call.method == "PUT" and "uploadId" not in call.query:
            if "if-none-match" in call.headers and call.key in self.blobs:
                return error(412, "PreconditionFailed")
            self.blobs[call.key] = call.body
            return 200, b""
        if call.method == "DELETE":
            self.blobs.pop(call.key, None)
            return 204, b""
        return self._read(call)

    def _read(self, call: Call) -> Answer:
        data = self.blobs.get(call.key)
        if data is None:
            return error(404, "NoSuchKey")
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", call.headers.get("range", ""))
        if found is None:
            return 200, data
        if int(found[1]) >= len(data):
            return error(416, "InvalidRange")
        return 206, data[int(found[1]) : int(found[2]) + 1]

    def _listing(self, prefix: str) -> bytes:
        rows = "".join(
            f"<Contents><Key>{key}</Key><Size>{len(data)}</Size><ETag>x</ETag>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for key, data in sorted(self.blobs.items())
            if key.startswith(prefix)
        )
        return f"<ListBucketResult><KeyCount>1</KeyCount>{rows}</ListBucketResult>".encode()

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
