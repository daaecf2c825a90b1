"""The commands of the family ``key``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output
from aivcs.cli.command import command
from aivcs.domain.published import LOGS, log_origin

if TYPE_CHECKING:
    from aivcs.cli.session import Session
    from aivcs.cli.views import View
    from aivcs.domain.note import Verifier


@command("create")
@click.argument("origin", required=False)
@click.pass_obj
def create(session: Session, *, origin: str | None) -> None:
    """Make the key that signs the logs of a repository.

    ORIGIN is the name of the logs for all the world, best like a URL: example.com/agents. In a
    repository without one it is written into config.toml; without ORIGIN it is read from there.
    The key is kept outside the repository, in XDG_DATA_HOME/aivcs/keys, and only its owner may
    read it. JSON: {origin, path, verifiers: {releases, runs}, state, keyid, pem}.
    """
    from aivcs.repo import keys

    name = _named(session, origin)
    path, signer = keys.create(name)
    value = _view(path, signer.verifier(), "current")
    output.answer(session, value, lambda: _write(value))


@command("list")
@click.pass_obj
def list_keys(session: Session) -> None:
    """List the keys of this user.

    JSON: a list of what 'key create' gives; state is current, next (while it is rotated to)
    or retired.
    """
    from aivcs.repo import keys

    found = [_view(*key) for key in keys.keyring()]
    output.listing(session, found, None, _write_all)
    if not found and not session.json:
        output.note("there is no key; 'aivcs key create ORIGIN' makes one")


@command("show")
@click.argument("origin", required=False)
@click.option("--vkey", is_flag=True, help="Print only the verifier keys, one a line.")
@click.option("--pem", is_flag=True, help="Print the public key in PEM, as other tools take it.")
@click.pass_obj
def show(session: Session, *, origin: str | None, vkey: bool, pem: bool) -> None:
    """Show the verifier keys of the key that signs.

    Who has them can check a checkpoint, a proof or an attestation: 'key show --vkey >FILE' is
    what to give away, and --key FILE what to check with. Without ORIGIN that of this
    repository. AIVCS_KEY names another file. JSON: as 'key create'.
    """
    if vkey and pem:
        msg = "--vkey and --pem are two forms of one key"
        raise click.UsageError(msg, click.get_current_context())
    from aivcs.errors import KeyNotFound
    from aivcs.repo import keys

    name = origin
    if name is None and not keys.is_named():
        with session.open() as repo:
            name = repo.name_logs()
    signer = keys.signer(name)
    if signer is None:
        msg = f"there is no key of {name} in {keys.folder()}"
        raise KeyNotFound(msg, hint=f"'aivcs key create {name}' makes one")
    value = _view(keys.place(signer), signer.verifier(), "current")
    output.answer(session, value, lambda: _show(value, vkey=vkey, pem=pem))


@command("rotate")
@click.pass_obj
def rotate(session: Session) -> None:
    """Sign with a new key from now on.

    The old key announces the new one by an entry of the log of releases that it signs, and the
    next checkpoint is signed by both. JSON: {old, new}, each as of 'key create'.
    """
    from aivcs.repo import keys

    with session.open() as repo:
        rotated = repo.rotate_key()
    old, new = (
        _view(None, key, state)
        for key, state in ((rotated.old, "retired"), (rotated.new, "current"))
    )
    new["path"] = str(keys.keyring().place(rotated.new.name))

    def write() -> None:
        _write(new)
        output.note("publish the new verifier keys where the old ones are known")

    output.answer(session, {"old": old, "new": new}, write)


def _named(session: Session, origin: str | None) -> str:
    """Return the name for a new key, which the repository here gets too if it has none."""
    from aivcs.errors import NoRepository

    try:
        with session.open() as repo:
            return repo.name_logs(origin)
    except NoRepository:
        if origin is None or session.directory is not None:
            raise
    return origin


def _view(path: object, key: Verifier, state: str) -> View:
    from dataclasses import replace

    from aivcs.domain import public_key

    verifiers = {log: replace(key, name=log_origin(key.name, log)).text() for log in LOGS}
    return {
        "origin": key.name,
        "path": None if path is None else str(path),
        "verifiers": verifiers,
        "state": state,
        "keyid": public_key.key_id(key),
        "pem": public_key.pem(key),
    }


def _show(value: View, *, vkey: bool, pem: bool) -> None:
    verifiers = value["verifiers"]
    if vkey and isinstance(verifiers, dict):
        output.write_lines(map(str, verifiers.values()))
    elif pem:
        output.write_lines(str(value["pem"]).splitlines())
    else:
        _write(value)


def _write(value: View) -> None:
    verifiers = value["verifiers"]
    fields: list[tuple[str, object]] = [("origin", value["origin"]), ("key", value["path"])]
    if isinstance(verifiers, dict):
        fields += [(f"verifier of {log}", text) for log, text in verifiers.items()]
    output.write_fields(fields)


def _write_all(rows: list[View]) -> None:
    output.write_table(
        [
            ("ORIGIN", lambda view: view["origin"]),
            ("STATE", lambda view: view["state"]),
            ("KEY", lambda view: view["path"]),
        ],
        rows,
    )
