"""Signatures of requests: AWS Signature Version 4, in the headers."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aivcs.adapters.s3.keys import Keys

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SAFE: Final = "-_.~"


def query_text(query: Mapping[str, str]) -> str:
    """Return the query of a URL in the one form that can be signed."""
    pairs = sorted((quote(key, _SAFE), quote(value, _SAFE)) for key, value in query.items())
    return "&".join(f"{key}={value}" for key, value in pairs)


@dataclass(frozen=True, slots=True)
class Request:
    """What a signature covers; ``path`` is quoted already."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    body: bytes = b""


def sign(request: Request, keys: Keys, region: str, moment: datetime) -> dict[str, str]:
    """Return the headers that a request needs."""
    stamp = moment.strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(request.body).hexdigest()
    headers = {"host": request.host, "x-amz-content-sha256": digest, "x-amz-date": stamp}
    if keys.session_token:
        headers["x-amz-security-token"] = keys.session_token
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    query = query_text(request.query)
    canonical = f"{request.method}\n{request.path}\n{query}\n{lines}\n{names}\n{digest}"
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    proof = hmac.digest(key, f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashed}".encode(), "sha256")
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={keys.access_key_id}/{scope}, "
        f"SignedHeaders={names}, Signature={proof.hex()}"
    )
    return headers
