"""Signed requests of our own, for what the client library has no call for."""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from aivcs.adapters.s3.failures import failure
from aivcs.adapters.s3.signature import Request, query_text, sign
from aivcs.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from http.client import HTTPConnection

    from aivcs.adapters.s3.bucket import Bucket
    from aivcs.adapters.s3.keys import Keys

_LONGEST_ANSWER: Final = 8 * 2**20
_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
_AGAIN: Final = frozenset({408, 429})
_UNKNOWN_CALL: Final = 501
_SERVER_FAILED: Final = 500
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: the status, the text of the body, the ETag without quotes."""

    status: int
    text: str
    etag: str

    @property
    def code(self) -> str:
        """Return the code of an error, or an empty text."""
        found = _CODE.search(self.text)
        return found[1] if found else ""

    @property
    def final(self) -> bool:
        """Tell whether asking again would get the same answer."""
        if self.status == _UNKNOWN_CALL:
            return True
        return self.status < _SERVER_FAILED and self.status not in _AGAIN


class Requests:
    """Requests about one key. Safe to use from several threads."""

    def __init__(self, bucket: Bucket, keys: Keys, name: str) -> None:
        self._address = bucket.address
        self._patience = bucket.patience
        self._keys = keys
        self._name = name
        self._path = quote(self._address.path + self._address.key(name), safe="/-_.~")

    def ask(
        self, method: str, query: Mapping[str, str], body: bytes = b"", *, of_bucket: bool = False
    ) -> Answer:
        """Send a request that may be repeated, and repeat it while the server fails.

        Every other answer is returned, whatever it says. Raises StorageError when time
        is up.
        """
        ending = time.monotonic() + self._patience.retries
        pause = _FIRST_PAUSE
        path = self._address.path if of_bucket else self._path
        while True:
            answer, trouble = self._try(method, path, query, body)
            if answer and answer.final:
                return answer
            if time.monotonic() + pause > ending:
                raise self.failure(answer or Answer(0, str(trouble), "")) from trouble
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads the tries, hides nothing
            pause = min(pause * 2, _LONGEST_PAUSE)

    def failure(self, answer: Answer) -> Exception:
        """Return what to raise for an answer."""
        error = failure(self._address, self._name, answer.status, answer.code, answer.text)
        if isinstance(error, StorageError):
            return error
        msg = f"the upload of {self._name} to {self._address} is unknown to the server"
        return StorageError(msg, hint="repeat the action")

    def _try(
        self, method: str, path: str, query: Mapping[str, str], body: bytes
    ) -> tuple[Answer | None, Exception | None]:
        from http.client import HTTPException

        host = urlsplit(self._address.host).netloc
        request = Request(method, host, path, query, body)
        headers = sign(request, self._keys, self._address.region, datetime.now(UTC))
        connection = self._connect()
        try:
            connection.request(method, f"{path}?{query_text(query)}", body, headers)
            response = connection.getresponse()
            text = response.read(_LONGEST_ANSWER).decode("utf-8", "replace")
            return Answer(
                response.status, text, (response.getheader("ETag") or "").strip('"')
            ), None
        except (OSError, HTTPException) as error:
            return None, error
        finally:
            connection.close()

    def _connect(self) -> HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection

        place = urlsplit(self._address.host)
        make: Callable[..., HTTPConnection]
        make = HTTPSConnection if place.scheme == "https" else HTTPConnection
        return make(place.hostname or "", place.port, timeout=self._patience.request)
