"""Taking a place in a bucket: the server proves itself, and the place gets one owner."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from aivcs.adapters.s3.blobs import MARK
from aivcs.adapters.s3.client import connect
from aivcs.adapters.s3.failures import translated
from aivcs.errors import ConflictError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obstore.store import S3Store

    from aivcs.adapters.s3.address import Address
    from aivcs.adapters.s3.bucket import Bucket

_DATA: Final = b"0123456789 is written, read, listed and deleted by aivcs"
_RANDOM_BYTES: Final = 8


def claim(bucket: Bucket) -> None:
    """Test the server and mark the place as a repository's.

    Raises ConflictError if a repository has this bucket and prefix already, StorageError
    for a server that cannot be reached, refuses, or does not do what it should. Then the
    place is as it was.
    """
    address = bucket.address
    store = prove(bucket)
    if not _create(store, address, address.key(MARK)):
        msg = f"{address} belongs to another repository"
        hint = f"choose another prefix; if that repository is gone, delete the key {MARK!r} there"
        raise ConflictError(msg, hint=hint)


@contextmanager
def claimed(bucket: Bucket) -> Iterator[None]:
    """Claim the place for a block; when the block fails it is given back. Raises like ``claim``."""
    import obstore

    claim(bucket)
    try:
        yield
    except BaseException:
        with suppress(StorageError), translated(bucket.address):
            obstore.delete(connect(bucket), bucket.address.key(MARK))
        raise


def prove(bucket: Bucket) -> S3Store:
    """Test whether the server does what it should; return a client of it.

    A key is written on the condition that it is free, read, listed and deleted. Raises
    Unreachable, StorageError.
    """
    import obstore

    store, address = connect(bucket), bucket.address
    key = address.key(f"probe-{os.urandom(_RANDOM_BYTES).hex()}")
    try:
        if not _create(store, address, key):
            raise _unfit(address, "refuses to create a key that is free")
        if _create(store, address, key):
            raise _unfit(address, "ignores conditional writes: it replaced a key that was there")
        with translated(address):
            whole = bytes(obstore.get(store, key).bytes())
            part = bytes(obstore.get_range(store, key, start=2, length=5))
            pages = obstore.list(store, prefix=address.prefix or None)
            listed = any(item["path"] == key for page in pages for item in page)
        for fits, what in (
            (whole == _DATA, "does not return what was just written"),
            (part == _DATA[2:7], "does not return the range that was asked for"),
            (listed, "does not list what was just written"),
        ):
            if not fits:
                raise _unfit(address, what)
    finally:
        with translated(address):
            obstore.delete(store, key)
    return store


def _create(store: S3Store, address: Address, key: str) -> bool:
    """Write a key that must not be there; tell whether it was free."""
    import obstore
    from obstore.exceptions import AlreadyExistsError

    with translated(address):
        try:
            obstore.put(store, key, _DATA, mode="create")
        except AlreadyExistsError:
            return False
    return True


def _unfit(address: Address, what: str) -> StorageError:
    msg = f"the server of {address} {what}"
    return StorageError(msg, hint="aivcs needs a server that does; a newer version may")
