"""The runner of pages finds what a page gets wrong, and names the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.comparison import difference
from tests.docs.execution import Execution, PageError
from tests.docs.markdown import blocks
from tests.docs.shell import commands

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
<!-- setup: mkdir -p deep
echo ready >deep/file -->
```console
$ cd deep
$ word=$(cat file)
```
```console
$ echo "$word" \\
    twice
ready twice
$ cat <<END
> one
> two
> END
one
...
$ false || echo "exit status $?"
exit status 1
```
```python
number = 1
```
```python
print(open("file").read(), number)
```
```text output
ready
 1
```
<!-- not run: it would never end -->
```console
$ sleep infinity
```
```json
{"a": 1}
```
```toml
a = 1
```
"""


def run(text: str, place: Path) -> None:
    Execution("page.md", place).run(blocks(text))


def test_a_good_page_passes(tmp_path: Path) -> None:
    run(
        GOOD.replace('open("file").read()', '__import__("pathlib").Path("file").read_text()'),
        tmp_path,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```console\n$ true\n$ echo a\nb\n```\n", "page.md:3: other output of: echo a"),
        ("```console\n$ exit 3\n```\n", "page.md:2: exit status 3 of: exit 3"),
        ("\n<!-- setup: false -->\n", "page.md:2: exit status 1 of: false"),
        ("```python\na = 1\nb\n```\n", "page.md:3: NameError: name 'b' is not defined"),
        ("```python\nprint(1)\n```\n```text output\n2\n```\n", "page.md:5: other output"),
        ("```python\nprint(1)\n```\n", "page.md:0: the page does not show what is printed"),
        ("```text output\n2\n```\n", "page.md:2: the block before it prints nothing"),
        ("```console exact\n$ echo 1 ms\n2 ms\n```\n", "page.md:2: other output of: echo 1 ms"),
        ("```json\n{\n```\n", "page.md:2: not json"),
        ("```toml\n=\n```\n", "page.md:2: not toml"),
        ("```bash\ntrue\n```\n", "page.md:2: nobody executes 'bash'"),
    ],
)
def test_a_lie_is_found(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(PageError) as caught:
        run(text, tmp_path)
    assert str(caught.value).startswith(message)


def test_a_page_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(ValueError, match="line 1: the block is never closed"):
        blocks("```text\n")
    with pytest.raises(ValueError, match="line 7: output before the first command"):
        commands("hello\n$ true\n", 7)


def test_ids_times_and_durations_are_all_alike() -> None:
    shown = f"{'a1' * 32} 0b5e7c1e-8a5f-4a53-9f0e-1d2c3b4a5968 2026-01-31T12:00:00Z 12 ms  ~/x"
    found = f"{'b2' * 32} 1b5e7c1e-8a5f-4a53-9f0e-1d2c3b4a5968 2027-02-01T13:30:00.5Z 7 ms /h/x"
    assert difference(shown, found, "/h") is None
    assert difference(f"{shown}\n1", f"{found}\n2", "/h") is not None
