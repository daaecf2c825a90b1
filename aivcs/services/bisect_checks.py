"""What answers whether a spec is good: a call, a command, or what was recorded of it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from aivcs.domain.bisect import Answer
from aivcs.errors import CheckAborted, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aivcs.domain.canonical import Json
    from aivcs.domain.digest import Digest
    from aivcs.domain.evidence import Evidence

SKIP: Final = 125
_BROKEN: Final = frozenset({126, 127})
_ABORT: Final = 128
_GOES_ON: Final = "mend it and bisect again: what was answered so far is kept"


class Finding(NamedTuple):
    """An answer, and what it rests on."""

    answer: Answer
    detail: Mapping[str, Json] = MappingProxyType({})


class Check(Protocol):
    """Answers for the specs of one bisection."""

    @property
    def about(self) -> Json:
        """What it does, so that the same question is recognised."""
        ...

    @property
    def takes_mixes(self) -> bool:
        """Whether it can answer for a spec that was never released."""
        ...

    def begin(self, good: Digest, bad: Digest) -> None:
        """Hear which specs are said to be good and bad, and refuse what cannot be."""
        ...

    def __call__(self, spec: Digest) -> Finding:
        """Say whether a spec is good."""
        ...


class CallCheck:
    """Asks a function of the program: True good, False bad, None cannot tell."""

    takes_mixes = True

    def __init__(self, call: Callable[[Digest], bool | None]) -> None:
        self._call = call
        self.about: Json = {"call": getattr(call, "__qualname__", type(call).__qualname__)}

    def begin(self, good: Digest, bad: Digest) -> None:
        """Take whatever it is told."""

    def __call__(self, spec: Digest) -> Finding:
        """Call; InvalidInputError for an answer that is none."""
        said: object = self._call(spec)
        if said is None:
            return Finding(Answer.SKIP)
        if not isinstance(said, bool):
            msg = f"a check answers True, False or None, not {said!r:.80}"
            raise InvalidInputError(msg)
        return Finding(Answer.GOOD if said else Answer.BAD)


class CommandCheck:
    """Runs a command on a spec and reads its exit status as 'git bisect run' does."""

    takes_mixes = True

    def __init__(self, argv: Sequence[str], run: Callable[[Digest], int]) -> None:
        if not argv or not argv[0]:
            msg = "no command to check with"
            raise InvalidInputError(msg, hint="aivcs bisect NAME --good RELEASE -- COMMAND ARG...")
        self._run = run
        self._good: Digest | None = None
        self.about: Json = {"command": list(argv)}

    def begin(self, good: Digest, bad: Digest) -> None:
        """Remember what has to pass where the command itself is in doubt."""
        del bad
        self._good = good

    def __call__(self, spec: Digest) -> Finding:
        """Run it: 0 is good, 125 cannot tell, 1 to 127 bad; CheckAborted from 128 on."""
        status = self._run(spec)
        if status >= _ABORT:
            msg = f"the check ended with exit status {status} on spec {spec.short()}"
            raise CheckAborted(msg, hint=_GOES_ON)
        if status in _BROKEN and self._good is not None:
            # Where even the good spec cannot be checked, the command is what is broken.
            if self._run(self._good) in _BROKEN:
                msg = f"the check cannot be run: exit status {status}, on the good spec as well"
                raise CheckAborted(msg, hint=_GOES_ON)
            self._good = None
        answer = Answer.BAD if status else Answer.GOOD
        return Finding(Answer.SKIP if status == SKIP else answer, {"exit_status": status})


class EvidenceCheck:
    """Reads the evaluations that were recorded of a spec.

    A spec is good when its pass rate is ``min_pass_rate`` or more; without one, when every
    trial of every example passed. It cannot tell without an example.
    """

    takes_mixes = False

    def __init__(
        self,
        of: Callable[[Digest, str | None], Evidence],
        suite: str | None = None,
        min_pass_rate: float | None = None,
    ) -> None:
        if min_pass_rate is not None and not 0 <= min_pass_rate <= 1:
            msg = f"not a pass rate: {min_pass_rate}"
            raise InvalidInputError(msg, hint="give a number from 0 to 1")
        self._of = of
        self._suite = suite
        self._least = min_pass_rate
        self.about: Json = {"suite": suite, "min_pass_rate": min_pass_rate}

    def begin(self, good: Digest, bad: Digest) -> None:
        """Refuse ends that the evidence itself contradicts."""
        for spec, wrong in ((good, Answer.BAD), (bad, Answer.GOOD)):
            if self(spec).answer is wrong:
                msg = f"the evidence has spec {spec.short()} as {wrong.value}"
                raise InvalidInputError(msg, hint="choose --good and --bad as the evidence has it")

    def __call__(self, spec: Digest) -> Finding:
        """Look it up."""
        found = self._of(spec, self._suite)
        rate = found.pass_rate()
        if rate is None:
            return Finding(Answer.SKIP, {"pass_rate": None})
        if self._least is None:
            good = all(example.passed for example in found.examples().values())
        else:
            good = rate >= self._least
        return Finding(Answer.GOOD if good else Answer.BAD, {"pass_rate": rate})
