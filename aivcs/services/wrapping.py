"""Recording a command: what is seen of it becomes a run."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aivcs.domain.kinds import COMMAND_EXITED, COMMAND_STARTED, OUTPUT
from aivcs.domain.observation import EventLine, Exited, NotStarted, Output, Signalled
from aivcs.domain.run import RunStatus
from aivcs.errors import AivcsError, InvalidInputError, StorageError
from aivcs.services.event_lines import EventLines
from aivcs.services.gathering import Gathering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from aivcs.domain.canonical import Json
    from aivcs.domain.digest import Digest
    from aivcs.domain.observation import Beat, Observation
    from aivcs.domain.run import RunRecord
    from aivcs.services.live import LiveRun


@dataclass(frozen=True, slots=True)
class Wrapped:
    """What is known of a command beforehand.

    ``state`` is a file that holds the final state when the command has ended; ``status``
    overrides what the exit status says, unless a signal ended the recording or the command
    never ran.
    """

    argv: tuple[str, ...]
    cwd: str | None
    state: Path | None = None
    status: RunStatus | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The run that was recorded, and the command's own exit status (0-255).

    ``not_started`` says why a command could not be started, None for one that was.
    """

    run: RunRecord
    exit_status: int
    not_started: str | None = None


def check_command(wrapped: Wrapped) -> None:
    """Raise InvalidInputError for what can be neither a command nor the end of one."""
    if not wrapped.argv or not wrapped.argv[0]:
        msg = "no command to record"
        raise InvalidInputError(msg, hint="aivcs run record -- COMMAND ARG...")
    if any("\0" in argument for argument in wrapped.argv):
        msg = "an argument of the command holds a NUL character"
        raise InvalidInputError(msg)
    if wrapped.status is RunStatus.RUNNING:
        msg = "a recorded command cannot end RUNNING"
        raise InvalidInputError(msg, hint="COMPLETED, FAILED or CANCELLED")


def record_command(
    wrapped: Wrapped,
    observations: Iterable[Observation],
    live: LiveRun,
    warn: Callable[[str], None],
) -> Outcome:
    """Record a command from its start to its end.

    When recording fails, the command goes on: the rest of what is seen is taken in but not
    kept, then the first error is raised. Whatever fails, what was seen before is recorded
    as far as that is possible, and the run stays RUNNING. Raises StorageError,
    InvalidRunState (somebody else ended the run, or left a gap in it).
    """
    start: dict[str, Json] = {"argv": list(wrapped.argv), "cwd": wrapped.cwd}
    live.event(COMMAND_STARTED, start)
    live.flush()
    recorder = _Recorder(live, warn)
    try:
        end, signal = _watch(observations, recorder)
        if isinstance(end, Exited):
            live.event(COMMAND_EXITED, _exit(end))
        final_state = _final_state(live, wrapped.state, warn)
        status, reason = _conclusion(end, signal, wrapped.status)
        run = live.end(status, final_state=final_state, reason=reason)
    except BaseException:
        recorder.save()
        raise
    not_started = end.error if isinstance(end, NotStarted) and signal is None else None
    return Outcome(run, end.exit_status, not_started)


def _watch(
    observations: Iterable[Observation], recorder: _Recorder
) -> tuple[Exited | NotStarted, str | None]:
    """Record until the end; return it and the first signal that asked for it."""
    signal: str | None = None
    end: Exited | NotStarted | None = None
    for seen in observations:
        if isinstance(seen, Exited | NotStarted):
            end = seen
        elif isinstance(seen, Signalled):
            signal = signal or seen.signal
        else:
            recorder.record(seen)
    recorder.finish()
    if end is None:
        msg = "the command was left before its end"
        raise RuntimeError(msg)
    return end, signal


class _Recorder:
    def __init__(self, live: LiveRun, warn: Callable[[str], None]) -> None:
        self._live = live
        self._warn = warn
        self._gathering = Gathering()
        self._lines = EventLines(live, warn)
        self._error: AivcsError | None = None

    def record(self, seen: Output | EventLine | Beat) -> None:
        if self._error is not None:
            return
        try:
            if isinstance(seen, Output):
                self._output(self._gathering.add(seen.stream, seen.data))
                return
            self._output(self._gathering.take())
            if isinstance(seen, EventLine):
                self._lines.record(seen)
            else:
                self._live.flush()
        except AivcsError as error:
            self._error = error
            self._warn(f"recording stopped, the command goes on: {error.message}")

    def finish(self) -> None:
        if self._error is not None:
            raise self._error
        self._output(self._gathering.finish())
        self._lines.finish()

    def save(self) -> None:
        """Make durable what can be, after something failed."""
        with suppress(AivcsError):
            self._output(self._gathering.finish())
        with suppress(AivcsError):
            self._live.flush()

    def _output(self, payloads: Iterable[dict[str, Json]]) -> None:
        for payload in payloads:
            self._live.event(OUTPUT, payload)


def _exit(end: Exited) -> dict[str, Json]:
    payload: dict[str, Json] = {"exit_status": end.exit_status, "duration_ms": end.duration_ms}
    return payload if end.signal is None else {**payload, "signal": end.signal}


def _final_state(live: LiveRun, path: Path | None, warn: Callable[[str], None]) -> Digest | None:
    if path is None:
        return None
    # A state may fill the disk; the events come first.
    live.flush()
    try:
        return live.final_state(path)
    except InvalidInputError as error:
        warn(f"no final state: {error.message}")
        return None
    except StorageError as error:
        msg = f"the final state {path} cannot be stored: {error.message}"
        hint = f"make room, then aivcs run complete|fail|cancel {live.run_id} --state {path}"
        raise StorageError(msg, hint=hint) from error


def _conclusion(
    end: Exited | NotStarted, signal: str | None, wanted: RunStatus | None
) -> tuple[RunStatus, str | None]:
    if signal is not None:
        return RunStatus.CANCELLED, f"cancelled by {signal}"
    if isinstance(end, NotStarted):
        return RunStatus.FAILED, end.error
    if end.exit_status == 0:
        return wanted or RunStatus.COMPLETED, None
    reason = f"killed by {end.signal}" if end.signal else f"exit status {end.exit_status}"
    return wanted or RunStatus.FAILED, reason
