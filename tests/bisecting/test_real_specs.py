"""Bisecting the real histories of agents: the first version with a line, and where the line is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.domain.release import ReleaseMetadata

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from aivcs.domain.digest import Digest
    from aivcs.repo import Repo

HISTORIES = (
    ("openhands-system-prompt", "mini-swe-agent-mini"),
    ("mini-swe-agent-mini", "openhands-system-prompt"),
    ("wshobson-security-compliance-security-auditor", "mini-swe-agent-mini"),
)


def versions(folder: Path) -> list[str]:
    return [one.read_text() for one in sorted(folder.iterdir()) if one.is_file()]


def lines_that_came_and_stayed(texts: Sequence[str]) -> dict[int, str]:
    """Return by version a line that no version before it has and every one from it on."""
    found = {}
    for first in range(1, len(texts)):
        lines = set.intersection(*(set(text.splitlines()) for text in texts[first:]))
        lines.difference_update(*(text.splitlines() for text in texts[:first]))
        if lines:
            found[first] = max(lines)
    return found


@pytest.mark.optional_data
@pytest.mark.parametrize(("prompts", "config"), HISTORIES)
def test_the_first_version_with_a_line_is_found(
    repo: Repo, data: Callable[[str], Path], prompts: str, config: str
) -> None:
    said = versions(data("versioned-specs") / prompts)
    set_up = versions(data("versioned-specs") / config)
    seqs: list[int] = []
    for number, text in enumerate(said):
        components = {
            "prompts": {"prompt.txt": text},
            "config": {"config.txt": set_up[min(number, len(set_up) - 1)]},
        }
        spec = repo.specs.add({"name": "agent", "components": components})
        record = repo.releases.promote("agent", spec, ReleaseMetadata(promoted_by="ada"))
        seqs.append(record.seq)
    planted = lines_that_came_and_stayed(said)
    for first, line in planted.items():

        def check(digest: Digest, line: str = line) -> bool:
            text = repo.specs.read(digest, "prompts", "prompt.txt").decode()
            return line not in text.splitlines()

        found = repo.bisect("agent", check, good=1)
        assert found.first_bad is not None
        assert found.first_bad.seq == seqs[first]
        assert found.components == ("prompts",)
        steps = [one for one in found.evaluations if one.subject.seq is not None]
        assert len(steps) <= (len(said) - 2).bit_length()
    assert planted
    assert repo.verify().ok
