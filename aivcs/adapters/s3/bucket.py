"""A bucket as it is used: where it is, who asks, and how long an answer may take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aivcs.adapters.s3.address import Address
from aivcs.adapters.s3.keys import find_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.adapters.s3.keys import Keys


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request may take, in seconds.

    ``connect`` is for a connection, ``request`` for one try, ``retries`` for beginning
    further tries: a request ends within ``request + retries``.
    """

    connect: float = 5.0
    request: float = 30.0
    retries: float = 30.0

    @classmethod
    def of(cls, total: float) -> Patience:
        """Return the patience of requests that end within ``total`` seconds."""
        return cls(min(5.0, total / 4), total / 2, total / 2)


@dataclass(frozen=True, slots=True)
class Bucket:
    """An address with the environment that has the keys; nothing is sent by it."""

    address: Address
    environment: Mapping[str, str] = field(repr=False)
    patience: Patience = field(default_factory=Patience)

    @classmethod
    def find(
        cls,
        url: str,
        environment: Mapping[str, str],
        *,
        endpoint: str | None = None,
        region: str | None = None,
        path_style: bool | None = None,
        timeout: float | None = None,
    ) -> Bucket:
        """Return the bucket of a URL; a request ends within ``timeout`` seconds.

        What is None comes from the environment. Raises InvalidConfig.
        """
        address = Address.parse(
            url, environment=environment, endpoint=endpoint, region=region, path_style=path_style
        )
        return cls(address, environment, Patience() if timeout is None else Patience.of(timeout))

    def keys(self) -> Keys | None:
        """Return the keys that are at hand now; None where a role of the machine gives them.

        Raises InvalidConfig for a profile that is chosen and absent.
        """
        return find_keys(self.environment)
