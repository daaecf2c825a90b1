"""Several workers at once: threads that share one repository, or processes of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from aivcs.repo import open_repo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.repo import Repo

WORKERS: Final = 4
_PATIENCE_SECONDS: Final = 120

Meet: TypeAlias = Callable[[], object]
"""Waits until every worker has called it."""
Task: TypeAlias = Callable[..., Any]
"""Called as task(repo, number of the worker, Meet, *what the test adds)."""
Crew: TypeAlias = Callable[..., list[Any]]
"""Called as crew(task, *what the test adds); returns what each worker's task returned."""


class Hire(Protocol):
    """Makes a crew of the processes that were started."""

    def __call__(self, place: str | None, durability: str | None = None) -> Crew:
        """Return a crew for the repository at a place."""
        ...


def threads(repo: Repo) -> Crew:
    """Return a crew of threads that work on ``repo``."""

    def work(task: Task, *more: object) -> list[Any]:
        barrier = threading.Barrier(WORKERS, timeout=_PATIENCE_SECONDS)
        with ThreadPoolExecutor(WORKERS) as pool:
            done = [
                pool.submit(task, repo, number, barrier.wait, *more) for number in range(WORKERS)
            ]
            return [one.result() for one in done]

    return work


_meet: list[Meet] = []


def _enlist(meet: Meet) -> None:
    _meet.append(meet)


def _wait() -> None:
    _meet[0]()


def _work(task: Task, place: str, durability: str | None, number: int, more: Any) -> Any:  # noqa: ANN401
    with open_repo(place, durability) as repo:
        _wait()
        return task(repo, number, _wait, *more)


def _work_without(task: Task, number: int, more: Any) -> Any:  # noqa: ANN401
    return task(number, _wait, *more)


@contextmanager
def processes(workers: int = WORKERS) -> Iterator[Hire]:
    """Start so many fresh processes; yields what makes a crew of them for a place and a durability.

    Each worker opens the repository at the place itself; without a place its task is given
    none: task(number, Meet, ...).
    """
    context = get_context("spawn")
    barrier = context.Barrier(workers, timeout=_PATIENCE_SECONDS)
    pool = context.Pool(workers, _enlist, (barrier.wait,))

    def crew(place: str | None, durability: str | None = None) -> Crew:
        def work(task: Task, *more: object) -> list[Any]:
            numbers = range(workers)
            if place is None:
                return pool.starmap(_work_without, [(task, n, more) for n in numbers], 1)
            jobs = [(task, place, durability, n, more) for n in numbers]
            return pool.starmap(_work, jobs, 1)

        return work

    try:
        yield crew
    finally:
        pool.close()
        pool.join()
