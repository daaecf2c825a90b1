from __future__ import annotations

import pytest

from aivcs.domain.digest import Digest
from aivcs.domain.policy import Policy
from aivcs.domain.pushing import Push, asked, candidates, read_pushes
from aivcs.domain.spec import AgentSpec
from aivcs.errors import InvalidInputError

OLD, NEW, NONE = "1" * 40, "2" * 40, "0" * 40


def test_what_git_says_of_a_push() -> None:
    said = (
        f"refs/heads/main {NEW} refs/heads/main {OLD}\n"
        f"HEAD~1 {OLD} refs/heads/new {NONE}\n"
        f"(delete) {NONE} refs/heads/gone {OLD}\n"
        f"refs/notes/aivcs {NEW} refs/notes/aivcs {NONE}\n"
        f"refs/tags/v1.0.0 {NEW * 1} refs/tags/v1.0.0 {NONE}\n"
        f"refs/heads/long {'3' * 64} refs/heads/long {'0' * 64}\n"
        "\n"
    )
    assert read_pushes(said) == [
        Push("refs/heads/main", NEW, OLD),
        Push("refs/heads/new", OLD, None),
        Push("refs/tags/v1.0.0", NEW, None),
        Push("refs/heads/long", "3" * 64, None),
    ]
    assert read_pushes("") == []


def test_refs_as_people_call_them() -> None:
    assert (Push("refs/heads/a/b", NEW, None).short, Push("refs/tags/v1", NEW, None).short) == (
        "a/b",
        "v1",
    )
    assert (Push("refs/heads/v1", NEW, None).label, Push("refs/tags/v1", NEW, None).label) == (
        None,
        "v1",
    )


@pytest.mark.parametrize(
    "line",
    [
        "refs/heads/main",
        f"refs/heads/main {NEW} refs/heads/main",
        f"refs/heads/main {NEW} refs/heads/main {OLD} more",
        f"refs/heads/main --exec refs/heads/main {OLD}",
        f"refs/heads/main {NEW} refs/heads/main {OLD[:-1]}x",
    ],
)
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(InvalidInputError, match="not a line of git's pre-push"):
        read_pushes(f"{line}\n")


def test_a_push_is_asked_what_it_can_answer() -> None:
    gates = {"no_flip": True, "semver_format": True, "require_notes": True}
    policy = Policy(gates, ("faq",))
    assert asked(policy, None) == Policy({"no_flip": True}, ("faq",))
    assert asked(policy, "v1") == Policy({"no_flip": True, "semver_format": True}, ("faq",))


def test_the_gates_of_a_name_are_about_the_agent_of_that_name() -> None:
    bot, other = (AgentSpec(Digest.of(name.encode()), {}, name) for name in ("bot", "other"))
    assert candidates("bot/prod", [bot, other]) == [bot]
    assert candidates("bot", [other, bot]) == [bot]
    assert candidates("third", [bot, other]) == [bot, other]
    assert candidates("bot", []) == []
