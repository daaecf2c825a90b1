"""Air-gapped repositories: nothing that needs the network serves them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.errors import AirGapped, InvalidConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.ports import StorageBackend

VARIABLE: Final = "AIVCS_AIR_GAPPED"
_WORDS: Final = {"": False, "0": False, "false": False, "1": True, "true": True}
_LOCAL: Final = ("files:", "sqlite:")


def is_air_gapped(environment: Mapping[str, str], *, configured: bool = False) -> bool:
    """Tell whether the network must not be used.

    The variable AIVCS_AIR_GAPPED can only forbid it: 0 does not lift what is configured.
    Raises InvalidConfig for another value than 0, 1, true or false.
    """
    text = environment.get(VARIABLE, "")
    if text.lower() not in _WORDS:
        msg = f"{VARIABLE} is {text!r}"
        raise InvalidConfig(msg, hint="1 forbids the network, 0 does not")
    return configured or _WORDS[text.lower()]


def check_place(url: str, *, air_gapped: bool) -> None:
    """Refuse a URL that only the network leads to, where that must not be used (AirGapped).

    Asked before anything is opened, so that nothing is connected to.
    """
    if air_gapped and not url.startswith(_LOCAL):
        raise _refused(url.rpartition("@")[2])


def check_backends(*backends: StorageBackend) -> None:
    """Refuse a backend that does not support an air-gapped repository (AirGapped)."""
    for backend in backends:
        if not backend.supports_air_gapped():
            raise _refused(backend.name())


def _refused(place: str) -> AirGapped:
    msg = f"{place} needs the network, but the repository is air-gapped"
    hint = f"keep the data in the folder, or unset {VARIABLE} and [network] air_gapped"
    return AirGapped(msg, hint=hint)
