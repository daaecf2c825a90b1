from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.names import MAX_NAME, MAX_RUN_ID, check_name, check_run_id, name_from
from aivcs.domain.run import RunId
from aivcs.errors import InvalidName


@pytest.mark.parametrize("name", ["a", "support-agent", "équipe/β_2.0", "x" * MAX_NAME, "a-", "7"])
def test_good_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "-a", "a b", "a\tb", "a\n", "a~1", "a@2", "a:b", "a\0", "a\x7f", "a\x85", "a\u2028b"],
)
def test_bad_names(name: object) -> None:
    with pytest.raises(InvalidName, match="not a valid name"):
        check_name(name)


@pytest.mark.parametrize("name", ["x" * (MAX_NAME + 1), "a\ud800", None, 7, b"a"])
def test_names_of_the_wrong_length_or_type(name: object) -> None:
    with pytest.raises(InvalidName, match="not a valid name"):
        check_name(name)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_gives_a_valid_name(text: str) -> None:
    assert check_name(name_from(text, "agent"))


def test_names_made_of_texts() -> None:
    assert name_from("  My Agent: v2 ", "agent") == "My-Agent-v2"
    assert name_from("~~~", "agent") == "agent"
    assert name_from("y" * 500, "agent") == "y" * MAX_NAME


@pytest.mark.parametrize("run_id", ["r", "nonexistent", "a b:c@d~e", "x" * MAX_RUN_ID])
def test_good_run_ids(run_id: str) -> None:
    assert check_run_id(run_id) == run_id
    assert check_run_id(RunId(run_id)) == run_id


@pytest.mark.parametrize("run_id", ["", "x" * (MAX_RUN_ID + 1), "a\0b", "\ud800"])
def test_bad_run_ids(run_id: str) -> None:
    with pytest.raises(InvalidName, match="not a run id"):
        check_run_id(run_id)
