"""Blobs as files of one folder, and files replaced in one step."""

from aivcs.adapters.files.blobs import FileBlobs
from aivcs.adapters.files.durable import write_atomically

__all__ = ["FileBlobs", "write_atomically"]
