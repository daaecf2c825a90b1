"""A process that writes until it is killed, and says what was acknowledged.

Run it as ``python -m aivcs.testing.victim PLACE SPEC DURABILITY [STEPS]``. Each line it
prints names what a call had acknowledged before the line was written.
"""

from __future__ import annotations

import sys
from itertools import count
from typing import TYPE_CHECKING

from aivcs.repo import open_repo
from aivcs.testing.objects import noise
from aivcs.testing.subject import by, note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.repo import Repo


def work(repo: Repo, spec: str, steps: int | None) -> Iterator[str]:
    """Yield ``run ID``, then ``event SEQ``, ``execution SEQ``, ``object DIGEST``, ``release SEQ``.

    In between it seals and collects; what it stored is held as long as it lives.
    """
    name = "victim"
    with repo.run(spec=spec, agent=name) as run:
        yield f"run {run.run_id}"
        for step in count() if steps is None else range(steps):
            yield f"event {repo.runs.append_event(run.run_id, note(None, step))}"
            run.event("buffered", {"step": step, "long": "x" * (step % 3) * 4000})
            run.flush()
            yield f"event {repo.runs.get_run(run.run_id).total_events}"
            several = (note(None, step), note(None, "y" * 9000))
            yield f"event {repo.runs.append_events(run.run_id, several)[-1]}"
            event = {"type": "custom", "event_type": "step", "data": step}
            many = [event, {**event, "data": "z" * 9000}]
            yield f"execution {repo.events.append(f'of {run.run_id}', name, event)}"
            first = repo.events.append_batch(f"of {run.run_id}", name, many)
            yield f"execution {first + 1}"
            yield f"object {repo.objects.put(noise(300 + step % 2 * 200_000, step))}"
            if step % 3 == 1:
                repo.seal()
                repo.gc(full=step % 2 == 0)
            yield f"release {repo.releases.promote(name, spec, by(name)).seq}"


def main(place: str, spec: str, durability: str, steps: str | None = None) -> None:
    """Write into the repository at ``place`` and print what is acknowledged."""
    with open_repo(place, durability) as repo:
        for line in work(repo, spec, None if steps is None else int(steps)):
            print(line, flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    main(*sys.argv[1:])
