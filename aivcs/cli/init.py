"""The command ``init``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from aivcs.cli import output
from aivcs.cli.command import PATH, command

if TYPE_CHECKING:
    from aivcs.cli.session import Session


@command("init")
@click.argument("directory", required=False, metavar="[DIR]", type=PATH)
@click.option(
    "--ledger",
    metavar="URL",
    help="Keep the ledger in a database that several machines may share:"
    " postgresql://USER@HOST/DATABASE.",
)
@click.option(
    "--objects", metavar="URL", help="Keep objects in a bucket: s3://BUCKET/PREFIX. It is tested."
)
@click.option("--endpoint", metavar="URL", help="The server of the bucket, if not Amazon's.")
@click.option("--region", metavar="NAME", help="The region of the bucket.")
@click.pass_obj
def init(
    session: Session,
    directory: str | None,
    ledger: str | None,
    objects: str | None,
    endpoint: str | None,
    region: str | None,
) -> None:
    """Make a repository, or find the one that is there.

    DIR is the folder that gets .aivcs/, missing parents too; without it the folder of -C,
    of AIVCS_DIR, or the current one. Keys of a bucket come from the environment, as for
    other programs (AWS_ACCESS_KEY_ID and so on), the password of a database too
    (PGPASSWORD, ~/.pgpass). A database that has a repository with the same objects is
    joined. JSON: {repository, format, created}.
    """
    import aivcs.repo

    if directory is not None and session.directory is not None:
        msg = "the folder is given twice, as DIR and with -C"
        raise click.UsageError(msg, click.get_current_context())
    if objects is None and (endpoint or region):
        msg = "--endpoint and --region are about the bucket of --objects"
        raise click.UsageError(msg, click.get_current_context())
    place = directory or session.directory or os.environ.get("AIVCS_DIR") or "."
    with aivcs.repo.init(
        place, ledger=ledger, objects=objects, endpoint=endpoint, region=region
    ) as repo:
        value = {"repository": str(repo.folder), "format": repo.format, "created": repo.created}
        verb = "made" if repo.created else "there is already"
    output.answer(
        session, value, lambda: output.write_lines([f"{verb} a repository in {repo.folder}"])
    )
