"""Why an execution or one of its steps failed, and whether trying again makes sense."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aivcs.domain.fields import (
    HTTP_STATUS,
    JSON,
    NAME,
    ORDINAL,
    TEXT,
    WHOLE,
    Field,
    check_fields,
    name_of,
    one_of,
)
from aivcs.errors import InvalidEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.canonical import Json


class Retry(StrEnum):
    """Whether an operation that failed may be tried again; ``maybe``: the cause decides."""

    NEVER = "never"
    MAYBE = "maybe"
    YES = "yes"


class ErrorCategory(StrEnum):
    """What kind of thing failed."""

    LLM_ERROR = "LlmError"
    TOOL_ERROR = "ToolError"
    POLICY_VIOLATION = "PolicyViolation"
    TIMEOUT = "Timeout"
    QUOTA_EXCEEDED = "QuotaExceeded"
    KERNEL_INTERNAL = "KernelInternal"
    VALIDATION_ERROR = "ValidationError"
    NETWORK_ERROR = "NetworkError"

    @property
    def retry(self) -> Retry:
        """Whether errors of this category may be tried again."""
        return RETRIES[self]

    @property
    def fatal(self) -> bool:
        """Whether trying again never makes sense."""
        return self.retry is Retry.NEVER


RETRIES: Final[Mapping[ErrorCategory, Retry]] = MappingProxyType(
    {
        ErrorCategory.LLM_ERROR: Retry.MAYBE,
        ErrorCategory.TOOL_ERROR: Retry.MAYBE,
        ErrorCategory.POLICY_VIOLATION: Retry.NEVER,
        ErrorCategory.TIMEOUT: Retry.YES,
        ErrorCategory.QUOTA_EXCEEDED: Retry.NEVER,
        ErrorCategory.KERNEL_INTERNAL: Retry.NEVER,
        ErrorCategory.VALIDATION_ERROR: Retry.NEVER,
        ErrorCategory.NETWORK_ERROR: Retry.YES,
    }
)

_FIELDS: Final = (
    Field("category", one_of(ErrorCategory)),
    Field("message", TEXT),
    Field("retry_policy", JSON, required=False),
    Field("code", TEXT, required=False),
    Field("attempt", ORDINAL, required=False),
    Field("step_id", NAME, required=False),
    Field("provider", TEXT, required=False),
    Field("http_status", HTTP_STATUS, required=False),
    Field("details", JSON, required=False),
    Field("occurred_at", WHOLE, required=False),
)
_WHERE: Final = "an execution's error"


@dataclass(frozen=True, slots=True)
class ExecutionError:
    """A failure as a value.

    ``retry_policy`` is any JSON value, kept as it is. ``attempt`` counts from 1;
    ``occurred_at`` is in milliseconds since 1970.
    """

    category: ErrorCategory
    message: str
    retry_policy: Json = None
    code: str | None = None
    attempt: int = 1
    step_id: str | None = None
    provider: str | None = None
    http_status: int | None = None
    details: Json = None
    occurred_at: int | None = None

    def __post_init__(self) -> None:
        """Refuse a field of a wrong type, with InvalidEvent naming it."""
        check_fields(_WHERE, _FIELDS, self.to_dict(), open_ended=False)
        object.__setattr__(self, "category", ErrorCategory(self.category))

    def to_dict(self) -> dict[str, Json]:
        """Return every field, as JSON."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_dict(cls, value: object) -> ExecutionError:
        """Read what ``to_dict`` gave; InvalidEvent names the field that is wrong."""
        if not isinstance(value, dict):
            msg = f"{_WHERE} must be an object, not {name_of(value)}"
            raise InvalidEvent(msg, hint="it requires: category, message")
        check_fields(_WHERE, _FIELDS, value, open_ended=False)
        return cls(**{name: item for name, item in value.items() if item is not None})
