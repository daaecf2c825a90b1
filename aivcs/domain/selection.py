"""Which files of a folder belong to which component, and which stay out."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from aivcs.domain.folder import MANIFEST
from aivcs.domain.patterns import Patterns, exact_path, plain_path, reaches, upward
from aivcs.domain.secrets import looks_secret
from aivcs.domain.spec import Component
from aivcs.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aivcs.domain.manifest import Manifest


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NEVER: Final = frozenset({".git", ".aivcs", ".hg", ".svn"})
"""Names that no path of a spec may contain."""

GENERATED: Final = frozenset(
    _words(
        ".venv venv node_modules __pycache__ pyvenv.cfg .mypy_cache .pytest_cache .ruff_cache"
        " .hypothesis .tox .nox .DS_Store .idea .vscode .gitignore"
    )
)
"""Names that stay out unless a manifest names a path with them exactly; ``*.pyc`` too."""

_DATA: Final = ("json", "yaml", "yml", "toml")

DEFAULTS: Final[tuple[tuple[Component, tuple[str, ...]], ...]] = (
    # by name
    (
        Component.ENV,
        _words(
            "requirements*.txt uv.lock poetry.lock pdm.lock Pipfile Pipfile.lock pyproject.toml"
            " package.json package-lock.json pnpm-lock.yaml yarn.lock environment.yaml"
            " environment.yml environment.*.yaml environment.*.yml Dockerfile* .python-version"
            " .tool-versions go.mod go.sum Cargo.toml Cargo.lock env.json /env/**"
        ),
    ),
    (
        Component.TOOLS,
        ("/tools/**", "/skills/**", "tools.*", "*.tools.json", "mcp.json", ".mcp.json"),
    ),
    (Component.PROMPTS, ("/prompts/**", "AGENTS.md", "CLAUDE.md")),
    (
        Component.MODEL,
        (*(f"model.{kind}" for kind in _DATA), *(f"/models/**/*.{kind}" for kind in _DATA)),
    ),
    (Component.CONFIG, ("/config/**",)),
    (Component.GRAPH, ("/graph/**", "graph.*", "langgraph.json")),
    # by extension
    (
        Component.PROMPTS,
        _words(
            "*.md *.txt *.prompt *.j2 *.jinja*"
            " !README* !CHANGELOG* !CONTRIBUTING* !LICENSE* !NOTICE* !CODE_OF_CONDUCT*"
            " !SECURITY*"
        ),
    ),
    (Component.CONFIG, _words("*.yaml *.yml *.json *.toml *.ini *.cfg")),
    (
        Component.GRAPH,
        _words(
            "*.py *.pyi *.ipynb *.js *.mjs *.cjs *.jsx *.ts *.mts *.tsx *.rs *.go *.java *.kt"
            " *.rb *.php *.cs *.c *.h *.cc *.cpp *.hpp *.swift *.lua *.sh *.bash *.ps1"
            " *.sql"
        ),
    ),
)
"""The patterns of a folder without a manifest, as one table: the first row that fits."""


class Selection:
    """The rules for one folder: those of its manifest, or the default ones."""

    def __init__(self, manifest: Manifest | None = None) -> None:
        """Compile the rules. Raises InvalidSpec naming a pattern that cannot be read."""
        self._components = manifest.components if manifest else None
        self._exclude = manifest.exclude if manifest else ()
        self._excluded = Patterns(self._exclude)
        self._prunes = not any(pattern.startswith("!") for pattern in self._exclude)
        self._allowed = frozenset(manifest.allow_secrets) if manifest else frozenset()
        listed = self._components or {}
        self._patterns = {part: Patterns(patterns) for part, patterns in listed.items()}
        named = (plain_path(one) for patterns in listed.values() for one in patterns)
        self._named = frozenset(path for path in named if path)
        self._on_the_way = frozenset(
            folder for path in self._named for folder in upward(path.rpartition("/")[0])
        )

    def leaves_out(self, path: str, *, folder: bool = False) -> str | None:
        """Say why this path stays out whatever it holds, or None. Parents are not asked."""
        name = path.rpartition("/")[2]
        if name in NEVER or path == MANIFEST:
            return "is never part of a spec"
        if (self._prunes or not folder) and self._excluded.matches(path, folder=folder):
            return f"excluded by {MANIFEST}"
        if self.names(path, folder=folder):
            return None
        if name in GENERATED or name.endswith(".pyc"):
            return "generated or local to one machine"
        return None

    def names(self, path: str, *, folder: bool = False) -> bool:
        """Tell whether the manifest names this file, or one below this folder, exactly.

        Such a file is taken though it is ignored or generated; a secret only when it is
        allowed.
        """
        return path in (self._on_the_way if folder else self._named)

    def suspects(self, path: str, target: str | None = None) -> bool:
        """Tell whether a file's name (or what it links to) is a secret's and not allowed."""
        if self.allows(path):
            return False
        return looks_secret(path) or (target is not None and looks_secret(target))

    def allows(self, path: str) -> bool:
        """Tell whether the manifest allows this file to be a secret."""
        return path in self._allowed

    def withholds(self, path: str) -> bool:
        """Tell whether a secret would be taken if it were allowed.

        Without a manifest's patterns that is so for every one.
        """
        return self._components is None or self.component_of(path) is not None

    def could_take(self, path: str, *, anywhere: bool) -> bool:
        """Tell whether a pattern fits this file, or could fit one in a folder at this path.

        Patterns that fit in every folder count only with ``anywhere``.
        """
        if self.component_of(path) is not None:
            return True
        listed = self._components if self._components is not None else _default_patterns()
        return any(
            reaches(pattern, path, anywhere=anywhere)
            for patterns in listed.values()
            for pattern in patterns
        )

    def component_of(self, path: str) -> str | None:
        """Return the component a file belongs to, None when it matches no pattern.

        Raises InvalidSpec naming the path and two components of a manifest that claim it.
        """
        if self._components is None:
            return default_component(path)
        claims = [part for part, patterns in self._patterns.items() if patterns.matches(path)]
        if len(claims) > 1:
            msg = f"{path!r} matches the patterns of {claims[0]} and of {claims[1]}"
            raise InvalidSpec(
                msg, hint=f"a file belongs to one component; narrow a pattern in {MANIFEST}"
            )
        return claims[0] if claims else None

    def check_used(self, files: Iterable[tuple[str, str]], secrets: Iterable[str]) -> None:
        """Raise InvalidSpec naming a pattern that fits none of the (component, path) pairs.

        ``secrets`` are the paths that were withheld; the hint names one that would fit.
        """
        withheld = tuple(secrets)
        taken: dict[str, list[str]] = {}
        for component, path in files:
            taken.setdefault(component, []).append(path)
        for component, patterns in (self._components or {}).items():
            paths = taken.get(component, [])
            places = {place for path in paths for place in upward(path)}
            for pattern in patterns:
                if pattern.startswith("!"):
                    continue
                exact = exact_path(pattern)
                if exact is not None and exact in places:
                    continue
                if exact is not None or not any(map(Patterns([pattern]).matches, paths)):
                    msg = f"{MANIFEST}: the pattern {pattern!r} of {component} matches no file"
                    raise InvalidSpec(msg, hint=_unused_hint(pattern, withheld))


def _unused_hint(pattern: str, withheld: Iterable[str]) -> str:
    fits = Patterns([pattern]).matches
    for path in withheld:
        if fits(path):
            return f'"{path}" looks like a secret; allow_secrets = ["{path}"] takes it'
    return "patterns are relative to the folder, without './' or '..'"


def default_component(path: str) -> str | None:
    """Return the component the default table gives this file, None when no row fits."""
    for component, patterns in _compiled_defaults():
        if patterns.matches(path):
            return component.value
    return None


def stands_by_default(files: Mapping[str, Iterable[str]]) -> bool:
    """Tell whether a folder of just these files is read back alike without a manifest."""
    rules = Selection()
    for component, paths in files.items():
        for path in paths:
            out = any(rules.leaves_out(place) for place in upward(path))
            if out or looks_secret(path) or default_component(path) != component:
                return False
    return True


def check_storable(path: str) -> None:
    """Raise InvalidSpec for a path that a checkout must never write."""
    if path == MANIFEST or not NEVER.isdisjoint(path.lower().split("/")):
        msg = f"{path!r} is never part of a spec"
        raise InvalidSpec(msg, hint=f"{MANIFEST}, {', '.join(sorted(NEVER))} are reserved names")


def _default_patterns() -> dict[str, tuple[str, ...]]:
    listed: dict[str, tuple[str, ...]] = {}
    for component, patterns in DEFAULTS:
        listed[component] = listed.get(component, ()) + patterns
    return listed


@cache
def _compiled_defaults() -> tuple[tuple[Component, Patterns], ...]:
    return tuple((component, Patterns(patterns)) for component, patterns in DEFAULTS)
