"""The one place where errors of a server and its client become errors of aivcs."""

from __future__ import annotations

import errno
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aivcs.errors import AivcsError, MissingObject, StorageError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs.adapters.s3.address import Address

_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
_STATUS: Final = re.compile(r"status code: (\d{3})")
_FULL: Final = frozenset(
    {"QuotaExceeded", "QuotaExceededException", "InsufficientStorage", "XMinioStorageFull"}
)
_KEYS: Final = frozenset(
    {
        "SignatureDoesNotMatch",
        "InvalidAccessKeyId",
        "ExpiredToken",
        "InvalidToken",
        "InvalidClientTokenId",
        "TokenRefreshRequired",
    }
)
_NOT_FOUND: Final = 404
_DENIED: Final = frozenset({401, 403})
_NO_ROOM: Final = 507
_SERVER_FAILED: Final = 500
_NO_KEYS: Final = "169.254.169.254"
_LONGEST: Final = 300


@contextmanager
def translated(address: Address, name: str = "") -> Iterator[None]:
    """Raise an error of the client as one of aivcs that names the bucket and the server."""
    from obstore.exceptions import BaseError

    try:
        yield
    except AivcsError:
        # One of them is a ValueError too.
        raise
    except (BaseError, OSError, ValueError) as error:
        text = str(error)
        status, code = _STATUS.search(text), _CODE.search(text)
        raise failure(
            address,
            name,
            int(status[1]) if status else _NOT_FOUND * isinstance(error, FileNotFoundError),
            code[1] if code else "",
            text,
        ) from error


def failure(address: Address, name: str, status: int, code: str, text: str) -> AivcsError:
    """Return what to raise for an answer of a server, or for none (``status`` 0)."""
    what = f"{name} in {address}" if name else str(address)
    if status == _NOT_FOUND and code != "NoSuchBucket":
        msg = f"no blob {name} in {address}"
        return MissingObject(msg, hint="restore it from a copy")
    if code == "NoSuchBucket":
        msg = f"there is no bucket {address.bucket!r} for {address}"
        hint = "create it, or correct the URL and the endpoint"
    elif code in _KEYS or _NO_KEYS in text:
        msg = f"no valid credentials for {address}: {code or 'none were found'}"
        hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    elif status in _DENIED:
        msg = f"no permission for {what}: {code or status}"
        hint = "check the credentials and what they are allowed to do"
    elif status == _NO_ROOM or code in _FULL or "no space left" in text.lower():
        msg = f"no space left to write {what}: {code or status}"
        hint = "free some space or raise the quota, then repeat the action"
    elif status >= _SERVER_FAILED:
        msg = f"the server failed at {what}: {status} {code}".rstrip()
        hint = "its log says why (it may be full); then repeat the action"
    elif status:
        msg = f"the server refused {what}: {status} {code}".rstrip()
        hint = "the action may be repeated"
    else:
        msg = f"no answer from the server of {what}: {_brief(text)}"
        hint = "check that it runs and is reachable, then repeat the action; nothing was lost"
    return Unreachable(msg, hint=hint)


def spool_failure(folder: Path, error: OSError) -> StorageError:
    """Return what to raise when the file of a blob on its way cannot be written."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        msg = f"no space left in {folder}: {error.strerror}"
        return StorageError(msg, hint="free some space; what did not fit was not kept")
    msg = f"cannot write into {folder}: {error.strerror}"
    if error.errno == errno.EFBIG:
        return StorageError(msg, hint="'ulimit -f' shows and raises the limit of files' sizes")
    return StorageError(msg, hint="check the disk and who owns the folder")


def _brief(text: str) -> str:
    # Behind the first paragraph the client tells how it is built; a URL may hold anything.
    first = re.sub(r"https?://\S+", "it", text.partition("\n\n")[0].replace("\n", " "))
    if "timed out" in text or "TimedOut" in text or "Timeout" in text:
        first = "it did not answer in time"
    elif "refused" in text:
        first = "the connection was refused"
    elif "error sending request" in text:
        first = "it cannot be reached"
    return first[:_LONGEST]
