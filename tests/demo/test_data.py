from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aivcs import trajectories

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = ROOT / "aivcs" / "demo" / "data"
PERSONAL = re.compile(
    r'\\?"(first_name|last_name|email|address1|address2|city|zip|dob|last_four|user_id)\\?"'
    r': ?\\?"(.*?)\\?"'
)
PLACEHOLDER = re.compile(
    r"Name\d+|user\d+|customer@example\.com|1 Example Street|Suite 1|Example City|0+|1900-01-01"
)
HOME = re.compile(r"/home/|/Users/|__Users__|\\Users\\", re.IGNORECASE)
MAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w+")


def bundled() -> list[Path]:
    return [path for path in BUNDLED.rglob("*") if path.is_file()]


def _personal(value: Any) -> Iterator[str]:
    """Yield what a chat's records say of a customer, JSON inside of texts included."""
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str) and key in (
                "first_name",
                "last_name",
                "email",
                "address1",
                "address2",
                "user_id",
                "dob",
            ):
                yield item
            if key == "user_id":
                yield from (name for name in item.split("_")[:2])
            yield from _personal(item)
    elif isinstance(value, list):
        for item in value:
            yield from _personal(item)
    elif isinstance(value, str) and value.startswith(("{", "[")):
        yield from _personal(json.loads(value))


@pytest.mark.optional_data
def test_nothing_of_the_original_customers_is_left(
    shared_data: Path | None, script: Callable[[str], ModuleType]
) -> None:
    if shared_data is None:
        pytest.skip("no originals to compare with")
    bundle = script("bundle_data")
    originals = json.loads((shared_data / bundle.CHATS).read_text())
    picked = {one for ones in bundle.PICKED.values() for one in ones}
    chosen = [run for run in originals if (run["task_id"], run["trial"]) in picked]
    words = set(_personal(chosen))
    assert len(chosen) == 6
    assert len(words) > 15
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, words))})\b", re.IGNORECASE)
    for path in (BUNDLED / "tau-bench").iterdir():
        assert pattern.findall(path.read_text()) == []


@pytest.mark.optional_data
def test_the_script_writes_what_is_bundled(
    shared_data: Path | None,
    script: Callable[[str], ModuleType],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if shared_data is None:
        pytest.skip("no originals to read")
    bundle = script("bundle_data")
    monkeypatch.setattr(bundle, "TARGET", tmp_path)
    assert bundle.main() == 0
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert written | {Path("SOURCES.md")} == {path.relative_to(BUNDLED) for path in bundled()}
    for path in written:
        assert (tmp_path / path).read_bytes() == (BUNDLED / path).read_bytes()


def test_customers_are_placeholders() -> None:
    found = [
        match[2]
        for path in (BUNDLED / "tau-bench").iterdir()
        for match in PERSONAL.finditer(path.read_text())
    ]
    assert len(found) > 20
    assert [text for text in found if not PLACEHOLDER.fullmatch(text)] == []


def test_no_home_folder_and_no_address_of_mail() -> None:
    for path in bundled():
        text = path.read_text()
        assert not HOME.search(text), path
        assert set(MAIL.findall(text)) <= {"customer@example.com"}, path


def test_the_selection_is_small_and_says_where_it_comes_from() -> None:
    sources = (BUNDLED / "SOURCES.md").read_text()
    assert sum(path.stat().st_size for path in bundled()) < 200_000
    for path in bundled():
        if "LICENSES" in path.parts:
            assert path.read_text().startswith(("MIT License", "The MIT License")), path
        elif path.name != "SOURCES.md":
            assert f"`{path.relative_to(BUNDLED).as_posix()}`" in sources


def test_the_bundled_runs_have_the_rewards_the_story_tells() -> None:
    rewards = {
        name: [
            run.tags["reward"]
            for run in trajectories.read((BUNDLED / "tau-bench" / name).read_bytes())
        ]
        for name in ("runs-v1.json", "runs-v2.json")
    }
    assert rewards == {"runs-v1.json": [1.0, 1.0, 1.0], "runs-v2.json": [1.0, 0.0, 0.0]}
