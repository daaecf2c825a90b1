"""The file ``config.toml``: where a repository keeps its data, how safely, and for how long."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from aivcs.adapters.files.durable import write_atomically
from aivcs.adapters.files.whole import read_whole
from aivcs.domain.retention import Retention
from aivcs.errors import InvalidConfig, InvalidInputError

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.domain.policy import Policies
    from aivcs.domain.pushing import GitSettings

T = TypeVar("T")

LEDGER_URL: Final = "sqlite:aivcs.db"
OBJECTS_URL: Final = "files:objects"
BUCKET: Final = "s3://"
DATABASES: Final = ("postgresql://", "postgres://")
DURABILITIES: Final = ("sync", "group", "os")
KEYS: Final = {
    "ledger": {"url", "durability", "timeout"},
    "objects": {"url", "endpoint", "region", "path_style", "timeout"},
    "seal": {"auto", "threshold"},
    "network": {"air_gapped"},
    "log": {"origin"},
    "git": {"push_gate", "agents"},
    "retention": {"keep_runs", "min_age_days", "keep_released"},
}
"""The tables of the file and the keys of each; that of GATES are the names of gates."""

GATES: Final = "gates"

_SECRETS: Final = ("key", "secret", "token", "password", "credential", "profile")
_LONGEST_TIMEOUT: Final = 3600
_MOST_KEPT: Final = 10**9
_TYPES: Final = {
    str: "text in quotes",
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    list: "a list of texts in quotes",
}
_TEXT: Final = """\
# Where this repository keeps its data. Never write a password here.
[ledger]
url = "{0}"
durability = "group"

[objects]
url = "{1}"
"""
_DEFAULT: Final = _TEXT.format(LEDGER_URL, OBJECTS_URL)


class Objects(NamedTuple):
    """Where objects are; all but ``url`` is about a bucket, None leaves it to the environment.

    ``timeout`` is in seconds.
    """

    url: str = OBJECTS_URL
    endpoint: str | None = None
    region: str | None = None
    path_style: bool | None = None
    timeout: float | None = None


class Seal(NamedTuple):
    """Whether sealing starts by itself, and how many small objects must wait for it."""

    auto: bool = True
    threshold: int = 50_000


class Config(NamedTuple):
    """What ``config.toml`` says; ``ledger_timeout`` is in seconds, of a database's server."""

    ledger_url: str = LEDGER_URL
    ledger_timeout: float | None = None
    durability: str = "group"
    objects: Objects = Objects()
    seal: Seal = Seal()
    retention: Retention = Retention()
    air_gapped: bool = False
    policies: Policies | None = None
    log_origin: str | None = None
    git: GitSettings | None = None


def config_text(objects: Objects, ledger_url: str = LEDGER_URL) -> str:
    """Return the file of a new repository; the values must be free of quotes."""
    text = _TEXT.format(ledger_url, objects.url)
    if objects.endpoint:
        text += f'endpoint = "{objects.endpoint}"\n'
    if objects.region:
        text += f'region = "{objects.region}"\n'
    return text


def read_config(folder: Path) -> Config:
    """Read ``config.toml``; a missing one means the defaults.

    Raises InvalidConfig naming the key that is wrong, and as ``read_whole``.
    """
    path = folder / "config.toml"
    data = read_whole(path) or b""
    try:
        if data == _DEFAULT.encode():
            return Config()
        return _parse(path, data.decode())
    except UnicodeDecodeError as error:
        msg = f"{path} is not UTF-8 text"
        raise InvalidConfig(msg) from error


def _parse(path: Path, text: str) -> Config:
    from aivcs.domain.tomltext import read_toml

    try:
        tables = read_toml(text)
    except InvalidInputError as error:
        msg = f"{path} is not TOML: {error.message}"
        raise InvalidConfig(msg) from error
    policies = _policies(path, tables.pop(GATES)) if GATES in tables else None
    for table, keys in tables.items():
        _check_keys(path, table, keys)
    ledger = tables.get("ledger", {})
    config = Config(
        *_ledger(path, ledger),
        ledger.get("durability", "group"),
        _objects(path, tables.get("objects", {})),
        _seal(path, tables.get("seal", {})),
        _retention(path, tables.get("retention", {})),
        _value(path, tables.get("network", {}), "air_gapped", bool) is True,
        policies,
        _origin(path, tables.get("log", {})),
        _git(path, tables["git"]) if "git" in tables else None,
    )
    if config.durability not in DURABILITIES:
        msg = f"{path}: durability is {config.durability!r}"
        raise InvalidConfig(msg, hint=f"one of {', '.join(DURABILITIES)}")
    return config


def _ledger(path: Path, table: dict[str, Any]) -> tuple[str, float | None]:
    url = _value(path, table, "url", str) or LEDGER_URL
    if url != LEDGER_URL and not url.startswith(DATABASES):
        raise _unserved(path, url, f"{LEDGER_URL!r} and 'postgresql://USER@HOST/DATABASE'")
    timeout = _timeout(path, table)
    if timeout is not None and url == LEDGER_URL:
        msg = f"{path}: timeout has no meaning for {LEDGER_URL!r}"
        raise InvalidConfig(msg, hint="remove it, or name a database in url")
    return url, timeout


def _timeout(path: Path, table: dict[str, Any]) -> float | None:
    timeout = _value(path, table, "timeout", float, int)
    if timeout is not None and not 0 < timeout <= _LONGEST_TIMEOUT:
        msg = f"{path}: timeout is {timeout}"
        raise InvalidConfig(msg, hint=f"seconds, more than 0 and up to {_LONGEST_TIMEOUT}")
    return timeout


def _check_keys(path: Path, table: str, keys: object) -> None:
    known = KEYS.get(table)
    unknown = set(keys) - known if known and isinstance(keys, dict) else {table}
    if unknown:
        secret = any(part in key.lower() for key in unknown for part in _SECRETS)
        lists = f"[{table}] has the keys" if known else "the tables are"
        hint = f"{lists} {', '.join(sorted(known or (*KEYS, GATES)))}"
        if secret:
            hint = "credentials belong into the environment"
        msg = f"{path} has an unknown key: {', '.join(sorted(unknown))}"
        raise InvalidConfig(msg, hint=hint)
    empty = [key for key, value in keys.items() if value == ""] if isinstance(keys, dict) else []
    if empty:
        msg = f"{path}: {empty[0]} of [{table}] is empty"
        raise InvalidConfig(msg, hint="write its value, or remove the line for the default")


def _objects(path: Path, table: dict[str, Any]) -> Objects:
    url = _value(path, table, "url", str) or OBJECTS_URL
    timeout = _timeout(path, table)
    if url != OBJECTS_URL and not url.startswith(BUCKET):
        raise _unserved(path, url, f"{OBJECTS_URL!r} and 's3://BUCKET/PREFIX'")
    about_bucket = sorted(set(table) - {"url"})
    if url == OBJECTS_URL and about_bucket:
        msg = f"{path}: {about_bucket[0]} has no meaning for {OBJECTS_URL!r}"
        raise InvalidConfig(msg, hint="remove it, or name a bucket in url")
    return Objects(
        url,
        _value(path, table, "endpoint", str),
        _value(path, table, "region", str),
        _value(path, table, "path_style", bool),
        timeout,
    )


def _origin(path: Path, table: dict[str, Any]) -> str | None:
    origin = _value(path, table, "origin", str)
    if origin is None:
        return None
    from aivcs.domain.signing import check_key_name

    try:
        return check_key_name(origin)
    except InvalidInputError as error:
        msg = f"{path}: origin is {origin!r}"
        raise InvalidConfig(msg, hint=error.hint) from error


def _git(path: Path, table: dict[str, Any]) -> GitSettings:
    from aivcs.domain.names import check_name
    from aivcs.domain.pushing import GitSettings
    from aivcs.domain.spec import check_path

    name = _value(path, table, "push_gate", str)
    agents = _value(path, table, "agents", list) or []
    try:
        if name is not None:
            check_name(name)
        return GitSettings(name, tuple(one if one == "." else check_path(one) for one in agents))
    except InvalidInputError as error:
        msg = f"{path}: [git] {error.message}"
        raise InvalidConfig(msg, hint=error.hint) from error


def name_log(folder: Path, origin: str) -> None:
    """Write the name of the logs into ``config.toml``, which has none yet.

    Raises as ``read_config``.
    """
    path = folder / "config.toml"
    text = (read_whole(path) or b"").decode()
    added = f"{text}\n[log]\norigin = {json.dumps(origin, ensure_ascii=False)}\n"
    if _parse(path, added).log_origin != origin:
        msg = f"{path} cannot have the origin {origin!r}"
        raise InvalidConfig(msg)
    write_atomically(path, added.encode())


def _retention(path: Path, table: dict[str, Any]) -> Retention:
    counts = {key: _value(path, table, key, int) for key in ("keep_runs", "min_age_days")}
    for key, count in counts.items():
        if count is not None and not 0 <= count < _MOST_KEPT:
            msg = f"{path}: {key} is {count}"
            raise InvalidConfig(msg, hint=f"a whole number from 0, less than {_MOST_KEPT}")
    released = _value(path, table, "keep_released", bool)
    return Retention(
        counts["keep_runs"], counts["min_age_days"], keep_released=released is not False
    )


def _policies(path: Path, table: object) -> Policies:
    from aivcs.domain.policy import read_policies

    if not isinstance(table, dict):
        msg = f"{path}: {GATES} is no table"
        raise InvalidConfig(msg, hint=f"for example: [{GATES}], then min_pass_rate = 0.95")
    try:
        return read_policies(table)
    except InvalidInputError as error:
        msg = f"{path}: {error.message}"
        raise InvalidConfig(msg, hint=error.hint) from error


def _seal(path: Path, table: dict[str, Any]) -> Seal:
    auto = _value(path, table, "auto", bool)
    threshold = _value(path, table, "threshold", int)
    if threshold is not None and threshold < 1:
        msg = f"{path}: threshold is {threshold}"
        raise InvalidConfig(msg, hint="1 or more; 'auto = false' turns sealing by itself off")
    default = Seal()
    return Seal(
        default.auto if auto is None else auto,
        default.threshold if threshold is None else threshold,
    )


def _value(path: Path, table: dict[str, Any], key: str, *types: type[T]) -> T | None:
    value = table.get(key)
    # To Python a truth value is a number, to a configuration it is not.
    sound = isinstance(value, types) and (bool in types or not isinstance(value, bool))
    if value is None or sound:
        return value
    msg = f"{path}: {key} is {value!r}"
    raise InvalidConfig(msg, hint=f"it is {_TYPES[types[0]]}")


def _unserved(path: Path, url: object, known: str) -> InvalidConfig:
    msg = f"{path}: no adapter serves {str(url).split('@')[-1]!r}"
    return InvalidConfig(msg, hint=f"this aivcs knows {known}")
