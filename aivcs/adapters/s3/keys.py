"""The keys a request is signed with: from the environment or the shared files of AWS."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aivcs.errors import InvalidConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROLES: Final = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key; the secret parts are never printed."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


def find_keys(environment: Mapping[str, str]) -> Keys | None:
    """Return the keys that are at hand, or None where a role of the machine gives them.

    AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN come first, then
    the profile AWS_PROFILE (or ``default``) of AWS_SHARED_CREDENTIALS_FILE (or
    ``~/.aws/credentials``). Raises InvalidConfig for a profile that is chosen and absent.
    """
    if environment.get("AWS_ACCESS_KEY_ID") and environment.get("AWS_SECRET_ACCESS_KEY"):
        return Keys(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment.get("AWS_SESSION_TOKEN", ""),
        )
    chosen = environment.get("AWS_PROFILE")
    if not chosen and any(environment.get(name) for name in _ROLES):
        return None
    keys = _profile(environment, chosen or "default")
    if keys is None and chosen:
        msg = f"the profile {chosen!r} of AWS_PROFILE has no access key"
        raise InvalidConfig(msg, hint="add it to ~/.aws/credentials, or set AWS_ACCESS_KEY_ID")
    return keys


def _profile(environment: Mapping[str, str], profile: str) -> Keys | None:
    import configparser

    home = environment.get("HOME", "")
    place = environment.get("AWS_SHARED_CREDENTIALS_FILE") or f"{home}/.aws/credentials"
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(Path(place).read_text(encoding="utf-8"))
        section = parser[profile]
        return Keys(
            section["aws_access_key_id"],
            section["aws_secret_access_key"],
            section.get("aws_session_token", ""),
        )
    except (OSError, KeyError, ValueError, configparser.Error):
        return None
