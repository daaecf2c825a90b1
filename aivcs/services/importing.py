"""Finished runs from a file: recognised, mapped and recorded in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aivcs import trajectories
from aivcs.domain import jsontext
from aivcs.domain.batch import Batch, Reference, Role
from aivcs.domain.digest import Digest
from aivcs.domain.run import RunMetadata, RunStatus, RunSummary, Source
from aivcs.errors import ConflictError, InvalidInputError, InvalidRunState
from aivcs.services.recorded_before import not_applied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aivcs.domain.canonical import Json
    from aivcs.domain.log_writes import Append, EndRun, NewRun, NewSpec
    from aivcs.domain.run import RunRecord
    from aivcs.domain.spec import AgentSpec
    from aivcs.domain.stored import StoredObject
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore
    from aivcs.services.runs import RunLedger
    from aivcs.services.specs import SpecStore
    from aivcs.trajectories import Recorded


@dataclass(frozen=True, slots=True)
class Imported:
    """What recording a file did: its runs, whether they are new, and what to tell."""

    runs: tuple[RunRecord, ...]
    new: bool
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller says about the runs of a file; None leaves it to the file."""

    format: str = "auto"
    agent: str | None = None
    tags: Mapping[str, Json] | None = None
    status: RunStatus | None = None
    final_state: bytes | None = None


class Importer:
    """Records the runs of a file, all or none.

    A file is known by its digest and a run by its place in it: recording the same file
    again changes nothing.
    """

    def __init__(
        self, ledger: Ledger, objects: CasStore, specs: SpecStore, runs: RunLedger
    ) -> None:
        self._ledger = ledger
        self._objects = objects
        self._specs = specs
        self._runs = runs

    def record(
        self,
        data: bytes,
        wanted: Wanted,
        *,
        spec: AgentSpec | None = None,
        default_spec: Callable[[str | None], AgentSpec],
        name: str = "input",
        check: Callable[[tuple[Recorded, ...]], None] = lambda _: None,
    ) -> Imported:
        """Record every run of ``data``; ``name`` is what messages call it.

        ``spec`` is what the runs are recorded against; without one it is made from what the
        file says of its agent, and ``default_spec(agent)`` answers for files that say
        nothing. ``check`` may refuse what was found before anything is recorded. Raises
        InvalidSource, InvalidEvent, InvalidRunState (a gap in the seqs), SequenceConflict,
        and what ``default_spec`` and ``check`` raise.
        """
        digest = Digest.of(data)
        known = self._known(digest)
        if known:
            return Imported(known, new=False, warnings=not_applied(known, wanted, spec))
        found = trajectories.read(data, wanted.format, name=name)
        check(found)
        batch = self._batch(data, found, wanted, spec, default_spec)
        try:
            self._ledger.commit(batch)
        except InvalidRunState as error:
            what = error.message.partition(": ")[2]
            msg = f"{name} cannot be recorded as a completed run: {what}"
            hint = (
                "number the events without a gap, or say that the run failed; nothing was recorded"
            )
            raise InvalidRunState(msg, hint=hint) from error
        except ConflictError:
            known = self._known(digest)
            if not known:
                raise
            return Imported(known, new=False, warnings=not_applied(known, wanted, spec))
        runs = tuple(self._runs.get_run(run.run_id) for run in batch.runs)
        return Imported(runs, new=True, warnings=tuple(w for one in found for w in one.warnings))

    def _known(self, digest: Digest) -> tuple[RunRecord, ...]:
        runs: list[RunRecord] = []
        while (run := self._ledger.run_from(Source(digest, len(runs), ""))) is not None:
            runs.append(run)
        return tuple(runs)

    def _batch(
        self,
        data: bytes,
        found: tuple[Recorded, ...],
        wanted: Wanted,
        spec: AgentSpec | None,
        default_spec: Callable[[str | None], AgentSpec],
    ) -> Batch:
        objects: dict[Digest, StoredObject] = {}
        specs: dict[tuple[Digest, str], NewSpec] = {}
        runs: list[NewRun] = []
        appends: list[Append] = []
        ends: list[EndRun] = []
        references: list[Reference] = []
        source = self._objects.prepare(data)
        objects[source.digest] = source
        state = None
        if wanted.final_state is not None:
            state = self._objects.prepare(wanted.final_state)
            objects[state.digest] = state
        fallback = default_spec(wanted.agent) if spec is None and _is_silent(found) else spec
        for one in found:
            against = fallback
            if against is None:
                prepared = self._specs.prepare(
                    {"name": wanted.agent or one.agent, "components": dict(one.spec or {})}
                )
                against = prepared.spec
                objects.update((item.digest, item) for item in prepared.objects)
                specs[against.digest, prepared.row.name] = prepared.row
            agent = wanted.agent or (one.agent if one.spec is not None else against.name)
            place = Source(source.digest, one.index, one.format)
            run = self._runs.prepare(
                against.digest, RunMetadata(agent, tags=_tags(one, wanted)), source=place
            )
            run = replace(run, created_at=one.started_at or run.created_at)
            runs.append(run)
            events = self._runs.appending(run.run_id, one.events)
            objects.update((item.digest, item) for item in events.objects)
            appends += [append for append in events.appends if append.drafts]
            status = wanted.status or one.status
            summary = RunSummary(
                total_events=len(one.events),
                final_state_digest=state.digest if state else None,
                duration_ms=_duration_ms(one),
                success=status is RunStatus.COMPLETED,
            )
            end, _ = self._runs.ending(run.run_id, status, summary, fresh=True)
            ends.append(replace(end, completed_at=one.ended_at or end.completed_at))
            if state is not None:
                references.append(Reference(state.digest, Role.STATE, run.run_id))
        return Batch(
            objects=tuple(objects.values()),
            specs=tuple(specs.values()),
            runs=tuple(runs),
            appends=tuple(appends),
            references=tuple(references),
            ends=tuple(ends),
        )


def _is_silent(found: tuple[Recorded, ...]) -> bool:
    """Tell whether the file says nothing of the agent that ran."""
    return all(one.spec is None for one in found)


def _duration_ms(one: Recorded) -> int:
    if one.started_at is None or one.ended_at is None:
        return 0
    return max(0, round((one.ended_at - one.started_at).total_seconds() * 1000))


def _tags(one: Recorded, wanted: Wanted) -> dict[str, Json]:
    tags = {**one.tags, **(wanted.tags or {})}
    try:
        jsontext.encode(tags)
    except InvalidInputError as error:
        msg = f"the tags cannot be stored: {error.message}"
        raise InvalidInputError(msg, hint=error.hint) from error
    return tags
