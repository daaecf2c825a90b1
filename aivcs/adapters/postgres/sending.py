"""Several statements in one round trip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import generators

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from psycopg.abc import PQGen

    Bindings: TypeAlias = Sequence[object] | Mapping[str, object] | None
    Step: TypeAlias = tuple[str, Bindings]
    Answer: TypeAlias = psycopg.Cursor[tuple[Any, ...]]

_OFF: Final = psycopg.pq.PipelineStatus.OFF


def send(db: psycopg.Connection[tuple[Any, ...]], steps: Sequence[Step]) -> list[Answer]:
    """Run statements in order and return their answers.

    The first one that fails is the last one that is run; its error is raised.
    """
    if len(steps) == 1:
        return [_execute(db, steps[0])]
    answers: list[Answer] = []
    failed: Exception | None = None
    prepared = _prepared(db)
    try:
        with db.pipeline() as pipeline:
            _end_quietly(pipeline)
            # An error that left the block would hide those that come at its end in a warning.
            try:
                answers.extend(_execute(db, step) for step in steps)
            except Exception as error:  # noqa: BLE001 - raised below
                failed = error
    except psycopg.Error as error:
        if _prepared(db) != prepared:
            # The client takes for prepared what the server passed over after the error.
            db._prepared.clear()  # noqa: SLF001 - it has no public name
        raise failed or error from None
    finally:
        if db.pgconn.pipeline_status != _OFF:
            # It broke in the middle of the answers: nothing more can be asked here.
            db.close()
    if failed is not None:
        raise failed
    return answers


def _end_quietly(pipeline: psycopg.Pipeline) -> None:
    """Let the client send nothing behind the end of a pipeline.

    It would ask for answers that come anyway, and the server, which had begun to count how long
    the session is idle, would take that for work and count no more.
    """
    fetch = pipeline._fetch_gen  # noqa: SLF001 - it has no public name

    def quiet(*, flush: bool) -> PQGen[None]:
        if flush and pipeline.result_queue:
            # What was too much for the socket so far is still to be sent.
            yield from generators.send(pipeline.pgconn)
        yield from fetch(flush=False)

    pipeline._fetch_gen = quiet  # type: ignore[method-assign] # noqa: SLF001


def _prepared(db: psycopg.Connection[tuple[Any, ...]]) -> int:
    """Return how many statements the client has prepared so far."""
    return db._prepared._prepared_idx  # noqa: SLF001 - it has no public name


def _execute(db: psycopg.Connection[tuple[Any, ...]], step: Step) -> Answer:
    sql, bindings = step
    return db.execute(sql.encode(), bindings, binary=True)


def rows(answer: Answer) -> list[tuple[Any, ...]]:
    """Return the rows of an answer, none for one that has none."""
    return answer.fetchall() if answer.description else []
