"""A command from its start to its end, as a row of observations."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.adapters.command.signals import reached_all
from aivcs.adapters.command.streams import Streams
from aivcs.domain.observation import Beat, Exited, NotStarted, Signalled

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from aivcs.adapters.command.events_file import EventsFile
    from aivcs.adapters.command.signals import Signals
    from aivcs.domain.observation import Observation

_TICK_SECONDS: Final = 0.025
_BEAT_SECONDS: Final = 0.05
_QUIET_SECONDS: Final = 0.1
_DRAIN_SECONDS: Final = 2.0
_DRAIN_BYTES: Final = 4 * 2**20
_KILLED: Final = 128
_NOT_EXECUTABLE: Final = 126
_NOT_FOUND: Final = 127


@dataclass(frozen=True, slots=True)
class Command:
    """What to run: arguments, variables to add, and where its output is passed on to."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    stdout: int = 1
    stderr: int = 2


def observe(
    command: Command, events: EventsFile, signals: Signals
) -> Generator[Observation, None, None]:
    """Run a command and yield what is seen of it; the last is Exited or NotStarted.

    A Beat follows what was seen within about 75 ms. The first signal to this process is
    passed on, the next one kills the command; one that came before keeps it from being
    started. When the command has ended, the handlers of ``signals`` are put back. Output
    that other processes still write then is left to them. Closing the generator early
    kills the command. Raises StorageError when the events file cannot be read.
    """
    early = signals.take()
    for number in early:
        yield Signalled(number.name)
    if early:
        signals.put_back()
        yield NotStarted(f"{early[0].name} came before the start", _KILLED + early[0])
        return
    started = time.monotonic()
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own command is what is wanted
            command.argv,
            env={**os.environ, **command.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
    except OSError as error:
        signals.put_back()
        yield _not_started(command.argv[0], error)
        return
    pipes = (
        ("stdout", process.stdout, command.stdout),
        ("stderr", process.stderr, command.stderr),
    )
    with _reaped(process), Streams(pipes) as streams:
        yield from _paced(_watched(process, streams, events, signals))
        lasted = time.monotonic() - started
        yield from _drained(streams, events)
        for number in signals.take():
            yield Signalled(number.name)
    signals.put_back()
    yield _exited(process.returncode, max(0, round(lasted * 1000)))


def _watched(
    process: subprocess.Popen[bytes], streams: Streams, events: EventsFile, signals: Signals
) -> Iterator[Observation | None]:
    """Yield what is seen while the process lives, and None at the end of each look."""
    is_asked = False
    while process.poll() is None:
        for number in (seen := signals.take()):
            yield Signalled(number.name)
            with suppress(OSError):
                if is_asked:
                    process.kill()
                elif not reached_all(number):
                    process.send_signal(number)
        is_asked = is_asked or bool(seen)
        patience = 0 if events.behind else _TICK_SECONDS
        ready = []
        if streams.open:
            ready = streams.ready(patience)
        else:
            with suppress(subprocess.TimeoutExpired):
                process.wait(patience)
        # What the command noted before it wrote this output is in the file by now.
        yield from events.lines()
        yield from streams.read(ready)
        yield None


def _paced(watched: Iterator[Observation | None]) -> Iterator[Observation]:
    since: float | None = None
    for seen in watched:
        if seen is not None:
            since = since or time.monotonic()
            yield seen
        elif since is not None and time.monotonic() - since >= _BEAT_SECONDS:
            since = None
            yield Beat()


def _drained(streams: Streams, events: EventsFile) -> Iterator[Observation]:
    """Yield what is left; a process that keeps a pipe open is not waited for."""
    deadline = time.monotonic() + _DRAIN_SECONDS
    left = _DRAIN_BYTES
    while streams.open and left > 0:
        ready = streams.ready(_QUIET_SECONDS if time.monotonic() < deadline else 0)
        if not ready:
            break
        yield from events.lines()
        for output in streams.read(ready):
            left -= len(output.data)
            yield output
    yield from events.lines(ended=True)


@contextmanager
def _reaped(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _exited(code: int, duration_ms: int) -> Exited:
    if code >= 0:
        return Exited(code, None, duration_ms)
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"SIG{-code}"
    return Exited(_KILLED - code, name, duration_ms)


def _not_started(name: str, error: OSError) -> NotStarted:
    if isinstance(error, FileNotFoundError):
        return NotStarted(f"command not found: {name}", _NOT_FOUND)
    return NotStarted(f"cannot execute {name}: {error.strerror or error}", _NOT_EXECUTABLE)
