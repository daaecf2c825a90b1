"""The forms of a gate's value: how it is written, and which of two is stricter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from aivcs.domain.canonical import Json

_MOST: Final = 10**9


class Form(Protocol):
    """One kind of value."""

    @property
    def expects(self) -> str:
        """Say what values there are."""
        ...

    def read(self, value: object) -> Json:
        """Return a declared value as it is kept; None for what is no such value."""
        ...

    def read_text(self, text: str) -> Json:
        """Return the value that a text on the command line says; None where it says none."""
        ...

    def stricter(self, one: Any, other: Any) -> Json:  # noqa: ANN401 - of its own form
        """Return the value that passes only what both pass."""
        ...


class Flag:
    """A gate without a value."""

    expects = "true"

    def read(self, value: object) -> Json:
        """Take true."""
        return True if value is True else None

    def read_text(self, text: str) -> Json:
        """Take ``true``."""
        return self.read(text == "true")

    def stricter(self, one: bool, other: bool) -> Json:  # noqa: FBT001 - both are values
        """Both are true."""
        return one or other


class Rate:
    """A number from 0 to 1; ``true`` stands for the usual one."""

    def __init__(self, usual: float, *, least: bool) -> None:
        self._usual = usual
        self._pick = max if least else min
        self.expects = f"a number from 0 to 1, or true for {usual}"

    def read(self, value: object) -> Json:
        """Take a number, or true."""
        if value is True:
            return self._usual
        return number(value)

    def read_text(self, text: str) -> Json:
        """Take what says a number, or ``true``."""
        return self.read(text == "true" or _float(text))

    def stricter(self, one: float, other: float) -> Json:
        """Return the one that fewer reach."""
        return self._pick(one, other)


class Count:
    """A whole number from 1; ``true`` stands for 1."""

    expects = "a whole number from 1, or true for 1"

    def read(self, value: object) -> Json:
        """Take a whole number, or true."""
        if value is True:
            return 1
        whole = isinstance(value, int) and not isinstance(value, bool)
        return value if whole and isinstance(value, int) and 1 <= value < _MOST else None

    def read_text(self, text: str) -> Json:
        """Take digits, or ``true``."""
        return self.read(text == "true" or (int(text[:10]) if _is_whole(text) else None))

    def stricter(self, one: int, other: int) -> Json:
        """Return the larger."""
        return max(one, other)


class Tags:
    """One text, or a list of them."""

    expects = "a text, or a list of texts"

    def read(self, value: object) -> Json:
        """Take a text or a list of texts that are not blank."""
        many = value if isinstance(value, list) else [value]
        texts = sorted({one for one in many if isinstance(one, str) and one.strip()})
        sound = many and all(isinstance(one, str) and one.strip() for one in many)
        return list[Any](texts) if sound else None

    def read_text(self, text: str) -> Json:
        """Take texts with commas between them."""
        return self.read(text.split(","))

    def stricter(self, one: list[str], other: list[str]) -> Json:
        """Return both."""
        return list[Any](sorted({*one, *other}))


class Trials:
    """A rate for each of some numbers of trials."""

    expects = "a table such as { 4 = 0.5 }, or 4:0.5: of so many trials, so large a share"

    def read(self, value: object) -> Json:
        """Take a table from whole numbers to rates."""
        if not isinstance(value, dict) or not value:
            return None
        found: dict[str, Json] = {}
        for key in sorted(value, key=str):
            rate = number(value[key])
            if not (isinstance(key, str) and _is_whole(key) and int(key)) or rate is None:
                return None
            found[str(int(key))] = rate
        return found

    def read_text(self, text: str) -> Json:
        """Take ``4:0.5``, and more of them with commas between."""
        pairs = [part.partition(":") for part in text.split(",")]
        return self.read({trials: _float(rate) for trials, _, rate in pairs})

    def stricter(self, one: dict[str, float], other: dict[str, float]) -> Json:
        """Return each rate that either has, the larger of two."""
        return {key: max(one.get(key, 0), other.get(key, 0)) for key in sorted({*one, *other})}


def number(value: object) -> float | None:
    """Return a number from 0 to 1; None for anything else, NaN too."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value <= 1 else None


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(_MOST))
