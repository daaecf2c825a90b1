"""What is seen of a command while it runs, in the order it is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Output:
    """Bytes that the command wrote to ``stream``, which is ``stdout`` or ``stderr``."""

    stream: str
    data: bytes


@dataclass(frozen=True, slots=True)
class EventLine:
    """A line of the events file without its end; ``number`` counts from 1.

    A line that is too long to hold comes in pieces of one number that are not ``whole``.
    """

    line: bytes
    number: int
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Beat:
    """What was seen before should be durable now."""


@dataclass(frozen=True, slots=True)
class Signalled:
    """A signal, by its name, asked the watcher to stop."""

    signal: str


@dataclass(frozen=True, slots=True)
class Exited:
    """The end: ``exit_status`` is 0-255, and 128 + N for a command that ``signal`` N killed."""

    exit_status: int
    signal: str | None
    duration_ms: int


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The end of a command that never ran; ``exit_status`` is 126 or 127, as a shell has it."""

    error: str
    exit_status: int


Observation: TypeAlias = Output | EventLine | Beat | Signalled | Exited | NotStarted
