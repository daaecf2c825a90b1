"""What the shell may complete: looked up when asked, silent when that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click

    from aivcs.repo import Repo

_LATEST = 100


def runs(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return ids of the newest runs."""
    return _look_up(context, begun, _run_ids)


def agents(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return names of agents that have a release or ran lately."""
    return _look_up(context, begun, _agents)


def specs(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return names of released agents, and digests of specs."""
    return _look_up(context, begun, _specs)


def formats(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the names of the trajectory formats."""
    from aivcs.trajectories import AUTO, FORMATS

    return [name for name in (AUTO, *FORMATS) if name.startswith(begun)]


def evaluations(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the names of the formats of results."""
    from aivcs.evaluations import AUTO, FORMATS

    return [name for name in (AUTO, *FORMATS) if name.startswith(begun)]


def _run_ids(repo: Repo) -> Iterable[str]:
    return (str(run.run_id) for run in repo.runs.list_runs(limit=_LATEST))


def _agents(repo: Repo) -> Iterable[str]:
    released = [record.name for record in repo.releases.list()]
    ran = [run.metadata.agent_name for run in repo.runs.list_runs(limit=_LATEST)]
    return dict.fromkeys([*released, *ran])


def _specs(repo: Repo) -> Iterable[str]:
    released = [record.name for record in repo.releases.list()]
    return [*released, *(str(spec.digest) for spec in repo.specs.list())]


def _look_up(
    context: click.Context, begun: str, names: Callable[[Repo], Iterable[str]]
) -> list[str]:
    session = context.find_object(Session) or Session()
    try:
        with session.open() as repo:
            return [name for name in names(repo) if name.startswith(begun)]
    except Exception:  # noqa: BLE001 - a shell that completes must not be disturbed
        return []
