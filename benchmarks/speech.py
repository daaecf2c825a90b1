"""Sentences that read like those of real runs: a chain of words learned from bundled runs."""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from random import Random

Chain: TypeAlias = "dict[str, list[str]]"

_BUNDLED: Final = Path(__file__).resolve().parent.parent / "aivcs" / "demo" / "data"
_SOURCES: Final = (
    "tau-bench/runs-v1.json",
    "tau-bench/runs-v2.json",
    "who-and-when/53.json",
    "swe-agent/humanevalfix-python-0.traj",
    "mini-swe-agent/local.traj.json",
)
_LONGEST_WORD: Final = 24
_NEW_SUBJECT: Final = 0.2
"""How often a sentence goes on with a word that did not follow in the source."""


@cache
def chain() -> Chain:
    """Return which words follow which in the bundled runs, each as often as it does there."""
    words = [word for name in _SOURCES for word in _words(_texts(_load(_BUNDLED / name)))]
    following: Chain = {}
    for word, after in pairwise(words):
        following.setdefault(word, []).append(after)
    return following


def sentences(random: Random, count: int) -> list[str]:
    """Return ``count`` sentences of 6 to 26 words; the same for the same random state."""
    following = chain()
    starts = list(following)
    made = []
    for _ in range(count):
        word = random.choice(starts)
        words = [word]
        for _ in range(random.randrange(5, 26)):
            fresh = word not in following or random.random() < _NEW_SUBJECT
            word = random.choice(starts if fresh else following[word])
            words.append(word)
        made.append(" ".join(words))
    return made


def _load(path: Path) -> object:
    value: object = json.loads(path.read_bytes())
    return value


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for member in value.values() for text in _texts(member)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []


def _words(texts: list[str]) -> list[str]:
    # A text that many messages repeat is one source of words, not many.
    return [
        word for text in dict.fromkeys(texts) for word in text.split() if len(word) <= _LONGEST_WORD
    ]
