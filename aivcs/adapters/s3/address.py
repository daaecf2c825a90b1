"""Where a bucket is: what the configuration and the environment say of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.errors import InvalidConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEME: Final = "s3://"
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}")
_PART: Final = re.compile(r"[A-Za-z0-9._=+-]+")
_ENDPOINT: Final = re.compile(r"(https?)://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?/?")
_REGION_NAME: Final = re.compile(r"[A-Za-z0-9-]+")
_REGION: Final = "us-east-1"


@dataclass(frozen=True, slots=True)
class Address:
    """A bucket and the prefix of its keys, with the server that has it.

    ``endpoint`` is a URL without a path; empty means Amazon's own.
    """

    bucket: str
    prefix: str
    region: str
    endpoint: str
    path_style: bool

    @classmethod
    def parse(
        cls,
        url: str,
        *,
        environment: Mapping[str, str],
        endpoint: str | None = None,
        region: str | None = None,
        path_style: bool | None = None,
    ) -> Address:
        """Read ``s3://bucket/prefix``; what is not given comes from the environment.

        AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL and AWS_REGION or AWS_DEFAULT_REGION count.
        A server with an endpoint of its own is asked in path style unless told otherwise.
        Raises InvalidConfig; no secret that was in the URL is repeated.
        """
        bucket, _, prefix = url.removeprefix(SCHEME).partition("/")
        prefix = prefix.removesuffix("/")
        parts = prefix.split("/") if prefix else []
        sound = all(_PART.fullmatch(part) and part not in {".", ".."} for part in parts)
        if not (url.startswith(SCHEME) and _BUCKET.fullmatch(bucket) and sound):
            msg = f"not a bucket: {redacted(url)!r}"
            raise InvalidConfig(msg, hint="write s3://BUCKET or s3://BUCKET/PREFIX")
        place = endpoint or _first(environment, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
        if place and not _ENDPOINT.fullmatch(place):
            msg = f"not the endpoint of a server: {redacted(place)!r}"
            hint = "write https://HOST or http://HOST:PORT; keys come from the environment"
            raise InvalidConfig(msg, hint=hint)
        area = region or _first(environment, "AWS_REGION", "AWS_DEFAULT_REGION") or _REGION
        if not _REGION_NAME.fullmatch(area):
            msg = f"not a region: {area!r}"
            raise InvalidConfig(msg, hint="write it like us-east-1")
        return cls(
            bucket,
            prefix,
            area,
            place.removesuffix("/"),
            bool(place) if path_style is None else path_style,
        )

    def __str__(self) -> str:
        """Return what is printed: the bucket, the prefix and the server."""
        return f"{self.url} at {self.endpoint}" if self.endpoint else self.url

    @property
    def url(self) -> str:
        """Return ``s3://bucket/prefix``."""
        return f"{SCHEME}{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")

    @property
    def host(self) -> str:
        """Return the URL of the host that is asked, without a path."""
        root = self.endpoint or f"https://s3.{self.region}.amazonaws.com"
        if self.path_style:
            return root
        scheme, _, host = root.partition("://")
        return f"{scheme}://{self.bucket}.{host}"

    @property
    def path(self) -> str:
        """Return the path that a key is appended to."""
        return f"/{self.bucket}/" if self.path_style else "/"

    def key(self, name: str) -> str:
        """Return the key of a blob."""
        return f"{self.prefix}/{name}" if self.prefix else name

    def name(self, key: str) -> str:
        """Return the name of the blob that has this key."""
        return key[len(self.prefix) + 1 :] if self.prefix else key


def redacted(text: str) -> str:
    """Return a URL without user, password and query."""
    return re.sub(r"//[^/]*@", "//***@", text).partition("?")[0]


def _first(environment: Mapping[str, str], *names: str) -> str:
    return next((environment[name] for name in names if environment.get(name)), "")
