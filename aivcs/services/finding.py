"""From what a person types to the one thing it means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from aivcs.domain.digest import HEX_LENGTH, Digest
from aivcs.domain.names import MIN_PREFIX
from aivcs.errors import (
    AmbiguousId,
    InvalidDigest,
    NotFound,
    ReleaseNotFound,
    RunNotFound,
    SpecNotFound,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aivcs.domain.release import ReleaseRecord
    from aivcs.domain.run import RunId
    from aivcs.ports import Ledger
    from aivcs.services.releases import ReleaseRegistry

_SHOWN: Final = 10
_HEX: Final = re.compile(r"(?:sha256:)?([0-9a-f]{4,64})", re.ASCII | re.IGNORECASE)
_TOO_LONG: Final = re.compile(r"(?:sha256:)?[0-9a-f]{65,}", re.ASCII | re.IGNORECASE)
_RELEASE: Final = re.compile(r"(?P<name>[^@~]+)(?:@(?P<entry>[^~]+))?(?:~(?P<steps>\d{0,18}))?")
LATEST: Final = "latest"


class Finder:
    """Resolves abbreviations and names of runs, objects, specs and releases.

    What runs and releases are made of is loaded when one is asked for: to read an object
    takes none of it.
    """

    def __init__(self, ledger: Ledger, releases: Callable[[], ReleaseRegistry]) -> None:
        self._ledger = ledger
        self._releases = releases

    def run(self, text: str) -> RunId:
        """Return the id of a run: whole, a unique beginning (>= 4 characters), or ``latest``.

        Raises RunNotFound, AmbiguousId.
        """
        from aivcs.domain.run import RunId

        if self._ledger.run(text) is not None:
            return RunId(text)
        if text == LATEST:
            return self._latest()
        found = self._ledger.run_ids(text, _SHOWN) if len(text) >= MIN_PREFIX else []
        if not found:
            msg = f"no run {text}"
            raise RunNotFound(msg, hint=_hint(text, "'aivcs run list' lists the runs"))
        return RunId(_only(text, found))

    def _latest(self) -> RunId:
        from aivcs.domain.stream import RunQuery

        newest = self._ledger.runs(RunQuery(limit=1))
        if not newest:
            msg = "there is no run yet"
            raise RunNotFound(msg, hint="'aivcs run record' records one")
        return newest[0].run_id

    def object(self, text: str) -> Digest:
        """Return the digest of an object: whole, or a unique beginning (>= 4 characters).

        A whole digest is not looked up. Raises InvalidDigest, NotFound, AmbiguousId.
        """
        prefix = _prefix(text)
        if len(prefix) == HEX_LENGTH:
            return Digest.parse(prefix)
        start = int(prefix.ljust(HEX_LENGTH, "0"), 16) - 1
        after = Digest(start.to_bytes(HEX_LENGTH // 2, "big")) if start >= 0 else None
        near = self._ledger.digests(after=after, limit=_SHOWN)
        found = [str(digest) for digest in near if str(digest).startswith(prefix)]
        if not found:
            msg = f"no object begins with {text}"
            raise NotFound(msg, hint="'aivcs object list' lists the objects")
        return Digest.parse(_only(text, found))

    def spec(self, text: str) -> Digest:
        """Return the digest of a spec: that of a release, or a digest.

        ``NAME``, ``NAME@SEQ``, ``NAME@LABEL`` and ``NAME~N`` are releases; of a digest a
        beginning (>= 4 characters) is enough where it is unique; a whole one is always
        itself. Raises SpecNotFound, ReleaseNotFound, AmbiguousId, InvalidDigest (too long).
        """
        match = _HEX.fullmatch(text)
        prefix = match[1].lower() if match else None
        known = {str(spec.digest) for spec in self._ledger.specs()} if prefix else set()
        if prefix in known:
            return Digest.parse(prefix)
        found = sorted(digest for digest in known if digest.startswith(prefix or "-"))
        release = self._release(text)
        if release is not None:
            if found:
                msg = f"{text} is the name of an agent and the beginning of {', '.join(found)}"
                raise AmbiguousId(msg, hint=f"say {text}@{release.seq} or give more characters")
            return release.spec_digest
        if not found:
            if _TOO_LONG.fullmatch(text):
                return Digest.parse(text)
            msg = f"no spec {text}"
            lists = "'aivcs spec list' lists the specs, 'aivcs releases' the agents"
            raise SpecNotFound(msg, hint=self._unreleased(text) or _hint(text, lists))
        return Digest.parse(_only(text, found[:_SHOWN]))

    def release(self, text: str) -> ReleaseRecord:
        """Return a release entry: ``NAME``, ``NAME@SEQ``, ``NAME@LABEL``, ``NAME~N``.

        Raises ReleaseNotFound, AmbiguousId.
        """
        found = self._release(text)
        if found is None:
            msg = f"{text} has no release"
            lists = "'aivcs releases' lists the agents that have one"
            raise ReleaseNotFound(msg, hint=self._unreleased(text) or lists)
        return found

    def entry(self, text: str) -> ReleaseRecord:
        """Return what ``release`` does; of ``NAME@SEQ`` also a deprecation."""
        from aivcs.domain.release import seq_of

        match = _RELEASE.fullmatch(text)
        seq = None if match is None or match["steps"] is not None else seq_of(match["entry"])
        return (
            self.release(text)
            if match is None or seq is None
            else self._releases().entry(match["name"], seq)
        )

    def _unreleased(self, name: str) -> str | None:
        """Return what to do with a name that specs have, and no release."""
        for spec in self._ledger.specs():
            if spec.name == name and self._releases().head(name) is None:
                short = spec.digest.short()
                return (
                    f"{name} has no release yet; its newest spec is {short}, and "
                    f"'aivcs promote {name} {short}' releases it"
                )
        return None

    def _release(self, text: str) -> ReleaseRecord | None:
        match = _RELEASE.fullmatch(text)
        if match is None:
            return None
        name, entry, steps = match["name"], match["entry"], match["steps"]
        plain = entry is None and steps is None
        if plain and self._releases().current(name) is None:
            return None
        back = 0 if steps is None else int(steps or 1)
        return self._releases().find(name, entry, back)


def _prefix(text: str) -> str:
    match = _HEX.fullmatch(text)
    if match is None:
        msg = f"not a digest or the beginning of one: {text!r}"
        raise InvalidDigest(msg, hint="give 4 to 64 hexadecimal characters")
    return match[1].lower()


def _hint(text: str, lists: str) -> str:
    short = f"an abbreviated id needs {MIN_PREFIX} characters; " if len(text) < MIN_PREFIX else ""
    return f"{short}{lists}"


def _only(text: str, found: Iterable[str]) -> str:
    candidates = list(found)
    if len(candidates) == 1:
        return candidates[0]
    msg = f"{text} is ambiguous: {', '.join(candidates)}"
    raise AmbiguousId(msg, hint="give more characters")
