"""Reading objects of every tier, at one of three depths, beside whoever writes."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeVar

from aivcs.domain.stored import StoredObject
from aivcs.errors import CorruptionError, Unreadable
from aivcs.services.check_blocks import Content, Whole, open_large, spans
from aivcs.services.check_hot import HotChecks
from aivcs.services.check_objects import ObjectChecks
from aivcs.services.check_packs import PackChecks, compare
from aivcs.services.jobs import Job, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from typing import Any

    from aivcs.domain.digest import Digest
    from aivcs.domain.report import Problem
    from aivcs.ports import BlobStore, Ledger, Spread
    from aivcs.services.breakage import Breakage
    from aivcs.services.check_blocks import Outcome, Span
    from aivcs.services.check_packs import Compared
    from aivcs.services.marks import Marks
    from aivcs.services.objects import CasStore
    from aivcs.services.pack_format import Footer
    from aivcs.services.sampling import Portion
    from aivcs.services.tally import Tally

T = TypeVar("T")
_SMALL_SPAN = 2**16
_PAGE_WEIGHT = 2**18
_WORTH_SPREADING = 2 * 2**20
"""Less than so many stored bytes are read before a copy of the process has begun."""


@contextmanager
def in_turn(work: Callable[[int], T], count: int) -> Iterator[Iterator[tuple[int, T]]]:
    """Do one piece of work after the other; see ports.Spread."""
    yield ((n, work(n)) for n in range(count))


class ContentChecks:
    """Checks objects. Each method yields what is damaged and what cannot be read.

    ``reader`` gives a ledger to the process that calls it, which may be a copy of this one.
    """

    def __init__(  # noqa: PLR0913 - one argument a part
        self,
        ledger: Ledger,
        blobs: BlobStore,
        objects: CasStore,
        spread: Spread,
        breakage: Breakage,
        tally: Tally,
        *,
        reader: Callable[[], Ledger] | None = None,
    ) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._packs = objects.packs
        self._reader = reader or (lambda: ledger)
        self._spread = spread
        self._breakage = breakage
        self._tally = tally
        self._objects = ObjectChecks(ledger, blobs, objects, breakage, tally)

    def structure(self) -> Iterator[Problem]:
        """Hold footers, sizes and the ledger's rows to one another; read no content."""
        packs = self._pack_checks()
        packs.load(self._ledger.packs())
        yield from packs.compare(counted=True)
        yield from packs.problems()
        self._tally.count("objects", self._ledger.backlog())
        large = list(self._objects.large())
        damage: dict[Digest, str] = {}
        hidden: dict[Digest, str] = {}
        for stored in large:
            try:
                open_large(self._blobs, stored).close()
            except CorruptionError as error:
                damage[stored.digest] = error.message
            except Unreadable as error:
                hidden[stored.digest] = error.message
            self._tally.count("objects")
        yield from self._objects.damaged(damage)
        yield from self._objects.unread(hidden)
        yield from self._objects.strays(large)

    def every_byte(
        self, marks: Marks, beside: Sequence[Callable[[Ledger], list[Problem]]] = ()
    ) -> Iterator[Problem]:
        """Read everything but what is marked.

        ``beside`` are other checks, done at the same time, each with the ledger of the
        process that does it.
        """
        large = list(self._objects.large())
        todo = [stored for stored in large if f"large {stored.digest}" not in marks]
        self._tally.count("objects", len(large) - len(todo))
        seen: set[Digest] = set()
        begun = False
        # Objects move into new packs meanwhile, and packs are rewritten.
        while (new := [p for p in self._ledger.packs() if p.digest not in seen]) or not begun:
            seen.update(pack.digest for pack in new)
            packs = self._pack_checks()
            packs.load(new)
            done = _Done(packs, self._content(packs, todo, marks), self._tally, marks)
            weight = done.content.weight
            jobs: list[Job[Any]] = []
            hot: HotChecks | None = None
            if not begun:
                hot = HotChecks(self._ledger, self._reader, self._objects, self._tally, marks)
                weight += len(hot.pages) * _PAGE_WEIGHT
                jobs += [self._aside(check) for check in beside]
                jobs += hot.jobs()
            jobs += [self._comparison(packs, footer) for footer in packs.footers]
            jobs += [done.job(number) for number in range(len(done.content.pieces))]
            yield from run(self._spread if weight >= _WORTH_SPREADING else in_turn, jobs)
            if hot is not None:
                yield from hot.rest()
            yield from packs.problems()
            yield from self._objects.damaged(done.damage)
            yield from self._objects.unread(done.hidden)
            todo, begun = [], True
        yield from self._objects.strays(self._objects.large())

    def _aside(self, check: Callable[[Ledger], list[Problem]]) -> Job[list[Problem]]:
        return Job(lambda: check(self._reader()), lambda problems: problems)

    def _comparison(self, packs: PackChecks, footer: Footer) -> Job[Compared]:
        return Job(
            lambda: compare(self._reader(), footer),
            lambda compared: packs.take(footer, compared, counted=True),
        )

    def sample(self, portion: Portion) -> Iterator[Problem]:
        """Check the structure of packs, and read a portion of all content, in random order."""
        packs = self._pack_checks()
        packs.load(self._ledger.packs())
        yield from packs.compare(counted=False)
        named: list[tuple[str, Span | StoredObject]] = [
            (f"{footer.pack.digest} {span.first}", span)
            for number, footer in enumerate(packs.footers)
            for span in spans(number, footer, _SMALL_SPAN)
        ]
        named += [(str(stored.digest), stored) for stored in self._objects.large()]
        content = Content(self._blobs, packs.footers, portion.chosen(named), portion.spent)
        done = _Done(packs, content, self._tally)
        hot = portion.chosen((f"hot {first}", first) for first in self._objects.hot_pages())
        with self._reading(content) as results:
            for page, result in zip_longest(hot, results):
                if result is not None:
                    done.note(*result)
                if page is not None and not portion.spent():
                    yield from self._objects.hot_page(page)
        portion.whole &= done.complete
        yield from packs.problems()
        yield from self._objects.damaged(done.damage)
        yield from self._objects.unread(done.hidden)

    def _reading(self, content: Content) -> AbstractContextManager[Iterator[tuple[int, Outcome]]]:
        """Read the pieces, at the same time where there is enough of them."""
        spread = self._spread if content.weight >= _WORTH_SPREADING else in_turn
        return spread(content.check, len(content.pieces))

    def _pack_checks(self) -> PackChecks:
        return PackChecks(self._ledger, self._packs, self._breakage, self._tally)

    def _content(self, packs: PackChecks, large: list[StoredObject], marks: Marks) -> Content:
        pieces: list[Span | Whole | StoredObject] = [*large]
        for number, footer in enumerate(packs.footers):
            if f"pack {footer.pack.digest}" in marks:
                self._tally.step(footer.pack.objects)
                continue
            pieces.append(Whole(number))
            pieces.extend(spans(number, footer))
        return Content(self._blobs, packs.footers, pieces)


class _Done:
    """Takes the outcomes of pieces, and marks packs and files that are in order.

    Without ``marks`` it is a sample, and counts the objects of packs.
    """

    def __init__(
        self, packs: PackChecks, content: Content, tally: Tally, marks: Marks | None = None
    ) -> None:
        self._packs = packs
        self._marks = marks
        self._tally = tally
        self._left = [0] * len(packs.footers)
        for piece in content.pieces:
            if not isinstance(piece, StoredObject):
                self._left[piece.pack] += 1
        self.content = content
        self.damage: dict[Digest, str] = {}
        self.hidden: dict[Digest, str] = {}
        self.complete = True

    def job(self, number: int) -> Job[Outcome]:
        """Return the job that reads a piece."""

        def take(outcome: Outcome) -> tuple[Problem, ...]:
            self.note(number, outcome)
            return ()

        return Job(lambda: self.content.check(number), take)

    def note(self, number: int, outcome: Outcome) -> None:
        """Take one outcome."""
        self.complete &= outcome.complete
        piece = self.content.pieces[number]
        if isinstance(piece, StoredObject):
            self._tally.count("objects", int(outcome.complete))
            for finding in outcome.findings:
                found = self.hidden if finding.unread else self.damage
                found[piece.digest] = finding.detail
            if not outcome.findings:
                self._mark(f"large {piece.digest}")
            return
        if self._marks is None:
            self._tally.add("objects", outcome.objects)
        self._tally.step(outcome.objects)
        footer = self._packs.footers[piece.pack]
        for finding in outcome.findings:
            self._packs.note(footer, finding)
        if not outcome.findings:
            self._left[piece.pack] -= 1
            if not self._left[piece.pack]:
                self._mark(f"pack {footer.pack.digest}")

    def _mark(self, mark: str) -> None:
        if self._marks is not None:
            self._marks.add(mark)
