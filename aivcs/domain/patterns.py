"""Lists of gitignore-style patterns, matched against paths relative to one folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pathspec import GitIgnoreSpec

_SPECIAL: Final = frozenset("\\*?[]!#")
_WILD: Final = frozenset("*?[")


class Patterns:
    """A list of patterns; the last one that fits a path decides, ``!`` takes it back.

    Patterns that name one path are kept in a set, so that a list of thousands of exact
    paths is as quick as a short one.
    """

    __slots__ = ("_lines", "_paths", "_spec")

    def __init__(self, patterns: Iterable[str]) -> None:
        """Compile the patterns. Raises InvalidSpec naming one that cannot be read."""
        lines = tuple(patterns)
        self._paths: frozenset[str] = frozenset()
        if not any(line.startswith("!") for line in lines):
            anchored = {line: path for line in lines if (path := exact_path(line)) is not None}
            self._paths = frozenset(anchored.values())
            lines = tuple(line for line in lines if line not in anchored)
        self._lines = lines
        self._spec = _compile(lines) if lines else None

    def matches(self, path: str, *, folder: bool = False) -> bool:
        """Tell whether the list takes this path in."""
        return self.verdict(path, folder=folder) is True

    def verdict(self, path: str, *, folder: bool = False) -> bool | None:
        """Return True (taken in), False (taken back by ``!``) or None (nothing fits)."""
        if self._paths and any(place in self._paths for place in upward(path)):
            return True
        if self._spec is None:
            return None
        found = self._spec.check_file(f"{path}/" if folder else path)
        if folder and found.index is not None and self._lines[found.index].endswith("/**"):
            return None  # fits what is inside the folder, not the folder itself
        return found.include


def upward(path: str) -> Iterator[str]:
    """Yield the path, then the folders it lies in, innermost first."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def reaches(pattern: str, folder: str, *, anywhere: bool) -> bool:
    """Tell whether a pattern could fit a path inside this folder.

    ``anywhere`` is the answer for a pattern that fits in every folder, such as ``*.md``.
    """
    if pattern.startswith("!"):
        return False
    trimmed = pattern.rstrip("/")
    steps = trimmed.removeprefix("/").split("/")
    leading = steps[: steps.index("**")] if "**" in steps else steps
    places = folder.split("/")
    depth = min(len(leading), len(places))
    if depth == 0 or "/" not in trimmed:
        return anywhere
    head = Patterns([f"/{'/'.join(leading[:depth])}"])
    return head.matches("/".join(places[:depth]), folder=True)


def exact_path(pattern: str) -> str | None:
    """Return the one path an anchored pattern without wildcards names, else None."""
    path = plain_path(pattern)
    return path if path is not None and "/" in pattern else None


def plain_path(pattern: str) -> str | None:
    """Return a pattern without wildcards as the path it names at the root, else None."""
    if not pattern or pattern[0] in "!#" or pattern[-1] == "/":
        return None
    out: list[str] = []
    characters = iter(pattern)
    escaped = False
    for character in characters:
        escaped = character == "\\"
        if escaped:
            following = next(characters, None)
            if following is None:
                return None
            out.append(following)
        elif character in _WILD:
            return None
        else:
            out.append(character)
    if out[-1].isspace() and not escaped:
        return None  # unescaped white space at the end is not part of a pattern
    return "".join(out).removeprefix("/") or None


def exact_pattern(path: str) -> str:
    """Return the pattern that names exactly this path; ``exact_path`` is its inverse."""
    text = "".join(f"\\{one}" if one in _SPECIAL else one for one in path)
    if path[-1].isspace():
        text = f"{text[:-1]}\\{path[-1]}"
    return f"/{text}"


def ignore_rules(text: str) -> Patterns:
    """Read the text of a ``.gitignore`` file; lines that are no pattern have no effect."""
    lines: list[str] = []
    for line in text.split("\n"):
        trimmed = line.removesuffix("\r")
        if not trimmed.strip() or trimmed.startswith("#"):
            continue
        try:
            _compile((trimmed,))
        except InvalidSpec:
            continue
        lines.append(trimmed)
    return Patterns(lines)


def _compile(lines: tuple[str, ...]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError as error:
            msg = f"not a pattern: {line!r}"
            raise InvalidSpec(msg, hint="patterns are written as in a .gitignore file") from error
    return GitIgnoreSpec.from_lines(lines)
