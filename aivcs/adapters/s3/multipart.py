"""Large uploads in parts, several at a time; one that was interrupted goes on where it was."""

from __future__ import annotations

import hashlib
import html
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.adapters.s3.failures import translated
from aivcs.adapters.s3.requests import Requests
from aivcs.errors import MissingObject, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from obstore.store import S3Store

    from aivcs.adapters.s3.bucket import Bucket
    from aivcs.adapters.s3.requests import Answer

PART_SIZE: Final = 8 * 2**20
"""Bytes of a part; blobs up to this size are sent whole."""

AT_ONCE: Final = 4
_MOST_PARTS: Final = 10_000
_ROUNDS: Final = 3
_OK: Final = 200
_DELETED: Final = 204
_NOT_FOUND: Final = 404


def part_size(size: int) -> int:
    """Return how many bytes the parts of a blob have; the last one may have fewer.

    A multiple of 8 MiB that gives at most 10,000 parts.
    """
    return PART_SIZE * max(1, -(-size // (PART_SIZE * _MOST_PARTS)))


class Upload:
    """Uploads files to one bucket, with at most four parts in memory and on the wire.

    The server itself is asked which parts of an interrupted upload it has; those with the
    right size and MD5 are not sent again, whoever sent them. Where the keys come from a
    role of the machine or a proxy is in the way, the client library sends the parts; then
    an interrupted upload begins anew.
    """

    def __init__(self, bucket: Bucket, store: S3Store) -> None:
        self._bucket = bucket
        self._address = bucket.address
        self._store = store

    def send(self, name: str, file: BinaryIO, size: int) -> None:
        """Upload the file under a name. Raises StorageError."""
        keys = self._bucket.keys()
        if keys is None or _proxied(self._address.host):
            self._send_anew(name, file, size)
            return
        requests = Requests(self._bucket, keys, name)
        answer: Answer | None = None
        for _ in range(_ROUNDS):
            answer = _Round(requests, self._address.key(name), file, size).send()
            # Another writer of the same bytes may have ended the upload that we shared:
            # then the blob is there, else the next round begins one of its own.
            if answer is None or self._is_there(name):
                return
        if answer is not None:
            raise requests.failure(answer)

    def _is_there(self, name: str) -> bool:
        import obstore

        try:
            with translated(self._address, name):
                obstore.head(self._store, self._address.key(name))
        except MissingObject:
            return False
        return True

    def _send_anew(self, name: str, file: BinaryIO, size: int) -> None:
        import obstore

        file.seek(0)
        with translated(self._address, name):
            obstore.put(
                self._store,
                self._address.key(name),
                file,
                use_multipart=True,
                chunk_size=part_size(size),
                max_concurrency=AT_ONCE,
            )


@dataclass(frozen=True, slots=True)
class _Part:
    """A part on the server: its ETag there, and the MD5 of its bytes here."""

    tag: str
    md5: str


class _Round:
    """One try to bring a file up under a key."""

    def __init__(self, requests: Requests, key: str, file: BinaryIO, size: int) -> None:
        self._requests = requests
        self._key = key
        self._descriptor = file.fileno()
        self._size = size
        self._part = part_size(size)

    def send(self) -> Answer | None:
        """Return None when the blob is whole, else the answer that stood in the way.

        Raises StorageError.
        """
        # One upload may have two writers; what they have in common is the content.
        upload = self._find() or self._begin()
        known = dict(self._known(upload))
        numbers = range(1, -(-self._size // self._part) + 1)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            parts: list[_Part] = []
            try:
                for done in pool.map(lambda number: self._bring(upload, number, known), numbers):
                    if not isinstance(done, _Part):
                        return done
                    parts.append(done)
            finally:
                pool.shutdown(cancel_futures=True)
        return self._complete(upload, parts)

    def _find(self) -> str | None:
        """Return the newest upload of this key that was not ended, if one can be found.

        Some servers cannot tell, and some users may not ask; neither stops an upload.
        """
        query = {"uploads": "", "prefix": self._key}
        answer = self._requests.ask("GET", query, of_bucket=True)
        found = [
            (_tag("Initiated", block), _tag("UploadId", block))
            for block in re.findall(r"<Upload>.*?</Upload>", answer.text, re.DOTALL)
            if _tag("Key", block) == self._key
        ]
        return max(found)[1] if found else None

    def _begin(self) -> str:
        # A repeated beginning leaves an upload without parts behind; that is all.
        return _tag("UploadId", self._checked(self._requests.ask("POST", {"uploads": ""})).text)

    def _known(self, upload: str) -> Iterator[tuple[int, tuple[int, str]]]:
        marker = "0"
        while True:
            query = {"uploadId": upload, "part-number-marker": marker}
            answer = self._requests.ask("GET", query)
            for block in re.findall(r"<Part>.*?</Part>", answer.text, re.DOTALL):
                tag = _tag("ETag", block).strip('"')
                yield int(_tag("PartNumber", block)), (int(_tag("Size", block)), tag)
            following = _tag("NextPartNumberMarker", answer.text)
            if _tag("IsTruncated", answer.text) != "true" or following in {"", marker}:
                return
            marker = following

    def _bring(self, upload: str, number: int, known: dict[int, tuple[int, str]]) -> _Part | Answer:
        """Return a part that the server has, or the answer that refused it."""
        data = os.pread(self._descriptor, self._part, (number - 1) * self._part)
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if known.get(number) == (len(data), md5):
            return _Part(md5, md5)
        query = {"partNumber": str(number), "uploadId": upload}
        answer = self._requests.ask("PUT", query, data)
        if answer.status == _NOT_FOUND and answer.code != "NoSuchBucket":
            return answer
        return _Part(self._checked(answer).etag, md5)

    def _complete(self, upload: str, parts: list[_Part]) -> Answer | None:
        text = "".join(
            f'<Part><PartNumber>{number}</PartNumber><ETag>"{part.tag}"</ETag></Part>'
            for number, part in enumerate(parts, 1)
        )
        body = f"<CompleteMultipartUpload>{text}</CompleteMultipartUpload>".encode()
        answer = self._requests.ask("POST", {"uploadId": upload}, body)
        # An error may come with the status of success: it is known only at the end.
        if answer.status != _OK or "<Error>" in answer.text:
            return answer
        if all(part.tag == part.md5 for part in parts):
            # This server's tags are MD5s; then the one of the whole is the MD5 of those.
            joined = b"".join(bytes.fromhex(part.md5) for part in parts)
            whole = hashlib.md5(joined, usedforsecurity=False).hexdigest()
            if _tag("ETag", answer.text).strip('"') != f"{whole}-{len(parts)}":
                self._checked(self._requests.ask("DELETE", {}), _DELETED)
                msg = f"{self._key} arrived with another checksum than it was sent with"
                raise StorageError(msg, hint="repeat the action; nothing wrong was kept")
        return None

    def _checked(self, answer: Answer, status: int = _OK) -> Answer:
        if answer.status != status:
            raise self._requests.failure(answer)
        return answer


def _tag(name: str, text: str) -> str:
    found = re.search(rf"<{name}>([^<]*)</{name}>", text)
    return html.unescape(found[1]) if found else ""


def _proxied(host: str) -> bool:
    from urllib.parse import urlsplit
    from urllib.request import getproxies, proxy_bypass

    place = urlsplit(host)
    return place.scheme in getproxies() and not proxy_bypass(place.hostname or "")
