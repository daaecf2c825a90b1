"""The connection to a bucket, with its timeouts and retries."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aivcs.errors import InvalidConfig

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config, S3Store

    from aivcs.adapters.s3.bucket import Bucket

_TRIES: Final = 10
_FIRST_PAUSE: Final = timedelta(milliseconds=100)


def connect(bucket: Bucket) -> S3Store:
    """Return a client; nothing is sent yet.

    It repeats what may be repeated (reads, and writes of the same bytes under the same
    key) with growing, jittered pauses. Raises InvalidConfig without the
    package obstore, and for a profile that is absent.
    """
    address, patience, keys = bucket.address, bucket.patience, bucket.keys()
    try:
        from obstore.store import S3Store
    except ImportError as error:
        msg = f"objects in {address} need the package obstore"
        raise InvalidConfig(msg, hint="pip install 'aivcs[s3]'") from error
    config: S3Config = {
        "region": address.region,
        "virtual_hosted_style_request": not address.path_style,
        # One request an object: every server knows it.
        "disable_bulk_delete": True,
        # Both, so that the environment decides nothing that the address does not know.
        "endpoint": address.host,
        "aws_endpoint_url_s3": address.host,
    }
    if keys is not None:
        config["access_key_id"] = keys.access_key_id
        config["secret_access_key"] = keys.secret_access_key
        if keys.session_token:
            config["session_token"] = keys.session_token
    options: ClientConfig = {
        "allow_http": address.endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=patience.connect),
        "timeout": timedelta(seconds=patience.request),
    }
    return S3Store(
        address.bucket,
        config=config,
        client_options=options,
        retry_config={
            "max_retries": _TRIES,
            "retry_timeout": timedelta(seconds=patience.retries),
            "backoff": {
                "init_backoff": _FIRST_PAUSE,
                "max_backoff": timedelta(seconds=max(1.0, patience.retries / 4)),
                "base": 2,
            },
        },
    )
