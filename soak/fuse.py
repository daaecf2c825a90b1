"""A file system of two files, in the kernel's own protocol: a disk, and what is said of it.

It needs root and nothing else: the kernel sends requests through ``/dev/fuse``, and one
thread answers them in the order they come.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DISK: Final = "disk"
SAID: Final = "said"

_NODES: Final = {DISK: 2, SAID: 3}
_DISK_NODE: Final = _NODES[DISK]
_REQUEST: Final = struct.Struct("<IIQQIIIHH")
_ANSWER: Final = struct.Struct("<IiQ")
_ATTRIBUTES: Final = struct.Struct("<QQQQQQIIIIIIIIII")
_RANGE: Final = struct.Struct("<QQII")
_RANGE_BYTES: Final = 40
_MAX_WRITE: Final = 2**20
_BUFFER: Final = _MAX_WRITE + 4096
_FOLDER_MODE: Final = 0o040700
_FILE_MODE: Final = 0o100600
_DIRECT_IO: Final = 1
_BIG_WRITES: Final = 1 << 5
_MAX_PAGES: Final = 1 << 22
_NOSUID_NODEV: Final = 2 | 4
_QUIET: Final = frozenset({2, 36, 42})  # FORGET, INTERRUPT and BATCH_FORGET want no answer


class Disk(Protocol):
    """What the served disk does with requests."""

    size: int

    def read(self, start: int, length: int) -> bytes:
        """Return bytes of the disk."""
        ...

    def write(self, start: int, data: bytes) -> None:
        """Change bytes of the disk."""
        ...

    def flush(self) -> None:
        """Be told that what was written before is asked to be durable."""
        ...

    def say(self, data: bytes) -> None:
        """Be told what somebody wrote into the other file."""
        ...


def mount(point: Path) -> int:
    """Mount the file system and return the descriptor to serve. Raises OSError."""
    descriptor = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={descriptor},rootmode=40000,user_id=0,group_id=0,allow_other"
    done = libc.mount(b"recorded", os.fsencode(point), b"fuse", _NOSUID_NODEV, os.fsencode(options))
    if done:
        number = ctypes.get_errno()
        os.close(descriptor)
        raise OSError(number, os.strerror(number), str(point))
    return descriptor


def serve(descriptor: int, disk: Disk) -> None:
    """Answer requests until the file system is unmounted."""
    server = _Server(disk)
    while True:
        try:
            request = os.read(descriptor, _BUFFER)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return
            if error.errno in {errno.EINTR, errno.ENOENT, errno.EAGAIN}:
                continue
            raise
        answer = server.answer(request)
        if answer is not None:
            try:
                os.write(descriptor, answer)
            except FileNotFoundError:
                continue  # the request was given up meanwhile


class _Refused(Exception):
    def __init__(self, number: int) -> None:
        self.number = number


def _unknown(_node: int, _body: bytes) -> bytes:
    raise _Refused(errno.ENOSYS)


class _Server:
    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._handlers: dict[int, Callable[[int, bytes], bytes]] = {
            1: self._lookup,
            3: self._attributes,
            4: self._attributes,
            14: self._open,
            15: self._read,
            16: self._write,
            18: lambda _node, _body: b"",
            20: self._sync,
            25: lambda _node, _body: b"",
            26: self._init,
            38: lambda _node, _body: b"",
        }

    def answer(self, request: bytes) -> bytes | None:
        _, operation, unique, node, *_ = _REQUEST.unpack_from(request)
        if operation in _QUIET:
            return None
        handler = self._handlers.get(operation, _unknown)
        try:
            body = handler(node, request[_REQUEST.size :])
        except _Refused as refused:
            return _ANSWER.pack(_ANSWER.size, -refused.number, unique)
        return _ANSWER.pack(_ANSWER.size + len(body), 0, unique) + body

    def _init(self, _node: int, body: bytes) -> bytes:
        major, minor, read_ahead, _flags = struct.unpack_from("<IIII", body)
        flags = _BIG_WRITES | _MAX_PAGES
        limits = struct.pack("<HHIIHH", 16, 12, _MAX_WRITE, 1, _MAX_WRITE // 4096, 0)
        head = struct.pack("<IIII", major, min(minor, 31), read_ahead, flags)
        return (head + limits).ljust(64, b"\0")

    def _attribute(self, node: int) -> bytes:
        size = self._disk.size if node == _DISK_NODE else 0
        mode = _FILE_MODE if node in _NODES.values() else _FOLDER_MODE
        blocks = size // 512
        return _ATTRIBUTES.pack(node, size, blocks, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def _lookup(self, _node: int, body: bytes) -> bytes:
        node = _NODES.get(body.rstrip(b"\0").decode())
        if node is None:
            raise _Refused(errno.ENOENT)
        return struct.pack("<QQQQII", node, 0, 3600, 3600, 0, 0) + self._attribute(node)

    def _attributes(self, node: int, _body: bytes) -> bytes:
        return struct.pack("<QII", 3600, 0, 0) + self._attribute(node)

    def _open(self, node: int, _body: bytes) -> bytes:
        return struct.pack("<QII", node, 0 if node == _DISK_NODE else _DIRECT_IO, 0)

    def _read(self, node: int, body: bytes) -> bytes:
        _, start, length, _ = _RANGE.unpack_from(body)
        return self._disk.read(start, length) if node == _DISK_NODE else b""

    def _write(self, node: int, body: bytes) -> bytes:
        _, start, length, _ = _RANGE.unpack_from(body)
        data = body[_RANGE_BYTES : _RANGE_BYTES + length]
        if node == _DISK_NODE:
            self._disk.write(start, data)
        else:
            self._disk.say(data)
        return struct.pack("<II", len(data), 0)

    def _sync(self, node: int, _body: bytes) -> bytes:
        if node == _DISK_NODE:
            self._disk.flush()
        return b""
