"""Bisecting: from which release on an agent is bad, and what in it makes it so."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from aivcs.domain import canonical
from aivcs.domain.bisect import Answer, Bisection, Evaluation, Subject
from aivcs.domain.bisect_components import ComponentSearch
from aivcs.domain.bisect_lineage import between
from aivcs.domain.bisect_releases import ReleaseSearch
from aivcs.domain.digest import Digest
from aivcs.errors import InvalidSpec
from aivcs.services.bisect_log import BisectLog
from aivcs.services.mixing import Mixer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aivcs.domain.bisect import BisectTerms, Candidate, Rates
    from aivcs.domain.canonical import Json
    from aivcs.ports import Clock
    from aivcs.services.bisect_checks import Check
    from aivcs.services.objects import CasStore
    from aivcs.services.releases import ReleaseRegistry
    from aivcs.services.runs import RunLedger
    from aivcs.services.specs import SpecStore

    Tell: TypeAlias = Callable[[Evaluation], None]


class Bisector:
    """Holds bisections over the releases of agents and records each as a run."""

    def __init__(
        self,
        releases: ReleaseRegistry,
        specs: SpecStore,
        runs: RunLedger,
        objects: CasStore,
        clock: Clock,
    ) -> None:
        self._releases = releases
        self._specs = specs
        self._runs = runs
        self._objects = objects
        self._clock = clock

    def bisect(  # noqa: PLR0913 - what there is to say about a bisection
        self,
        name: str,
        check: Check,
        *,
        good: int | str | Digest,
        bad: int | str | Digest | None,
        terms: BisectTerms,
        environment: Mapping[str, str],
        restart: bool = False,
        tell: Tell = lambda _: None,
    ) -> Bisection:
        """Find the first bad release between two, then the components that make it bad.

        ``tell`` hears of each evaluation, also of those that an interrupted bisection of the
        same question left. Raises ReleaseNotFound, AmbiguousId, InvalidInputError (there is
        nothing between the two, or they contradict the check), CheckAborted, what the check
        raises, and SequenceConflict when another process goes on with it.
        """
        start, end = self._releases.find(name, good), self._releases.find(name, bad)
        path = between(self._releases.iter_history(name), start, end)
        check.begin(path[0].spec_digest, path[-1].spec_digest)
        question = _question(name, path, check, terms)
        log = BisectLog(self._runs, self._clock, question, environment)
        if restart:
            log.forget()
        else:
            log.take_up()
        ends = {path[0].spec_digest: Answer.GOOD, path[-1].spec_digest: Answer.BAD}
        asker = _Asker(check, log, terms, self._clock, tell)
        asker.known.update(ends)
        search = ReleaseSearch(len(path), terms)
        while (place := search.next_question()) is not None:
            answer = asker.ask(Subject(path[place].spec_digest, path[place].seq))
            if answer is None:
                break
            search.answered(place, answer)
        places, sure = search.verdict()
        before, after = path[places[0] - 1], tuple(path[place] for place in places)
        blame = _Blame()
        if len(after) == 1:
            blame = self._blame(before, after[0], asker, search.rates())
        result = Bisection(
            name=name,
            last_good=before,
            could_be=after,
            differing=blame.differing,
            blamed=blame.causes,
            evaluations=tuple(asker.evaluations),
            confidence=sure * blame.confidence,
            run_id=str(log.run_id),
        )
        log.ended(result)
        return result

    def _blame(
        self, before: Candidate, after: Candidate, asker: _Asker, rates: Mapping[Rates, float]
    ) -> _Blame:
        """Find what of the first bad spec makes the last good one bad."""
        specs = self._specs.get(before.spec_digest), self._specs.get(after.spec_digest)
        mixer = Mixer(self._specs, self._objects, self._clock, *specs)
        differing = mixer.differing()
        if not asker.terms.components:
            return _Blame(differing)
        if len(differing) > 1 and not asker.takes_mixes:
            return _Blame(differing)
        search = ComponentSearch(differing, asker.terms, rates)
        while (taken := search.next_question()) is not None:
            answer = asker.ask_mix(mixer, taken, specs[1].name)
            if answer is None:
                break
            search.answered(taken, answer)
        return _Blame(differing, *search.verdict())


class _Blame(NamedTuple):
    differing: tuple[str, ...] = ()
    causes: tuple[tuple[str, ...], ...] = ()
    confidence: float = 1.0


class _Asker:
    """Asks the check, unless the answer is known, and records what it says."""

    def __init__(
        self, check: Check, log: BisectLog, terms: BisectTerms, clock: Clock, tell: Tell
    ) -> None:
        self.terms = terms
        self.takes_mixes = check.takes_mixes
        self.evaluations: list[Evaluation] = []
        self._check = check
        self._log = log
        self._clock = clock
        self._tell = tell
        self.known: dict[Digest, Answer] = {}

    def ask_mix(self, mixer: Mixer, taken: tuple[str, ...], name: str) -> Answer | None:
        """Return the answer for a mix; one that cannot be made is skipped."""
        return self.ask(
            Subject(mixer.digest(taken), components=taken), lambda: mixer.mix(taken, name)
        )

    def ask(self, subject: Subject, prepare: Callable[[], object] = lambda: None) -> Answer | None:
        """Return the answer for a spec; None when there were as many as there may be."""
        known = self.known.get(subject.spec_digest)
        if self.terms.exact and known is not None:
            return known
        if len(self.evaluations) >= self.terms.at_most:
            return None
        found = self._log.answered(subject.spec_digest)
        if found is None:
            found = self._evaluate(subject, prepare)
            self._log.evaluated(found)
        self.evaluations.append(found)
        self.known[subject.spec_digest] = found.answer
        self._tell(found)
        return found.answer

    def _evaluate(self, subject: Subject, prepare: Callable[[], object]) -> Evaluation:
        try:
            prepare()
        except InvalidSpec as error:
            return Evaluation(subject, Answer.SKIP, {"reason": error.message})
        begun = self._clock()
        answer, detail = self._check(subject.spec_digest)
        lasted = (self._clock() - begun).total_seconds()
        return Evaluation(subject, answer, detail, max(0, round(lasted * 1000)))


def _question(
    name: str, path: Sequence[Candidate], check: Check, terms: BisectTerms
) -> dict[str, Json]:
    """Return what makes two bisections the same."""
    digests = canonical.dumps([str(one.spec_digest) for one in path])
    return {
        "name": name,
        "good": path[0].to_json(),
        "bad": path[-1].to_json(),
        "candidates": len(path) - 1,
        "path": str(Digest.of(digests)),
        "check": check.about,
        "flaky": terms.flaky,
        "confidence": terms.confidence,
        "components": terms.components,
    }
