"""Blobs in a bucket of any server that speaks S3."""

from aivcs.adapters.s3.blobs import S3Blobs
from aivcs.adapters.s3.bucket import Bucket, Patience
from aivcs.adapters.s3.probe import claim, claimed

__all__ = ["Bucket", "Patience", "S3Blobs", "claim", "claimed"]
