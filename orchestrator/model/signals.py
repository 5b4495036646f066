"""What a task may raise or return to say more than a value: skip, fail, details of its work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any


class SKIP(Exception):  # noqa: N818 - Prefect 1's name
    """Raised by a task that finds it has nothing to do; what depends on it is skipped too."""


class RETRY(Exception):  # noqa: N818 - Prefect 1's name
    """Raised by a task to be run again later, whatever its ``retry_on`` says.

    A task with ``max_retries`` is run again so often at most; one without, as often as it asks.

    Args:
        message: One line for people.
        delay: Seconds (or a timedelta) to wait; the task's ``retry_delay`` if left out.

    Example:
        >>> RETRY("the file is not there yet", delay=300).delay
        300.0
    """

    def __init__(self, message: str = "", delay: timedelta | float | None = None) -> None:
        super().__init__(message, delay)
        self.message = message
        seconds = delay.total_seconds() if isinstance(delay, timedelta) else delay
        self.delay = None if seconds is None else float(seconds)

    def __str__(self) -> str:
        return self.message


class PAUSE(Exception):  # noqa: N818 - Prefect 1's name
    """Raised by a task to stop until somebody lets it go on; it then runs from its beginning.

    Args:
        message: One line for people: what is to be looked at.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class FAIL(Exception):  # noqa: N818 - Prefect 1's name
    """Raised by a task to fail with details that a plain exception cannot carry.

    Args:
        message: One line for people.
        status: The tool's own word (dbt's ``error``, ``fail``).
        failures: Failing rows of a test.
        rows: Rows written before it failed.
        detail: JSON-able facts shown with the failure (``compiled_code``, ``error_line``, …).
        told: For tasks that ask for the states of what they wait for; see :class:`State`.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status: str | None = None,
        failures: int | None = None,
        rows: int | None = None,
        detail: Mapping[str, Any] | None = None,
        told: bytes | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.failures = failures
        self.rows = rows
        self.detail = dict(detail or {})
        self.told = told


@dataclass(frozen=True, slots=True)
class Result:
    """Returned by a task that knows more than its value.

    Args:
        value: What downstream tasks receive.
        message: One line for people.
        status: The tool's own word (dbt's ``warn``).
        rows: Rows written.
        failures: Rows that a warning test found.
        detail: JSON-able facts kept with the task run.
        told: For tasks that ask for the states of what they wait for; see :class:`State`.
    """

    value: Any = None
    message: str = ""
    status: str | None = None
    rows: int | None = None
    failures: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    told: bytes | None = field(default=None, repr=False)
