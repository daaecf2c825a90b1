"""A process that works on a repository at random and tells what was promised to it.

Run it as ``python -m soak.worker ROLE PLACE SAID NAME SEED [STEPS] [DURABILITY]``. A
``writer`` stores, names, drops and reads; a ``sealer`` and a ``collector`` do what they
are called; a ``keeper`` stores, seals, collects and repairs; ``all`` does everything but
repair. Two workers of one name never live, so only a worker
itself drops what bears its name.
"""

from __future__ import annotations

import sys
import time
from itertools import count
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import aivcs
from aivcs import Digest
from aivcs.errors import CorruptionError, NotFound
from soak.promises import Promises, Teller

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.repo import Repo

_SHARED: Final = 60
_LARGE: Final = 140_000
_PAUSE_SECONDS: Final = 0.05
_TRIES: Final = 20

WRITING: Final = {
    "put_several": 8,
    "put_shared": 8,
    "put_large": 2,
    "put_again": 8,
    "put_pinned": 4,
    "pin": 6,
    "unpin": 3,
    "reference": 4,
    "add_spec": 1,
    "delete": 3,
    "read": 20,
    "reopen": 1,
}
ROLES: Final = {
    "writer": WRITING,
    "sealer": {"seal": 1, "rest": 1},
    "collector": {"collect": 4, "collect_fully": 1, "rest": 2},
    "keeper": {"put_several": 6, "put_pinned": 2, "seal": 3, "collect": 3, "mend": 1},
    "all": {**WRITING, "seal": 3, "collect": 3, "collect_fully": 1},
}


class Worker:
    """One process's work; ``step`` does one thing of its role."""

    def __init__(
        self, role: str, place: str, teller: Teller, name: str, dice: Random, durability: str
    ) -> None:
        weights = ROLES[role]
        self._actions: list[Callable[[], None]] = [getattr(self, f"_{word}") for word in weights]
        self._weights = list(weights.values())
        self._place = place
        self._durability = durability
        self._teller = teller
        self._name = name
        self._dice = dice
        self._numbers = count()
        self._promises = Promises()
        self._pinned: list[Digest] = []
        self._own: set[Digest] = set()
        self._contents: dict[Digest, bytes] = {}
        self._known: list[Digest] = []
        self._repo = self._open()
        self._spec = self._repo.specs.list()[-1].digest

    def step(self) -> None:
        """Do one thing; a promise that is not kept is told, and the work goes on."""
        (action,) = self._dice.choices(self._actions, self._weights)
        try:
            action()
        except (NotFound, CorruptionError) as error:
            text = str(error).replace("\n", " ")
            self._tell("lost", action.__name__, text)

    def close(self) -> None:
        """Leave the repository."""
        self._tell("left")
        self._repo.close()

    def _open(self) -> Repo:
        return aivcs.open(self._place, self._durability)

    def _tell(self, word: str, *what: object) -> None:
        line = " ".join([word, *map(str, what)])
        self._promises.hear(line)
        self._teller.tell(word, *what)

    def _text(self) -> bytes:
        number = next(self._numbers)
        filler = " and then some more" * self._dice.randrange(60)
        return b'{"by": "%s", "n": %d, "text": "%s"}' % (
            self._name.encode(),
            number,
            filler.encode(),
        )

    def _own_text(self) -> bytes:
        data = self._text()
        self._remember(data)
        self._own.add(Digest.of(data))
        return data

    def _remember(self, data: bytes) -> Digest:
        digest = Digest.of(data)
        if digest not in self._contents:
            self._contents[digest] = data
            self._known.append(digest)
        return digest

    def _shared(self) -> bytes:
        number = self._dice.randrange(_SHARED)
        return b'{"shared": %d, "text": "%s"}' % (number, b"everybody stores this " * number)

    def _find(self, fits: Callable[[Digest], bool]) -> Digest | None:
        for _ in range(_TRIES):
            if self._known:
                digest = self._dice.choice(self._known)
                if fits(digest):
                    return digest
        return None

    def _held(self, digest: Digest) -> bool:
        return digest in self._promises.held

    def _held_shared(self, digest: Digest) -> bool:
        return digest in self._promises.held and digest not in self._own

    def _promised(self, digest: Digest) -> bool:
        return digest in self._promises.held or digest in self._promises.kept

    def _dropped(self, digest: Digest) -> bool:
        return digest in self._own and digest not in self._promises.kept

    def _put(self, data: bytes) -> None:
        digest = self._remember(data)
        if digest in self._promises.gone:
            self._tell("drop", digest)  # from here on it may be there again
        assert self._repo.objects.put(data) == digest
        self._tell("put", digest)

    def _put_several(self) -> None:
        items = [self._own_text() for _ in range(self._dice.randrange(1, 12))]
        self._tell("put", *self._repo.objects.put_many(items))

    def _put_shared(self) -> None:
        self._put(self._shared())

    def _put_large(self) -> None:
        size = _LARGE + self._dice.randrange(_LARGE)
        if self._dice.randrange(2):
            self._put(Random(self._dice.randrange(4)).randbytes(_LARGE))
            return
        data = self._name.encode() + Random(next(self._numbers)).randbytes(size)
        self._own.add(Digest.of(data))
        self._put(data)

    def _put_again(self) -> None:
        digest = self._find(lambda _: True)
        if digest is not None:
            self._put(self._contents[digest])

    def _put_pinned(self) -> None:
        data = self._own_text()
        digest = self._repo.objects.put(data, pin=True)
        self._pinned.append(digest)  # a text of its own is new, so it is there once
        self._tell("keep", digest)

    def _pin(self) -> None:
        digest = self._find(self._held)
        if digest is not None:
            self._repo.objects.pin([digest])
            self._tell("keep", digest)
            if digest in self._own and digest not in self._pinned:
                self._pinned.append(digest)

    def _unpin(self) -> None:
        if self._pinned:
            digest = self._pinned.pop(self._dice.randrange(len(self._pinned)))
            self._tell("drop", digest)
            self._repo.objects.unpin([digest])
            self._tell("did", "unpin")

    def _reference(self) -> None:
        held = self._find(self._held_shared)
        data = self._own_text() if held is None else self._contents[held]
        state = b'{"state": %d}' % next(self._numbers)
        with self._repo.run(spec=self._spec, agent=self._name) as run:
            run.artifact("data", data)
            run.event("note", {"long": "x" * self._dice.choice([10, 6000])})
            run.final_state(state)
        digests = [self._remember(data), self._remember(state)]
        self._own -= set(digests)
        self._pinned = [digest for digest in self._pinned if digest not in digests]
        self._tell("keep", *digests)

    def _add_spec(self) -> None:
        held = self._find(self._held_shared)
        text = self._text() if held is None else self._contents[held]
        components = {"prompts": {"system.md": text}, "config": {"own.json": self._text()}}
        spec = self._repo.specs.add({"name": self._name, "components": components})
        self._tell(
            "keep", spec.digest, self._remember(text), *filter(None, spec.components.values())
        )

    def _delete(self) -> None:
        digest = self._find(self._dropped)
        if digest is not None and digest not in self._pinned:
            self._tell("drop", digest)
            self._repo.objects.delete(digest)
            self._tell("gone", digest)

    def _read(self) -> None:
        digest = self._find(self._promised)
        if digest is not None:
            data = self._repo.objects.get(digest)
            if self._contents.get(digest, data) != data:
                self._tell("lost", digest, "other bytes came")
            self._tell("did", "get")

    def _reopen(self) -> None:
        self.close()
        self._repo = self._open()

    def _seal(self) -> None:
        self._repo.seal()
        self._tell("did", "seal")

    def _collect(self) -> None:
        self._repo.gc()
        self._tell("did", "gc")

    def _collect_fully(self) -> None:
        self._repo.gc(full=True)
        self._tell("did", "gc-full")

    def _mend(self) -> None:
        self._repo.repair()
        self._tell("did", "repair")

    def _rest(self) -> None:
        time.sleep(self._dice.random() * _PAUSE_SECONDS)


def main(role: str, place: str, said: str, name: str, seed: str, *more: str) -> None:
    """Work for so many steps, or until killed when there is no number or 0."""
    steps = more[0] if more else "0"
    durability = more[1] if more[1:] else "group"
    worker = Worker(role, place, Teller(Path(said), name), name, Random(seed), durability)
    for done in count(1):
        worker.step()
        if done == int(steps):
            break
    worker.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
