from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from aivcs.repo import open_repo
from aivcs.testing.subject import add_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aivcs.domain.batch import Batch, Receipt
    from aivcs.domain.digest import Digest
    from aivcs.errors import AivcsError
    from aivcs.ports import Ledger
    from aivcs.repo import Repo


class Gated:
    """A ledger whose commits wait until they are let through; it remembers who came how."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.open = threading.Event()
        self.arrived = threading.Semaphore(0)
        self.groups: list[int] = []
        self.errors: list[BaseException] = []

    @property
    def port(self) -> Ledger:
        return cast("Ledger", self)

    def commit(self, batch: Batch) -> Receipt:
        self._pass(1)
        return self.ledger.commit(batch)

    def commit_all(self, batches: Sequence[Batch]) -> list[Receipt | AivcsError]:
        self._pass(len(batches))
        return self.ledger.commit_all(batches)

    def _pass(self, size: int) -> None:
        self.groups.append(size)
        self.arrived.release()
        assert self.open.wait(30)
        if self.errors:
            raise self.errors.pop()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)


class Crowd:
    """Threads that each make one call; what it returned or raised is kept in order."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.answers: dict[int, object] = {}

    def go(self, call: Callable[[], object]) -> None:
        number = len(self.threads)

        def work() -> None:
            try:
                self.answers[number] = call()
            except BaseException as error:  # noqa: BLE001 - looked at by the test
                self.answers[number] = error

        self.threads.append(threading.Thread(target=work))
        self.threads[-1].start()

    def wait(self) -> list[object]:
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()
        return [self.answers[number] for number in range(len(self.threads))]


@pytest.fixture
def repo() -> Iterator[Repo]:
    with open_repo("memory:") as repo:
        yield repo


@pytest.fixture
def spec(repo: Repo) -> Digest:
    return add_spec(repo)


@pytest.fixture
def gated(repo: Repo) -> Gated:
    return Gated(repo.objects.ledger)
